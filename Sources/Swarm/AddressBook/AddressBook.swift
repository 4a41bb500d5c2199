public import Identity
public import Primitives

/// How much the address book holds.
///
/// All of it came from strangers.
public struct AddressBookConfig: Hashable, Sendable {
    /// Peers; about ten routing tables.
    ///
    /// Beyond, the disconnected peer that was touched longest ago is forgotten.
    public var peerCountMax = 4096
    /// Addresses of one peer; honest nodes have fewer than ten.
    public var addressCountMax = 32
    /// The largest signed record that is kept, so that it can be shown to others; ours has less than 1 KiB.
    public var recordByteCountMax = 2 << 10
    /// How long a disconnected peer is remembered after it was last heard of.
    public var lifetime: Duration = .seconds(15 * 60)

    public init() {}
}

/// Where peers can be reached, as far as we have heard.
///
/// Three degrees of trust order the addresses of a peer: *proven*, where we reached it; *certified*, which it signed itself;
/// *told*, by whomever. Nobody can displace an address by one of a lower degree. Of those that were told the last come first and stay
/// longest, so that nobody's lies keep out what is told after them.
public struct AddressBook: Sendable {
    private enum Degree: Int, Comparable, Sendable {
        case proven
        case certified
        case told

        static func < (left: Degree, right: Degree) -> Bool { left.rawValue < right.rawValue }
    }

    private struct Known: Sendable {
        let address: Multiaddr
        var degree: Degree
    }

    private struct Entry: Sendable {
        /// In the order of their degrees; within one degree as they came, but those that were told the other way about.
        var addresses: [Known] = []
        var sequence: UInt64?
        var envelope: [UInt8] = []
        var isConnected = false
    }

    public let config: AddressBookConfig
    private var entries: [PeerID: Entry] = [:]
    /// When each disconnected peer is forgotten; the first is also the one longest untouched.
    private var forgetting = DeadlineQueue<PeerID>()

    public init(config: AddressBookConfig) {
        precondition(config.peerCountMax > 0 && config.addressCountMax > 0)
        self.config = config
    }

    public var nextDeadline: Instant? { forgetting.earliest }

    public var peerCount: Int { entries.count }

    /// The peers in the order of their ids.
    public var peers: [PeerID] { entries.keys.sorted() }

    /// Where `peer` may be reached, the most trustworthy address first; without the peer's id at the end.
    public func addresses(of peer: PeerID) -> [Multiaddr] {
        entries[peer]?.addresses.map(\.address) ?? []
    }

    /// The envelope of the newest record that the peer signed; `nil` if it showed none or a very long one.
    public func signedRecord(of peer: PeerID) -> [UInt8]? {
        guard let envelope = entries[peer]?.envelope, !envelope.isEmpty else { return nil }
        return envelope
    }

    /// Adds addresses that somebody told.
    ///
    /// `source` is the address of who told; addresses that must not be dialled on its word are left out. `nil` means the operator.
    public mutating func add(
        _ addresses: [Multiaddr],
        of peer: PeerID,
        learnedFrom source: IPAddress?,
        at now: Instant
    ) {
        let usable = addresses.filter { Self.isUsable($0, for: peer, learnedFrom: source) }
        guard !usable.isEmpty, admit(peer, at: now) else { return }
        for address in usable.reversed() { insert(address.withoutPeer, .told, of: peer) }
    }

    /// Takes a record that its peer signed, wherever it came from.
    ///
    /// Gives the record if it is newer than the one known; its addresses then replace all that are not proven. Costs a
    /// verification of about 60 µs.
    @discardableResult
    public mutating func accept(_ envelope: [UInt8], learnedFrom source: IPAddress?, at now: Instant) -> PeerRecord? {
        guard let record = try? PeerRecord.open(envelope) else { return nil }
        return take(record, envelope, learnedFrom: source, at: now) ? record : nil
    }

    /// Whether `peer` signed the envelope as a record of itself; one that is newer than the one known is taken in.
    ///
    /// Costs nothing if the envelope is the one we have: peers say the same each time they come.
    mutating func confirm(
        _ envelope: [UInt8],
        of peer: PeerID,
        learnedFrom source: IPAddress?,
        at now: Instant
    ) -> Bool {
        if !envelope.isEmpty, entries[peer]?.envelope == envelope { return true }
        guard let record = try? PeerRecord.open(envelope), record.peer == peer else { return false }
        _ = take(record, envelope, learnedFrom: source, at: now)
        return true
    }

    /// Takes in a verified record; `false` if the one known is as new, or if there is no room.
    private mutating func take(
        _ record: PeerRecord,
        _ envelope: [UInt8],
        learnedFrom source: IPAddress?,
        at now: Instant
    ) -> Bool {
        if let sequence = entries[record.peer]?.sequence, record.sequence <= sequence { return false }
        guard admit(record.peer, at: now) else { return false }
        entries[record.peer]?.sequence = record.sequence
        entries[record.peer]?.envelope = envelope.count <= config.recordByteCountMax ? envelope : []
        entries[record.peer]?.addresses.removeAll { $0.degree != .proven }
        for address in record.addresses where Self.isUsable(address, for: record.peer, learnedFrom: source) {
            insert(address.withoutPeer, .certified, of: record.peer)
        }
        return true
    }

    /// We reached the peer there.
    mutating func proved(_ address: Multiaddr, of peer: PeerID, at now: Instant) {
        guard admit(peer, at: now) else { return }
        insert(address.withoutPeer, .proven, of: peer)
    }

    /// A connected peer is not forgotten.
    mutating func connected(_ peer: PeerID, at now: Instant) {
        guard admit(peer, at: now) else { return }
        entries[peer]?.isConnected = true
        forgetting.arm(peer, at: nil)
    }

    mutating func disconnected(_ peer: PeerID, at now: Instant) {
        guard entries[peer] != nil else { return }
        entries[peer]?.isConnected = false
        touch(peer, at: now)
    }

    /// Forgets who is due.
    mutating func expire(at now: Instant) {
        while let peer = forgetting.popDue(at: now) { entries[peer] = nil }
    }

    public func checkInvariants() {
        assert(entries.count <= config.peerCountMax)
        assert(entries.values.count { !$0.isConnected } == forgetting.count)
        for entry in entries.values {
            assert(entry.addresses.count <= config.addressCountMax)
            assert(entry.envelope.count <= config.recordByteCountMax)
            assert(zip(entry.addresses, entry.addresses.dropFirst()).allSatisfy { $0.degree <= $1.degree })
        }
        forgetting.checkInvariants()
    }

    private static func isUsable(_ address: Multiaddr, for peer: PeerID, learnedFrom source: IPAddress?) -> Bool {
        guard address.peerID == nil || address.peerID == peer || address.isRelayed else { return false }
        return address.isDialable(learnedFrom: source)
    }

    /// Makes room for the peer if it is new, and touches it; `false` if every place is taken by a connected peer.
    private mutating func admit(_ peer: PeerID, at now: Instant) -> Bool {
        expire(at: now)
        if entries[peer] == nil {
            if entries.count >= config.peerCountMax {
                guard let oldest = forgetting.first else { return false }
                forgetting.arm(oldest, at: nil)
                entries[oldest] = nil
            }
            entries[peer] = Entry()
        }
        touch(peer, at: now)
        return true
    }

    private mutating func touch(_ peer: PeerID, at now: Instant) {
        guard entries[peer]?.isConnected == false else { return }
        forgetting.arm(peer, at: now.advanced(by: config.lifetime))
    }

    /// Addresses at which one peer was reached: as many as it may be at in turn, at home, at work and on the way.
    static let provenCountMax = 4

    /// Puts an address behind those of its degree, or, told or proven, before them, unless it is there with a better one; the last then
    /// falls off a full list.
    ///
    /// Of the proven few are kept: a peer whose address changes every day would fill the list with what is no longer true.
    private mutating func insert(_ address: Multiaddr, _ degree: Degree, of peer: PeerID) {
        guard var list = entries[peer]?.addresses else { return }
        if let index = list.firstIndex(where: { $0.address == address }) {
            guard degree < list[index].degree || degree == list[index].degree && degree != .certified else { return }
            list.remove(at: index)
        }
        let position = list.firstIndex { degree < $0.degree || $0.degree == .told } ?? list.count
        list.insert(Known(address: address, degree: degree), at: degree == .proven ? 0 : position)
        if list.count(where: { $0.degree == .proven }) > Self.provenCountMax {
            list.remove(at: Self.provenCountMax)
        }
        entries[peer]?.addresses = Array(list.prefix(config.addressCountMax))
    }
}
