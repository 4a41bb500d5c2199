internal import DequeModule
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
    /// The youngest older one with the same key.
    fileprivate(set) var older: ValidationID?

    init(key: MessageKey, message: GossipMessage, wire: WireMessage, phase: Phase) {
        (self.key, self.message, self.wire, self.phase) = (key, message, wire, phase)
    }

    var byteCount: Int { wire.data?.count ?? 0 }
}

/// The messages that wait for a verdict, bounded per peer and in all.
///
/// Two messages with one id but different bytes are both kept while a signature is to be verified: the id of a signed message
/// says nothing about its bytes, and a forged copy must not shut out the honest one. But one peer brings only one of them: so there
/// are no more of an id than peers, and whoever sends a thousand forgeries of it makes nobody look through a thousand for each.
struct PendingValidations: Sendable {
    let countMax: Int
    let byteCountMax: Int
    let countPerPeerMax: Int
    private struct Entry: Sendable {
        let id: ValidationID
        var pending: PendingValidation
    }

    /// Ascending by id: verdicts come nearly in the order of arrival, so what leaves stands near the front.
    private var entries: Deque<Entry> = []
    private var newest: [MessageKey: ValidationID] = [:]
    private var countByPeer: [PeerID: Int] = [:]
    private var byteCount = 0
    private var lastNumber: UInt64 = 0

    init(countMax: Int, byteCountMax: Int, countPerPeerMax: Int) {
        self.countMax = countMax
        self.byteCountMax = byteCountMax
        self.countPerPeerMax = countPerPeerMax
    }

    var count: Int { entries.count }

    subscript(id: ValidationID) -> PendingValidation? { index(of: id).map { entries[$0].pending } }

    func contains(_ key: MessageKey) -> Bool { !entries.isEmpty && newest[key] != nil }

    func count(from peer: PeerID) -> Int { entries.isEmpty ? 0 : countByPeer[peer] ?? 0 }

    /// What a message is to those that wait under its key.
    enum Standing: Hashable, Sendable {
        case new
        /// The same bytes wait already.
        case copy(of: ValidationID)
        /// Other bytes of the same peer wait already.
        case rival
    }

    func standing(of wire: WireMessage, _ key: MessageKey, from peer: PeerID) -> Standing {
        guard !entries.isEmpty else { return .new }
        var candidate = newest[key]
        var isRival = false
        while let id = candidate, let index = index(of: id) {
            if entries[index].pending.wire == wire { return .copy(of: id) }
            isRival = isRival || entries[index].pending.message.source == peer
            candidate = entries[index].pending.older
        }
        return isRival ? .rival : .new
    }

    func hasRoom(for byteCount: Int, from peer: PeerID) -> Bool {
        entries.count < countMax && self.byteCount + byteCount <= byteCountMax && count(from: peer) < countPerPeerMax
    }

    mutating func insert(_ pending: PendingValidation) -> ValidationID {
        lastNumber += 1
        let id = ValidationID(number: lastNumber)
        var pending = pending
        pending.older = newest.updateValue(id, forKey: pending.key)
        countByPeer[pending.message.source, default: 0] += 1
        byteCount += pending.byteCount
        entries.append(Entry(id: id, pending: pending))
        return id
    }

    /// Notes another copy; whether it is the peer's first.
    mutating func addDuplicate(_ peer: PeerID, to id: ValidationID) -> Bool {
        guard let index = index(of: id), entries[index].pending.message.source != peer,
            !entries[index].pending.duplicates.contains(peer)
        else { return false }
        entries[index].pending.duplicates.append(peer)
        return true
    }

    mutating func beginValidating(_ id: ValidationID) {
        if let index = index(of: id) { entries[index].pending.phase = .validating }
    }

    /// Takes a validation out; `nil` if it is unknown or in another phase, as a late or repeated answer is.
    mutating func remove(_ id: ValidationID, in phase: PendingValidation.Phase) -> PendingValidation? {
        guard let index = index(of: id), entries[index].pending.phase == phase else { return nil }
        let pending = entries.remove(at: index).pending
        unlink(id, pending)
        let source = pending.message.source
        if let count = countByPeer[source] { countByPeer[source] = count > 1 ? count - 1 : nil }
        byteCount -= pending.byteCount
        return pending
    }

    private mutating func unlink(_ id: ValidationID, _ pending: PendingValidation) {
        guard var younger = newest[pending.key] else { return }
        if younger == id {
            newest[pending.key] = pending.older
            return
        }
        while let index = index(of: younger), let older = entries[index].pending.older {
            if older == id {
                entries[index].pending.older = pending.older
                return
            }
            younger = older
        }
    }

    private func index(of id: ValidationID) -> Int? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].id == id ? low : nil
    }

    func checkInvariants() {
        assert(entries.count <= countMax && byteCount <= byteCountMax)
        assert(countByPeer.values.allSatisfy { (1...countPerPeerMax).contains($0) })
        assert(countByPeer.values.reduce(0, +) == entries.count)
        assert(newest.count <= entries.count && newest.isEmpty == entries.isEmpty)
        assert(newest.values.allSatisfy(haveDistinctSources))
    }

    /// Of those that wait under one key, from the newest on.
    private func haveDistinctSources(_ first: ValidationID) -> Bool {
        var (sources, candidate): (Set<PeerID>, ValidationID?) = ([], first)
        while let id = candidate, let index = index(of: id) {
            guard sources.insert(entries[index].pending.message.source).inserted else { return false }
            candidate = entries[index].pending.older
        }
        return true
    }
}
