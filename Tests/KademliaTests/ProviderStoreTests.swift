import Identity
import Primitives
import Testing

@testable import Kademlia

@Suite struct `Provider store` {
    private static let own = KademliaKey(hashing: peerID(0).bytes)
    /// More keys than there is room for, nearest first.
    private static let keys = (0..<ProviderStore.keyCountMax + 100).map { Array("key \($0)".utf8) }
        .map { (key: $0, distance: own.distance(to: KademliaKey(hashing: $0))) }
        .sorted { $0.distance < $1.distance }
        .map(\.key)

    private static func store(agreed: [[UInt8]]) -> ProviderStore {
        ProviderStore(own: own, expiry: .seconds(1_000), addressExpiry: .seconds(100), agreedKeys: Set(agreed))
    }

    /// No provider has more keys than one may have.
    private static func add(_ number: Int, to store: inout ProviderStore) -> Bool {
        store.add(peerID(number / 500), addresses: [], group: IPGroup(host(number / 500)), for: keys[number], at: .zero)
    }

    private static func holds(_ number: Int, _ store: ProviderStore) -> Bool {
        store.contains(peerID(number / 500), of: keys[number], at: .zero)
    }

    @Test func `keys that were ground near us take no place from one that the network agreed upon`() {
        let last = Self.keys.count - 1
        var store = Self.store(agreed: [Self.keys[last]])
        #expect(Self.add(last, to: &store))
        for number in (0..<last).reversed() { #expect(Self.add(number, to: &store)) }
        store.checkInvariants()
        #expect(store.keyCount == ProviderStore.keyCountMax)
        #expect(Self.holds(last, store))
        #expect((0..<last).filter { Self.holds($0, store) } == Array(0..<ProviderStore.keyCountMax - 1))
    }

    @Test func `an agreed key gets the place of the farthest other one, and of an agreed one that is farther`() {
        let (far, farther) = (Self.keys.count - 2, Self.keys.count - 1)
        var store = Self.store(agreed: [Self.keys[far], Self.keys[farther]])
        for number in 0..<ProviderStore.keyCountMax { #expect(Self.add(number, to: &store)) }
        #expect(!Self.add(ProviderStore.keyCountMax, to: &store))
        #expect(Self.add(farther, to: &store))
        #expect(Self.add(far, to: &store))
        store.checkInvariants()
        #expect(Self.holds(far, store) && Self.holds(farther, store))
        #expect(!Self.holds(ProviderStore.keyCountMax - 1, store) && !Self.holds(ProviderStore.keyCountMax - 2, store))
    }

    @Test func `a full store refuses and takes by rank, whatever it refused, took and lost before`() {
        let full = ProviderStore.keyCountMax
        var store = Self.store(agreed: [])
        for number in 1..<full { #expect(Self.add(number, to: &store)) }
        #expect(Self.add(full + 50, to: &store))
        // The last gives way to a nearer one, is not taken back, and the next nearer ones drive out whoever is then the last.
        #expect(!Self.add(full + 60, to: &store))
        #expect(Self.add(full + 40, to: &store))
        #expect(!Self.holds(full + 50, store) && !Self.add(full + 50, to: &store))
        #expect(Self.add(0, to: &store) && !Self.holds(full + 40, store) && Self.holds(full - 1, store))
        #expect(!Self.add(full, to: &store))
        store.checkInvariants()
        // Room is made by time too, and then the farthest may come again.
        store.expire(at: .zero.advanced(by: .seconds(1_000)))
        #expect(store.keyCount == 0)
        #expect(Self.add(full + 60, to: &store) && Self.add(5, to: &store))
        store.checkInvariants()
    }

    @Test func `a sample has so many of those who are still there, each once`() {
        var (store, random) = (Self.store(agreed: []), SeededRandom(seed: seed(1)))
        for number in 0..<40 {
            let now = Instant.zero.advanced(by: .seconds(number < 10 ? 0 : 500))
            store.add(peerID(number), addresses: [], group: IPGroup(host(number)), for: [1], at: now)
        }
        let now = Instant.zero.advanced(by: .seconds(1_000))
        let sample = store.sample(20, of: [1], using: &random, at: now)
        #expect(Set(sample.map(\.peer.id)).count == 20)
        let live = (10..<40).map {
            FoundProvider(peer: KademliaPeer(id: peerID($0), addresses: []), source: IPGroup(host($0)))
        }
        #expect(Set(sample).isSubset(of: live))
        #expect(Set(store.sample(100, of: [1], using: &random, at: now)) == Set(live))
    }
}
