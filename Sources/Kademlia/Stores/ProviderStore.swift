internal import Identity
internal import OrderedCollections
internal import Primitives

/// Who said that it provides what: the provider records that others left with us.
///
/// Everything here was chosen by strangers, so each dimension has its bound. What decides at a bound is nearness, for a key far
/// from us is others' business, and the diversity of networks, for a flood from few networks must not drive out the many. A key that
/// somebody ground to lie near us takes no place from one that the network agreed upon.
struct ProviderStore: Sendable {
    /// Keys that are near enough to be left with us: 780 ads for each of a few segments, and room for others.
    static let keyCountMax = 4_096
    /// Providers of a key (the admission capacity of DISC-NG).
    static let providersPerKeyMax = 1_000
    static let recordCountMax = 32_768
    /// Keys of one provider: one peer must not fill the store.
    static let keysPerProviderMax = 512
    /// What the kept addresses of a record take: the whole store stays below 32 MiB.
    static let addressesByteCountMax = 512

    struct Record: Sendable {
        var addresses: [Multiaddr]
        let group: IPGroup
        let expiresAt: Instant
        let addressesExpireAt: Instant
    }

    /// The keys that the network agreed upon come first, then the nearest.
    private struct Rank: Comparable, Sendable {
        let isAgreed: Bool
        let distance: KademliaDistance

        static func < (left: Rank, right: Rank) -> Bool {
            left.isAgreed == right.isAgreed ? left.distance < right.distance : left.isAgreed
        }
    }

    private struct Providers: Sendable {
        let rank: Rank
        /// The longest unheard of first.
        var records: OrderedDictionary<PeerID, Record> = [:]
        var groupCounts: OrderedDictionary<IPGroup, Int> = [:]
        /// No group has more; it may be stale, but only upwards, and spares most searches for the largest.
        var crowdMax = 0

        mutating func add(_ record: Record, of peer: PeerID) {
            records[peer] = record
            groupCounts[record.group, default: 0] += 1
            crowdMax = max(crowdMax, groupCounts[record.group, default: 0])
        }

        /// The most frequent network, if one more record of `group` would still have fewer.
        mutating func crowd(beyond group: IPGroup) -> IPGroup? {
            let limit = groupCounts[group, default: 0] + 1
            guard crowdMax > limit, let crowd = groupCounts.elements.max(by: { $0.value < $1.value }) else {
                return nil
            }
            crowdMax = crowd.value
            return crowd.value > limit ? crowd.key : nil
        }

        mutating func remove(_ peer: PeerID) {
            guard let record = records.removeValue(forKey: peer), let count = groupCounts[record.group] else { return }
            groupCounts[record.group] = count > 1 ? count - 1 : nil
        }
    }

    private let own: KademliaKey
    private let expiry: Duration
    private let addressExpiry: Duration
    private let agreedKeys: Set<[UInt8]>
    private var byKey: OrderedDictionary<[UInt8], Providers> = [:]
    /// The key of the last rank, while it is known: most of those who come to a full store are refused after one look at it.
    private var last: (key: [UInt8], rank: Rank)?
    private var keyCounts: [PeerID: Int] = [:]
    private(set) var recordCount = 0

    /// `agreedKeys` give way only to one another.
    init(own: KademliaKey, expiry: Duration, addressExpiry: Duration, agreedKeys: Set<[UInt8]>) {
        (self.own, self.expiry, self.addressExpiry) = (own, expiry, addressExpiry)
        self.agreedKeys = agreedKeys
    }

    var keyCount: Int { byKey.count }

    /// Notes that `peer` provides `key`; returns whether there was a place.
    @discardableResult
    mutating func add(
        _ peer: PeerID,
        addresses: [Multiaddr],
        group: IPGroup,
        for key: [UInt8],
        at now: Instant
    ) -> Bool {
        if let known = byKey[key], known.records[peer] != nil {
            // Heard of again: it goes to the end of the order.
            remove(peer, of: key)
        }
        guard makeRoom(for: key, of: peer, group: group, at: now) else { return false }
        let record = Record(
            addresses: Self.bounded(addresses),
            group: group,
            expiresAt: now.advanced(by: expiry),
            addressesExpireAt: now.advanced(by: addressExpiry)
        )
        let rank = rank(key)
        if let known = last, known.rank < rank { last = (key, rank) }
        byKey[key, default: Providers(rank: rank)].add(record, of: peer)
        keyCounts[peer, default: 0] += 1
        recordCount += 1
        return true
    }

    func contains(_ peer: PeerID, of key: [UInt8], at now: Instant) -> Bool {
        byKey[key]?.records[peer].map { $0.expiresAt > now } ?? false
    }

    /// How many provide a key, and how many of them are of one network.
    func crowd(of key: [UInt8], in group: IPGroup) -> (count: Int, kindred: Int) {
        guard let providers = byKey[key] else { return (0, 0) }
        return (providers.records.count, providers.groupCounts[group, default: 0])
    }

    /// At most `count` of the live providers of a key, in random order; addresses that are too old are left out.
    func sample(
        _ count: Int,
        of key: [UInt8],
        using random: inout SeededRandom,
        at now: Instant
    ) -> [FoundProvider] {
        guard let records = byKey[key]?.records.elements else { return [] }
        let live = records.indices.drop { records[$0].value.expiresAt <= now }
        return random.sample(Array(live), count).map { index in
            let (peer, record) = records[index]
            let addresses = record.addressesExpireAt > now ? record.addresses : []
            return FoundProvider(peer: KademliaPeer(id: peer, addresses: addresses), source: record.group)
        }
    }

    /// Drops what has expired.
    mutating func expire(at now: Instant) {
        for key in Array(byKey.keys) {
            for peer in expired(of: key, at: now) { remove(peer, of: key) }
        }
    }

    private func expired(of key: [UInt8], at now: Instant) -> [PeerID] {
        byKey[key]?.records.elements.prefix { $0.value.expiresAt <= now }.map(\.key) ?? []
    }

    private mutating func makeRoom(for key: [UInt8], of peer: PeerID, group: IPGroup, at now: Instant) -> Bool {
        guard keyCounts[peer, default: 0] < Self.keysPerProviderMax else { return false }
        guard let providers = byKey[key] else {
            guard byKey.count >= Self.keyCountMax || recordCount >= Self.recordCountMax else { return true }
            return dropLast(behind: rank(key))
        }
        guard providers.records.count >= Self.providersPerKeyMax else {
            return recordCount < Self.recordCountMax || dropLast(behind: providers.rank)
        }
        for peer in expired(of: key, at: now) { remove(peer, of: key) }
        guard let count = byKey[key]?.records.count, count >= Self.providersPerKeyMax else { return true }
        // The most frequent network gives up its oldest record if that makes the networks more even.
        guard let crowd = byKey[key]?.crowd(beyond: group),
            let oldest = byKey[key]?.records.elements.first(where: { $0.value.group == crowd })
        else { return false }
        remove(oldest.key, of: key)
        return true
    }

    private func rank(_ key: [UInt8]) -> Rank {
        Rank(isAgreed: agreedKeys.contains(key), distance: own.distance(to: KademliaKey(hashing: key)))
    }

    /// Drops the key of the last rank, unless the newcomer's is later still.
    private mutating func dropLast(behind newcomer: Rank) -> Bool {
        if last == nil {
            last = byKey.elements.max { $0.value.rank < $1.value.rank }.map { ($0.key, $0.value.rank) }
        }
        guard let (key, rank) = last, newcomer < rank else { return false }
        for peer in byKey[key].map({ Array($0.records.keys) }) ?? [] { remove(peer, of: key) }
        return true
    }

    private mutating func remove(_ peer: PeerID, of key: [UInt8]) {
        byKey[key]?.remove(peer)
        if byKey[key]?.records.isEmpty == true {
            byKey[key] = nil
            if last?.key == key { last = nil }
        }
        recordCount -= 1
        let count = keyCounts[peer, default: 1] - 1
        keyCounts[peer] = count > 0 ? count : nil
    }

    private static func bounded(_ addresses: [Multiaddr]) -> [Multiaddr] {
        var byteCount = 0
        return Array(
            addresses.prefix {
                byteCount += $0.bytes.count
                return byteCount <= addressesByteCountMax
            }
        )
    }

    func checkInvariants() {
        precondition(byKey.count <= Self.keyCountMax && recordCount <= Self.recordCountMax)
        precondition(recordCount == byKey.values.reduce(0) { $0 + $1.records.count })
        precondition(last.map { last in byKey.values.allSatisfy { $0.rank <= last.rank } } ?? true)
        for providers in byKey.values {
            precondition((1...Self.providersPerKeyMax).contains(providers.records.count))
            precondition(providers.records.count == providers.groupCounts.values.reduce(0, +))
        }
    }
}
