import Identity
import Kademlia
import Primitives
import Testing

/// Two hundred machines that begin with one address; the parameters are smaller than the real ones so that the run stays short.
@Suite struct `Two hundred nodes` {
    static let config: KademliaConfig = {
        var config = KademliaConfig(k: 8, alpha: 4)
        config.secure = LookupLimits(k: 8, alpha: 4)
        return config
    }()

    @Test func `find each other, and what they provide, from one address`() {
        let network = VirtualNetwork(nodeCount: 200, config: Self.config, seed: 1)
        network.run(until: .zero.advanced(by: .seconds(60)))
        #expect(network.tableCounts.allSatisfy { $0 >= 8 })

        var random = SeededRandom(seed: seed(9))
        var (provided, stored) = ([KademliaCommandID](), [KademliaCommandID]())
        for number in 0..<10 {
            provided.append(network.command(.provide([1, UInt8(number)]), at: random.below(200)))
            let value = RankedValues.value("\(number)", rank: UInt8(number))
            stored.append(network.command(.putValue(value), at: random.below(200)))
        }
        network.run(until: .zero.advanced(by: .seconds(65)))
        #expect(provided.allSatisfy { network.results[$0] == .provided(peerCount: 8) })
        #expect(stored.allSatisfy { network.results[$0] == .stored(peerCount: 8) })

        let searches = (0..<100).map { _ in random.below(200) }
        let peers = searches.map { network.command(.findPeer(peerID($0)), at: random.below(200)) }
        let keys = (0..<10).map { network.command(.findProviders([1, UInt8($0)]), at: random.below(200)) }
        let values = (0..<10).map { number in
            network.command(.getValue(RankedValues.value("\(number)", rank: 0).key, quorum: 8), at: random.below(200))
        }
        network.run(until: .zero.advanced(by: .seconds(75)))
        let foundCount = zip(searches, peers).count { number, command in
            guard case .peer(let found) = network.results[command] else { return false }
            return found.id == peerID(number) && found.addresses == peer(number).addresses
        }
        #expect(foundCount >= 99)
        for command in keys {
            guard case .providers(let found) = network.results[command] else {
                Issue.record("no providers: \(String(describing: network.results[command]))")
                continue
            }
            #expect(found.count == 1)
        }
        for (number, command) in values.enumerated() {
            #expect(network.results[command] == .value(RankedValues.value("\(number)", rank: UInt8(number)).value))
        }
    }

    @Test func `find the nearest honest node although three in ten are hostile`() {
        let config = KademliaConfig(k: 8, alpha: 4)
        let network = VirtualNetwork(nodeCount: 200, config: config, seed: 2)
        network.run(until: .zero.advanced(by: .seconds(60)))
        network.turnHostile(60)
        var random = SeededRandom(seed: seed(8))
        let searches = (0..<100).map { _ in random.bytes(20) }
        let askers = searches.map { _ in network.honest[random.below(network.honest.count)] }
        let commands = zip(searches, askers).map { network.command(.closestPeers($0), at: $1) }
        network.run(until: .zero.advanced(by: .seconds(120)))
        var foundCount = 0
        for index in searches.indices {
            let nearest = network.nearest(to: searches[index]).first { $0 != askers[index] }
            guard case .closest(let found) = network.results[commands[index]], let nearest else { continue }
            if found.contains(where: { $0.id == peerID(nearest) }) { foundCount += 1 }
        }
        #expect(foundCount >= 95)
    }

    @Test func `find each other after half of them have gone at once`() {
        let network = VirtualNetwork(nodeCount: 100, config: Self.config, seed: 3)
        network.run(until: .zero.advanced(by: .seconds(60)))
        var random = SeededRandom(seed: seed(7))
        for number in random.sample(Array(0..<100), 50) { network.kill(number) }
        let alive = network.honest
        let searches = (0..<30).map { _ in alive[random.below(alive.count)] }
        let commands = searches.map { network.command(.findPeer(peerID($0)), at: alive[random.below(alive.count)]) }
        network.run(until: .zero.advanced(by: .seconds(130)))
        let foundCount = zip(searches, commands).count { number, command in
            guard case .peer(let found) = network.results[command] else { return false }
            return found.id == peerID(number)
        }
        #expect(foundCount == 30)
    }
}
