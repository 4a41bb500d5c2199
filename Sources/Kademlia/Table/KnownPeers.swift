internal import Identity
internal import Primitives

/// The routing table with its peers: their addresses, their failures, and who waits for a place.
struct KnownPeers: Sendable {
    struct Contact: Sendable {
        var peer: KademliaPeer
        var seenAt: Instant
        var failureCount = 0
        /// When the last of them was counted.
        var failedAt: Instant?
    }

    enum Admission: Hashable, Sendable {
        case added
        case known
        /// The bucket is full; this contact of it should show that it lives.
        case waiting(doubtful: KademliaPeer?)
        case refused
    }

    private(set) var table: RoutingTable
    /// By contact number; the places of those who left are given to others.
    private(set) var keys: [KademliaKey] = []
    private var contacts: [Contact?] = []
    private var free: [ContactID] = []
    private var ids: [PeerID: ContactID] = [:]
    /// By bucket, the newest last.
    private var replacements: [[KademliaPeer]] = []

    init(own: KademliaKey, k: Int) {
        table = RoutingTable(own: own, limits: RoutingTableLimits(bucketContactCountMax: k))
    }

    var count: Int { table.count }

    func contains(_ peer: PeerID) -> Bool { ids[peer] != nil }

    func peer(_ id: PeerID) -> KademliaPeer? {
        ids[id].flatMap { contacts[Int($0.rawValue)]?.peer }
    }

    /// The known servers nearest to a key, nearest first.
    func closest(to target: KademliaKey, count: Int) -> [KademliaPeer] {
        var found: [ContactID] = []
        table.closest(to: target, count: count, keys: keys, into: &found)
        return found.compactMap { contacts[Int($0.rawValue)]?.peer }
    }

    /// Whether it makes sense to examine a newcomer: for a place, or to wait for one.
    func admits(_ peer: PeerID, group: IPGroup) -> Bool {
        table.admits(group, key: KademliaKey(hashing: peer.bytes))
    }

    /// A known peer says where it is; that it lives it shows by answering, and by nothing else.
    mutating func moved(_ peer: PeerID, to addresses: [Multiaddr]) {
        guard let id = ids[peer], !addresses.isEmpty else { return }
        contacts[Int(id.rawValue)]?.peer = KademliaPeer(id: peer, addresses: addresses)
    }

    /// Takes in a peer that answered a request; a known one keeps the addresses that it had.
    mutating func admit(_ peer: KademliaPeer, group: IPGroup, at now: Instant) -> Admission {
        if let id = ids[peer.id] {
            table.seen(id, key: keys[id])
            let before = contacts[Int(id.rawValue)]?.peer.addresses ?? []
            let current = KademliaPeer(id: peer.id, addresses: before.isEmpty ? peer.addresses : before)
            contacts[Int(id.rawValue)] = Contact(peer: current, seenAt: now)
            return .known
        }
        let key = KademliaKey(hashing: peer.id.bytes)
        let id = free.last ?? ContactID(rawValue: UInt32(contacts.count))
        switch table.insert(id, key: key, group: group) {
        case .added:
            if free.popLast() == nil {
                contacts.append(nil)
                keys.append(key)
            }
            keys[Int(id.rawValue)] = key
            contacts[Int(id.rawValue)] = Contact(peer: peer, seenAt: now)
            ids[peer.id] = id
            return .added
        case .bucketFull(let oldest):
            wait(peer, inBucket: table.own.commonPrefixLength(with: key))
            guard let contact = contacts[Int(oldest.rawValue)] else { return .waiting(doubtful: nil) }
            let isStable = contact.seenAt.duration(to: now) < KademliaLimits.stableAfter
            return .waiting(doubtful: isStable ? nil : contact.peer)
        case .known, .groupFull, .own:
            return .refused
        }
    }

    /// Counts a failure and returns whether the peer lost its place.
    ///
    /// One cut, or one pause of our own, ends all that several searches have asked of it: what fails at once fails once.
    mutating func failed(_ peer: PeerID, at now: Instant) -> Bool {
        guard let id = ids[peer], let contact = contacts[Int(id.rawValue)] else { return false }
        if let failedAt = contact.failedAt, failedAt.advanced(by: KademliaLimits.failurePause) > now { return false }
        contacts[Int(id.rawValue)]?.failedAt = now
        contacts[Int(id.rawValue)]?.failureCount += 1
        let failures = contacts[Int(id.rawValue)]?.failureCount ?? 0
        guard failures >= KademliaLimits.failureCountMax else { return false }
        return remove(peer)
    }

    /// Takes a peer out, if it is here; its addresses are forgotten.
    @discardableResult
    mutating func remove(_ peer: PeerID) -> Bool {
        let key = KademliaKey(hashing: peer.bytes)
        let bucket = table.own.commonPrefixLength(with: key)
        if bucket < replacements.count { replacements[bucket].removeAll { $0.id == peer } }
        guard let id = ids.removeValue(forKey: peer) else { return false }
        table.remove(id, key: key)
        contacts[Int(id.rawValue)] = nil
        free.append(id)
        return true
    }

    /// Who waited for the place that a peer has left, the newest first.
    mutating func takeReplacement(for peer: PeerID) -> KademliaPeer? {
        let bucket = table.own.commonPrefixLength(with: KademliaKey(hashing: peer.bytes))
        return bucket < replacements.count ? replacements[bucket].popLast() : nil
    }

    private mutating func wait(_ peer: KademliaPeer, inBucket bucket: Int) {
        while replacements.count <= bucket { replacements.append([]) }
        replacements[bucket].removeAll { $0.id == peer.id }
        if replacements[bucket].count >= KademliaLimits.replacementCountMax { replacements[bucket].removeFirst() }
        replacements[bucket].append(peer)
    }

    func checkInvariants() {
        table.checkInvariants(keys: keys)
        precondition(ids.count == table.count && contacts.count == keys.count)
        precondition(contacts.count - free.count == ids.count)
        precondition(replacements.allSatisfy { $0.count <= KademliaLimits.replacementCountMax })
    }
}
