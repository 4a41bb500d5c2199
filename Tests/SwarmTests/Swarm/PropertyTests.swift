import Identity
import Primitives
import Testing

@testable import Swarm

@Suite struct `Swarms under random operations` {
    /// Three nodes connect, talk, quarrel and part; `checkInvariants` runs after every single step.
    @Test(arguments: 1...6) func `everything that was reserved is given back`(seed: Int) {
        var network = Network(seed: seed, segmentMax: seed % 2 == 0 ? 600 : nil)
        var random = random(seed)
        for _ in 0..<3 { network.add() }
        network.run(for: .milliseconds(10))
        for step in 0..<150 { Self.step(&network, &random, step) }
        #expect(network.nodes.contains { !$0.inboundStreams.isEmpty }, "something happened")
        for node in 0..<3 {
            for other in 0..<3 { network.feed(node, .disconnect(network.peer(other))) }
        }
        network.run(for: .seconds(90))
        for node in network.nodes {
            #expect(node.machine.resources == ResourceUsage(descriptors: 1))
            #expect(node.machine.peers.isEmpty)
        }
        for node in 0..<3 { network.feed(node, .shutdown) }
        network.run(for: .seconds(6))
        for node in network.nodes {
            #expect(node.isStopped && node.machine.resources.isZero && node.machine.nextDeadline == nil)
        }
    }

    private static func step(_ network: inout Network, _ random: inout SeededRandom, _ step: Int) {
        let node = random.below(3)
        let other = (node + 1 + random.below(2)) % 3
        let closed = Set(network.nodes[node].closed)
        let known = (network.nodes[node].openedStreams + network.nodes[node].inboundStreams).filter {
            !closed.contains($0)
        }
        let stream = random.sample(known, 1).first
        switch random.below(12) {
        case 0, 1: network.connect(node, to: other, request: UInt64(step))
        case 2, 3, 4:
            let name = random.chance(4, in: 5) ? "/test/1" : "/absent/1"
            network.feed(node, .openStream(StreamRequestID(rawValue: UInt64(step)), network.peer(other), [name]))
        case 5, 6, 7:
            if let stream { network.feed(node, .write(stream, random.bytes(random.below(3000)))) }
        case 8:
            if let stream {
                network.feed(node, .closeWrite(stream))
                network.nodes[node].closed.append(stream)
            }
        case 9:
            if let stream { network.feed(node, .reset(stream)) }
        case 10:
            if random.chance(1, in: 4) { network.feed(node, .disconnect(network.peer(other))) }
        default:
            network.feed(node, .setProtocols(["/test/1", "/step/\(step)"]))
        }
        if random.chance(2, in: 3) { network.run(for: .milliseconds(random.below(60))) }
    }

    @Test(arguments: 1...4) func `bytes changed anywhere on the way end connections and nothing else`(seed: UInt8) {
        var network = Network(seed: Int(seed), segmentMax: 200)
        for _ in 0..<2 { network.add() }
        network.run(for: .milliseconds(10))
        let choices = Choices(seed: seed)
        network.tamper = { end, bytes in choices.maybeChange(&bytes) }
        for round in 0..<8 {
            network.connect(0, to: 1, request: UInt64(round))
            network.run(for: .seconds(1))
            network.feed(0, .openStream(StreamRequestID(rawValue: UInt64(round)), network.peer(1), ["/test/1"]))
            network.run(for: .seconds(40))
        }
        network.tamper = nil
        network.run(for: .seconds(300))
        network.connect(0, to: 1, request: 99)
        network.run(for: .seconds(5))
        #expect(network.nodes[0].machine.peers.count == 1)
    }

    @Test func `the same seed gives the same events`() {
        func events() -> [[Network.Event]] {
            var network = Network(seed: 9, segmentMax: 100)
            var random = random(9)
            for _ in 0..<3 { network.add() }
            for step in 0..<60 { Self.step(&network, &random, step) }
            network.run(for: .seconds(20))
            return network.nodes.map(\.events)
        }
        #expect(events() == events())
    }
}

/// Which bytes a middleman changes: one piece in twelve, one byte of it.
private final class Choices: @unchecked Sendable {
    // Read and written by the one thread that runs its test.
    private var random: SeededRandom

    init(seed: UInt8) {
        random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
    }

    func maybeChange(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty, random.chance(1, in: 12) else { return }
        bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8))
    }
}
