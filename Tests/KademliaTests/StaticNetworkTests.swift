import Kademlia
import Primitives
import Testing

/// A network whose tables are complete and never change, with uniform delays: what it must show does not depend on the seed.
@Suite struct `Static network` {
    static let k = 16
    static let nodeCount = 1000

    /// All of a key: the model has 64 bits.
    let prefixes: [UInt64]
    let keys: [KademliaKey]
    let tables: [RoutingTable]

    init() {
        var random = SeededRandom(seed: seed(1))
        let prefixes = (0..<Self.nodeCount).map { _ in random.next() }
        let keys = prefixes.map { KademliaKey(prefix: $0) }
        self.prefixes = prefixes
        self.keys = keys
        tables = prefixes.map { own in
            var table = RoutingTable(
                own: KademliaKey(prefix: own),
                limits: RoutingTableLimits(bucketContactCountMax: Self.k)
            )
            // Another order for every table, of one draw each: nodes have no order of their own.
            let (start, stride) = (random.below(Self.nodeCount), 1 + 10 * random.below(Self.nodeCount / 10))
            var room = Array(repeating: Self.k, count: KademliaKey.bitCount + 1)
            for step in prefixes.indices {
                let index = (start + step * stride) % Self.nodeCount
                let bucket = (own ^ prefixes[index]).leadingZeroBitCount
                guard room[bucket] > 0 else { continue }
                room[bucket] -= 1
                _ = table.insert(contact(index), key: keys[index])
            }
            return table
        }
    }

    @Test func `lookups need the published number of hops, requests and milliseconds`() throws {
        var random = SeededRandom(seed: seed(2))
        let lookupCount = 200
        var (hops, requests, times) = (0, 0, [Int]())
        for _ in 0..<lookupCount {
            let target = random.next()
            let asker = random.below(Self.nodeCount)
            let (lookup, milliseconds) = run(KademliaKey(prefix: target), from: asker, random: &random)
            let nearest = try #require(lookup.nearest)
            var best = asker == 0 ? 1 : 0
            for index in prefixes.indices where index != asker && prefixes[index] ^ target < prefixes[best] ^ target {
                best = index
            }
            #expect(nearest.contact == contact(best))
            hops += nearest.hops
            requests += lookup.requestCount
            times.append(milliseconds)
        }
        times.sort()
        // The mean of 200 lookups strays a little farther than that of ten thousand.
        #expect(abs(Double(hops) / Double(lookupCount) - 1.95) < 0.08)
        #expect(abs(Double(requests) / Double(lookupCount) - 17.9) < 0.4)
        #expect(abs(Double(times[lookupCount / 2]) - 762) < 20)
    }

    /// One lookup, whose requests and answers take 20 to 100 ms each.
    private func run(_ target: KademliaKey, from asker: Int, random: inout SeededRandom) -> (Lookup, Int) {
        var seeds: [ContactID] = []
        tables[asker].closest(to: target, count: Self.k, keys: keys, into: &seeds)
        var lookup = Lookup(
            target: target,
            limits: LookupLimits(k: Self.k, alpha: 3),
            own: contact(asker),
            seeds: seeds,
            keys: keys
        )
        var (now, waiting) = (0, [(at: Int, contact: ContactID)]())
        while true {
            switch lookup.next() {
            case .ask(let peer):
                waiting.append((now + 40 + random.below(81) + random.below(81), peer))
            case .wait:
                waiting.sort { $0.at > $1.at }
                let answer = waiting.removeLast()
                now = answer.at
                var closer: [ContactID] = []
                tables[Int(answer.contact.rawValue)].closest(to: target, count: Self.k, keys: keys, into: &closer)
                lookup.answered(answer.contact, closer: closer, keys: keys)
            case .finished:
                return (lookup, now)
            }
        }
    }
}
