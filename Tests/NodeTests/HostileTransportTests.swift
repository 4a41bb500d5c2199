import Cryptography
import Node
import Primitives
import Swarm
import TestSupport
import Testing

/// Bytes in, no trap out: the whole connection, from the first byte of the handshake on.
@Suite struct `A node and a malformed peer` {
    private static let local = Endpoint(address: IPAddress(10, 0, 0, 1), port: 4180)
    private static let remote = Endpoint(address: IPAddress(10, 0, 0, 2), port: 5000)

    private func startedNode(seed: UInt64) -> NodeMachine {
        var node = NodeMachine(
            config: NodeConfig(listen: [Self.local]),
            identity: Ed25519.PrivateKey(seed: Array(repeating: 9, count: 32)),
            isFreshIdentity: true,
            restored: .empty,
            random: SeededRandom(testSeed: seed)
        )
        var outputs: [NodeMachine.Output] = []
        node.handle(.clock(unixMilliseconds: TestNetwork.epochMilliseconds), at: .zero, into: &outputs)
        node.handle(.started, at: .zero, into: &outputs)
        return node
    }

    @Test(arguments: 1...60)
    func `noise in place of a handshake ends the connection and nothing else`(seed: UInt64) {
        var random = SeededRandom(testSeed: seed)
        var node = startedNode(seed: seed)
        var outputs: [NodeMachine.Output] = []
        var now = Instant.zero
        for number in 0..<12 {
            let connection = ConnectionID(rawValue: UInt64(2 * number + 1))
            node.handle(
                .transport(.accepted(connection, local: Self.local, remote: Self.remote)),
                at: now,
                into: &outputs
            )
            for _ in 0..<random.below(12) {
                var bytes = random.bytes(random.below(200))
                if random.chance(1, in: 2) { bytes = Array("\u{13}/multistream/1.0.0\n\u{07}/noise\n".utf8) + bytes }
                node.handle(.transport(.received(connection, bytes)), at: now, into: &outputs)
            }
            now = now.advanced(by: .milliseconds(random.below(3_000)))
            if let deadline = node.nextDeadline, deadline <= now {
                node.handle(.deadlineReached, at: now, into: &outputs)
            }
            node.checkInvariants(at: now)
        }
        for number in 0..<12 {
            let connection = ConnectionID(rawValue: UInt64(2 * number + 1))
            node.handle(.transport(.disconnected(connection, .reset)), at: now, into: &outputs)
        }
        node.checkInvariants(at: now)
    }

    @Test(arguments: [3, 4, 5, 6])
    func `flipped bytes between two honest nodes end connections, never nodes`(seed: UInt64) throws {
        var network = TestNetwork(seed: seed)
        network.corruptionPerMille = 3
        let hub = network.addNode()
        let others = (0..<4).map { _ in network.addNode(seeds: [network.address(hub)]) }
        for _ in 0..<5 {
            network.run(for: .seconds(20))
            _ = network.ask(others[0], .publishOffer(.rtx4090()), within: .seconds(5))
        }
        network.corruptionPerMille = 0
        let isWhole = network.run(atMost: .seconds(600)) { network in others.allSatisfy { network.isConnected($0, hub) }
        }
        #expect(isWhole, "seed \(seed)")
    }
}
