internal import Identity

/// One message between its arrival and its verdict.
struct PendingValidation: Sendable {
    enum Phase: Hashable, Sendable { case verifying, validating }

    let key: MessageKey
    let message: GossipMessage
    let wire: WireMessage
    var phase: Phase
    /// Who else brought the same bytes meanwhile.
    var duplicates: [PeerID] = []

    var byteCount: Int { wire.data?.count ?? 0 }
}

/// The messages that wait for a verdict, bounded per peer and in all.
///
/// Two messages with one id but different bytes are both kept while a signature is to be verified: the id of a signed message
/// says nothing about its bytes, and a forged copy must not shut out the honest one.
struct PendingValidations: Sendable {
    let countMax: Int
    let byteCountMax: Int
    let countPerPeerMax: Int
    private var entries: [ValidationID: PendingValidation] = [:]
    private var byKey: [MessageKey: [ValidationID]] = [:]
    private var countByPeer: [PeerID: Int] = [:]
    private var byteCount = 0
    private var lastNumber: UInt64 = 0

    init(countMax: Int, byteCountMax: Int, countPerPeerMax: Int) {
        self.countMax = countMax
        self.byteCountMax = byteCountMax
        self.countPerPeerMax = countPerPeerMax
    }

    var count: Int { entries.count }

    subscript(id: ValidationID) -> PendingValidation? { entries[id] }

    func contains(_ key: MessageKey) -> Bool { byKey[key] != nil }

    func count(from peer: PeerID) -> Int { countByPeer[peer] ?? 0 }

    /// The pending validation of the same bytes.
    func id(of wire: WireMessage, _ key: MessageKey) -> ValidationID? {
        byKey[key]?.first { entries[$0]?.wire == wire }
    }

    func hasRoom(for byteCount: Int, from peer: PeerID) -> Bool {
        entries.count < countMax && self.byteCount + byteCount <= byteCountMax && count(from: peer) < countPerPeerMax
    }

    mutating func insert(_ pending: PendingValidation) -> ValidationID {
        lastNumber += 1
        let id = ValidationID(number: lastNumber)
        entries[id] = pending
        byKey[pending.key, default: []].append(id)
        countByPeer[pending.message.source, default: 0] += 1
        byteCount += pending.byteCount
        return id
    }

    /// Notes another copy; whether it is the peer's first.
    mutating func addDuplicate(_ peer: PeerID, to id: ValidationID) -> Bool {
        guard let pending = entries[id], pending.message.source != peer, !pending.duplicates.contains(peer) else {
            return false
        }
        entries[id]?.duplicates.append(peer)
        return true
    }

    mutating func beginValidating(_ id: ValidationID) {
        entries[id]?.phase = .validating
    }

    /// Takes a validation out; `nil` if it is unknown or in another phase, as a late or repeated answer is.
    mutating func remove(_ id: ValidationID, in phase: PendingValidation.Phase) -> PendingValidation? {
        guard let pending = entries[id], pending.phase == phase else { return nil }
        entries[id] = nil
        byKey[pending.key]?.removeAll { $0 == id }
        if byKey[pending.key]?.isEmpty == true { byKey[pending.key] = nil }
        let source = pending.message.source
        if let count = countByPeer[source] { countByPeer[source] = count > 1 ? count - 1 : nil }
        byteCount -= pending.byteCount
        return pending
    }

    func checkInvariants() {
        assert(entries.count <= countMax && byteCount <= byteCountMax)
        assert(countByPeer.values.allSatisfy { (1...countPerPeerMax).contains($0) })
        assert(byKey.values.reduce(0) { $0 + $1.count } == entries.count)
    }
}
