internal import Cryptography
internal import Identity
internal import Kademlia
internal import OrderedCollections
internal import Primitives

/// Peers that we have heard of, *new*, and peers that we have reached, *tried*, each in buckets that a secret hash picks.
///
/// The defence of Bitcoin Core's address manager (Heilman, Kendler, Zohar and Goldberg, "Eclipse Attacks on Bitcoin's Peer-to-Peer
/// Network", 2015, §7): whoever tells of many peers reaches only the few buckets of its own network, whoever owns one network
/// only the few buckets of that network, and nobody who was reached gives its place to somebody who merely talks.
struct AddressTables: Sendable {
    static let newBucketCount = 64
    static let triedBucketCount = 32
    static let bucketPeerCountMax = 16
    /// Buckets of the new table that what one network says can reach, of 64.
    static let bucketsPerSource = 8
    /// Buckets of the tried table that one network's peers can reach, of 32.
    static let bucketsPerNetwork = 4
    /// Failures in a row after which a peer that was only heard of makes room.
    static let failureCountMax = 3

    struct Entry: Sendable {
        var addresses: [Multiaddr]
        /// The network of its first address: where it was reached, if it was.
        var group: IPGroup
        var place: Place
        var failureCount = 0
    }

    enum Place: Hashable, Sendable {
        case new(bucket: Int)
        case tried(bucket: Int)

        var isTried: Bool { if case .tried = self { true } else { false } }
    }

    private let salt: [UInt8]
    private(set) var entries: OrderedDictionary<PeerID, Entry> = [:]
    private var new: [[PeerID]] = Array(repeating: [], count: newBucketCount)
    /// In each bucket the one reached longest ago first.
    private var tried: [[PeerID]] = Array(repeating: [], count: triedBucketCount)

    /// `salt` is secret, so that nobody can choose addresses by their bucket.
    init(salt: [UInt8]) {
        self.salt = salt
    }

    var triedPeers: [PeerID] { tried.flatMap(\.self) }

    func contains(_ peer: PeerID) -> Bool { entries[peer] != nil }

    /// Somebody in the network `source` told of a peer; what we know already stays where it is.
    ///
    /// Those that were reached keep what worked. Of the others nobody but the peer itself (`isOwnWord`) says where else they are. What has
    /// failed too often stands in nobody's way.
    mutating func heard(of peer: PeerID, at addresses: [Multiaddr], from source: IPGroup, isOwnWord: Bool = false) {
        let kept = Self.bounded(addresses)
        guard let first = kept.first else { return }
        if let known = entries[peer] {
            guard isHopeless(peer) || isOwnWord && !known.place.isTried else { return }
            entries[peer] = Entry(addresses: kept, group: IPGroup(of: first), place: known.place)
            return
        }
        let bucket = newBucket(of: first, from: source)
        if new[bucket].count >= Self.bucketPeerCountMax {
            guard let hopeless = new[bucket].first(where: { isHopeless($0) }) else { return }
            forget(hopeless)
        }
        new[bucket].append(peer)
        entries[peer] = Entry(addresses: kept, group: IPGroup(of: first), place: .new(bucket: bucket))
    }

    /// We reached a peer that we dialled; gives the peer of the bucket that should show first that it is gone.
    ///
    /// Its bucket and its network are those of the `endpoint` where it was: `addresses`, its own word, would be its own choice.
    mutating func reached(_ peer: PeerID, on endpoint: Endpoint, at addresses: [Multiaddr]) -> PeerID? {
        let kept = Self.bounded(addresses, reachedOn: endpoint)
        let bucket = triedBucket(of: peer, at: endpoint.address)
        if entries[peer]?.place == .tried(bucket: bucket) {
            tried[bucket].removeAll { $0 == peer }
            tried[bucket].append(peer)
            entries[peer] = Entry(addresses: kept, group: IPGroup(endpoint.address), place: .tried(bucket: bucket))
            return nil
        }
        guard tried[bucket].count < Self.bucketPeerCountMax else {
            entries[peer]?.failureCount = 0
            return tried[bucket].first
        }
        forget(peer)
        tried[bucket].append(peer)
        entries[peer] = Entry(addresses: kept, group: IPGroup(endpoint.address), place: .tried(bucket: bucket))
        return nil
    }

    /// A dial came to nothing.
    mutating func failed(_ peer: PeerID) {
        entries[peer]?.failureCount += 1
    }

    mutating func forget(_ peer: PeerID) {
        switch entries.removeValue(forKey: peer)?.place {
        case .new(let bucket): new[bucket].removeAll { $0 == peer }
        case .tried(let bucket): tried[bucket].removeAll { $0 == peer }
        case nil: break
        }
    }

    /// One peer of a table that may be dialled: a bucket by chance, then a peer of it, so that a full bucket is no likelier.
    func draw(tried isTried: Bool, using random: inout SeededRandom, where mayBe: (PeerID, Entry) -> Bool) -> PeerID? {
        var buckets = (isTried ? tried : new).filter { !$0.isEmpty }
        random.shuffle(&buckets)
        for bucket in buckets {
            let candidates = bucket.filter { peer in entries[peer].map { mayBe(peer, $0) } ?? false }
            if let drawn = random.sample(candidates, 1).first { return drawn }
        }
        return nil
    }

    func isHopeless(_ peer: PeerID) -> Bool {
        (entries[peer]?.failureCount ?? 0) >= Self.failureCountMax
    }

    private func newBucket(of address: Multiaddr, from source: IPGroup) -> Int {
        let network = address.tcpEndpoint?.address.networkBytes ?? []
        let slot = number(network, source.bytes) % Self.bucketsPerSource
        return number(source.bytes, [UInt8(slot)]) % Self.newBucketCount
    }

    private func triedBucket(of peer: PeerID, at address: IPAddress) -> Int {
        let slot = number(peer.bytes, []) % Self.bucketsPerNetwork
        return number(address.networkBytes, [UInt8(slot)]) % Self.triedBucketCount
    }

    private func number(_ first: [UInt8], _ second: [UInt8]) -> Int {
        let digest = SHA256.hash(salt + [UInt8(first.count)] + first + second)
        return Int(digest[0]) << 16 | Int(digest[1]) << 8 | Int(digest[2])
    }

    /// Where a peer can be found again: first where it was.
    static func bounded(_ addresses: [Multiaddr], reachedOn endpoint: Endpoint) -> [Multiaddr] {
        let first = Multiaddr(endpoint: endpoint)
        return bounded([first] + addresses.filter { $0 != first })
    }

    private static func bounded(_ addresses: [Multiaddr]) -> [Multiaddr] {
        addresses.filter { $0.tcpEndpoint != nil }.widest(KademliaPeer.addressCountMax)
    }

    func checkInvariants() {
        precondition(new.allSatisfy { $0.count <= Self.bucketPeerCountMax })
        precondition(tried.allSatisfy { $0.count <= Self.bucketPeerCountMax })
        precondition(entries.count == new.reduce(0) { $0 + $1.count } + tried.reduce(0) { $0 + $1.count })
    }
}

extension IPAddress {
    /// What one party is taken to own: the group of a public address, and of an exempt one the host itself.
    fileprivate var networkBytes: [UInt8] {
        let group = IPGroup(self)
        return group.isExempt ? bytes : group.bytes
    }
}

extension IPGroup {
    /// The group of the host to which an address leads.
    init(of address: Multiaddr) {
        self = address.tcpEndpoint.map { IPGroup($0.address) } ?? .exempt
    }
}
