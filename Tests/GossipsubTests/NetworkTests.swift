import Identity
import Primitives
import Testing

@testable import Gossipsub

private let topic: Topic = "/market/test"

@Suite struct `Networks of routers` {
    /// Twenty nodes with about eight links each.
    private func network(seed: Int, count: Int = 20, config: GossipsubConfig = GossipsubConfig()) -> GossipNetwork {
        var network = GossipNetwork(count, config: config, seed: seed)
        var draw = random(seed)
        for node in 0..<count {
            network.link(node, (node + 1) % count)
            for _ in 0..<3 {
                let other = draw.below(count)
                if other != node { network.link(node, other) }
            }
        }
        for node in 0..<count { network.feed(node, .subscribe(topic, TopicConfig())) }
        network.run(for: .seconds(3))
        return network
    }

    @Test(arguments: 1...3) func `twenty nodes form a mesh and deliver every message to all exactly once`(seed: Int) {
        var network = network(seed: seed)
        for node in 0..<20 {
            let mesh = network.machines[node].mesh(of: topic)
            // A node with few links may lose one of them to a full mesh on the other side.
            #expect((3...10).contains(mesh.count))
            for neighbour in mesh {
                let other = (0..<20).first { peer($0) == neighbour } ?? 0
                #expect(network.machines[other].mesh(of: topic).contains(peer(node)))
            }
        }
        for number in 0..<40 {
            network.feed(number % 20, .publish(topic, [UInt8(number)]))
            network.run(for: .milliseconds(100))
        }
        network.run(for: .seconds(3))
        let all = Set((0..<40).map { MessageID.hashing([UInt8($0)]) })
        for node in 0..<20 {
            let own = Set((0..<40).filter { $0 % 20 == node }.map { MessageID.hashing([UInt8($0)]) })
            #expect(network.delivered[node].count == 38 && Set(network.delivered[node]) == all.subtracting(own))
        }
        #expect(network.misbehaviours.isEmpty)
    }

    /// Scenario S-01.
    @Test func `two nodes deliver a thousand messages once, with one copy each on the wire`() {
        var network = network(seed: 1, count: 2)
        for number in 0..<1000 {
            network.feed(0, .publish(topic, [UInt8(number & 0xff), UInt8(number >> 8)]))
            if number % 50 == 49 { network.run(for: .milliseconds(50)) }
        }
        network.run(for: .seconds(3))
        #expect(network.delivered[1].count == 1000 && Set(network.delivered[1]).count == 1000)
        #expect(network.messageCopies == 1000)
    }

    @Test func `the same seed gives the same history`() {
        let (first, second) = (network(seed: 4), network(seed: 4))
        #expect(first.machines.map { $0.mesh(of: topic) } == second.machines.map { $0.mesh(of: topic) })
    }

    @Test(arguments: 1...2) func `messages get through while links come and go`(seed: Int) {
        var network = network(seed: seed)
        var draw = random(seed + 100)
        for number in 0..<30 {
            let (first, second) = (draw.below(20), draw.below(20))
            // The ring stays, so that the network never falls apart.
            if first != second && (first + 1) % 20 != second && (second + 1) % 20 != first {
                if network.isLinked(first, second) {
                    network.unlink(first, second)
                } else {
                    network.link(first, second)
                }
            }
            network.feed(draw.below(20), .publish(topic, [UInt8(number)]))
            network.run(for: .milliseconds(300))
        }
        network.run(for: .seconds(5))
        let total = network.delivered.reduce(0) { $0 + $1.count }
        #expect(total == 30 * 19)
        for node in 0..<20 { #expect(Set(network.delivered[node]).count == network.delivered[node].count) }
        #expect(!network.misbehaviours.contains { if case .graftDuringBackoff = $0 { true } else { false } })
    }

    @Test func `a partition heals and nobody honest is graylisted`() {
        var network = network(seed: 7)
        var cut: [(Int, Int)] = []
        for first in 0..<10 {
            for second in 10..<20 where network.isLinked(first, second) {
                network.unlink(first, second)
                cut.append((first, second))
            }
        }
        for number in 0..<20 {
            network.feed(number, .publish(topic, [UInt8(number)]))
            network.run(for: .seconds(1))
        }
        #expect(!network.delivered[0].contains(.hashing([15])))
        for (first, second) in cut { network.link(first, second) }
        network.run(for: .seconds(5))
        for number in 100..<110 { network.feed(number - 100, .publish(topic, [UInt8(number)])) }
        network.run(for: .seconds(3))
        for node in 10..<20 {
            #expect((100..<110).allSatisfy { network.delivered[node].contains(.hashing([UInt8($0)])) })
            for other in 0..<20 { #expect(network.machines[node].score(of: peer(other)) >= 0) }
        }
    }
}
