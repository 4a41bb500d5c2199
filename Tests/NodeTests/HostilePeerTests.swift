import Cryptography
import Identity
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Node

/// A peer that is through the handshake and then says, in order, what no honest node says.
@Suite struct `A node and a hostile peer` {
    private static let local = Endpoint(address: IPAddress(10, 0, 0, 1), port: 4180)
    private static let remote = Endpoint(address: IPAddress(10, 0, 0, 2), port: 5000)
    private static let accepted = ConnectionID(rawValue: 1)

    private var node = NodeMachine(
        config: NodeConfig(listen: [local]),
        identity: Ed25519.PrivateKey(seed: Array(repeating: 9, count: 32)),
        isFreshIdentity: true,
        restored: .empty,
        random: SeededRandom(testSeed: 1)
    )
    private var peer = SwarmMachine(
        config: SwarmConfig(),
        identity: Ed25519.PrivateKey(seed: Array(repeating: 8, count: 32)),
        random: SeededRandom(testSeed: 2)
    )
    private var dialed: ConnectionID?
    private var now = Instant.zero
    /// What the peer does next.
    private var inputs: [SwarmMachine.Input] = []
    private var streamCount = 0
    private var opened: StreamHandle?

    @Test mutating func `may withdraw gossip from its protocols and then reset our gossip stream`() {
        connect(speaking: ["/meshsub/1.1.0"])
        run(for: .seconds(2)) { test, stream in
            test.inputs.append(.setProtocols(["/other"]))
            test.inputs.append(.reset(stream))
        }
        #expect(streamCount == 1)
        run(for: .seconds(120)) { test, stream in test.inputs.append(.reset(stream)) }
        node.checkInvariants(at: now)
        let isConnected = node.isConnected(to: peer.peer)
        #expect(isConnected)
        #expect(streamCount == 1, "nothing is opened for a protocol that the peer no longer speaks")
    }

    @Test mutating func `holds nothing of ours that is not counted, were it half of a message of gossip`() throws {
        connect(speaking: ["/meshsub/1.1.0"])
        run(for: .seconds(2)) { _, _ in }
        inputs.append(.openStream(StreamRequestID(rawValue: 1), node.peer, ["/meshsub/1.1.0"]))
        run(for: .seconds(1)) { _, _ in }
        let stream = try #require(opened)
        var message: [UInt8] = []
        UnsignedVarint.append(200_000, to: &message)
        inputs.append(.write(stream, message + [UInt8](repeating: 0, count: 100_000)))
        run(for: .seconds(1)) { _, _ in }
        #expect(node.ownSwarm[0].resources(of: peer.peer).memoryBytes == message.count + 100_000)
        inputs.append(.write(stream, [UInt8](repeating: 0, count: 100_000)))
        run(for: .seconds(1)) { _, _ in }
        #expect(node.ownSwarm[0].resources(of: peer.peer).memoryBytes == 0)
    }

    // MARK: The wire

    private mutating func connect(speaking protocols: [String]) {
        let milliseconds = TestNetwork.epochMilliseconds
        feedNode(.clock(unixMilliseconds: milliseconds))
        feedNode(.started)
        inputs = [
            .clock(unixMilliseconds: milliseconds), .setProtocols(protocols), .started(listen: []),
            .connect(ConnectRequestID(rawValue: 1), node.peer, [Multiaddr(endpoint: Self.local)]),
        ]
    }

    /// Lets time pass; `onStream` hears of every stream that the node opens for an application protocol.
    private mutating func run(for duration: Duration, onStream: (inout Self, StreamHandle) -> Void) {
        let end = now.advanced(by: duration)
        while now < end {
            while !inputs.isEmpty { feedPeer(inputs.removeFirst(), onStream: onStream) }
            now = min(end, max(now, earliest(node.nextDeadline, peer.nextDeadline) ?? end))
            if let due = node.nextDeadline, due <= now { feedNode(.deadlineReached) }
            if let due = peer.nextDeadline, due <= now { inputs.append(.deadlineReached) }
        }
    }

    private mutating func feedNode(_ input: NodeMachine.Input) {
        var outputs: [NodeMachine.Output] = []
        node.handle(input, at: now, into: &outputs)
        for output in outputs {
            switch output {
            case .transport(.send(_, let bytes)):
                if let dialed { inputs.append(.transport(.received(dialed, bytes))) }
            case .persist(let ticket, _): feedNode(.persisted(ticket))
            case .verify(let batch, let checks): feedNode(.verified(batch, checks.map(\.holds)))
            case .transport, .swarm, .rpc, .multicast, .answer, .event, .stopped: break
            }
        }
    }

    private mutating func feedPeer(_ input: SwarmMachine.Input, onStream: (inout Self, StreamHandle) -> Void) {
        var outputs: [SwarmMachine.Output] = []
        peer.handle(input, at: now, into: &outputs)
        for output in outputs {
            switch output {
            case .transport(.dial(let id, _)):
                dialed = id
                inputs.append(.transport(.dialed(id, local: Self.remote, remote: Self.local)))
                feedNode(.transport(.accepted(Self.accepted, local: Self.local, remote: Self.remote)))
            case .transport(.send(_, let bytes)): feedNode(.transport(.received(Self.accepted, bytes)))
            case .inboundStream(let stream, _, _): onStream(&self, stream)
            case .streamOpened(_, let stream, _): opened = stream
            default: break
            }
            if case .inboundStream = output { streamCount += 1 }
        }
    }
}
