import Cryptography
import Gossipsub
import Identity
import Market
import Primitives
import Swarm
import TestSupport

@testable import Node

/// Two nodes whose connection the test keeps itself: it opens the streams that they ask for and carries what they say.
struct SeatPair {
    struct Event {
        let at: Instant
        let node: Int
        let input: NodeMachine.Input
    }

    static let endpoints = (0..<2).map { Endpoint(address: IPAddress(10, 0, 0, UInt8($0 + 1)), port: 4180) }
    static let connection = ConnectionID(rawValue: 1)
    static let latency = Duration.milliseconds(20)

    let isTyped: Bool
    var nodes: [NodeMachine]
    var now = Instant.zero
    /// In the order of their instants.
    var events: [Event] = []
    var rpcCount = 0
    var gossipByteCount = 0
    var answers: [NodeAnswer] = []
    var told: [SwarmMachine.Input] = []
    /// Whom the nodes accused, and of what.
    var misbehaviours: [String] = []
    private var nextStream: UInt32 = 1
    private var gossipStreams: Set<StreamHandle> = []

    init(isTyped: Bool, configure: (inout NodeConfig) -> Void = { _ in }) {
        self.isTyped = isTyped
        nodes = (0..<2).map { number in
            var config = NodeConfig(listen: [Self.endpoints[number]])
            config.kademlia = nil
            config.swarmSeat = .driver(typedGossip: isTyped)
            configure(&config)
            return NodeMachine(
                config: config,
                identity: Ed25519.PrivateKey(seed: Array(repeating: UInt8(number + 1), count: 32)),
                isFreshIdentity: true,
                restored: .empty,
                random: SeededRandom(testSeed: UInt64(number))
            )
        }
        for node in 0..<2 {
            feed(node, .clock(unixMilliseconds: TestNetwork.epochMilliseconds))
            feed(node, .started)
            feed(node, .swarm(.addressesChanged([Multiaddr(endpoint: Self.endpoints[node])])))
        }
    }

    /// Lets the two meet, the first as the dialer; it learns what the other speaks so much later than the other does.
    mutating func connect(dialerIdentifiesAfter delay: Duration = .zero) {
        for node in 0..<2 {
            let remote = nodes[1 - node].peer
            let info = ConnectionInfo(
                id: Self.connection,
                peer: remote,
                direction: node == 0 ? .outbound : .inbound,
                local: Self.endpoints[node],
                remote: Self.endpoints[1 - node],
                openedAt: now
            )
            let description = PeerDescription(
                protocolVersion: "rialto/1",
                agentVersion: "test",
                protocols: NodeMachine.inboundProtocols,
                listenAddresses: [Multiaddr(endpoint: Self.endpoints[1 - node])],
                observedAddress: nil,
                signedPeerRecord: nil
            )
            schedule(node, .swarm(.connected(remote, info)))
            schedule(node, .swarm(.identified(remote, description)), after: node == 0 ? delay : .zero)
        }
    }

    mutating func feed(_ node: Int, _ input: NodeMachine.Input) {
        var outputs: [NodeMachine.Output] = []
        nodes[node].handle(input, at: now, into: &outputs)
        nodes[node].checkInvariants(at: now)
        for output in outputs { carryOut(output, of: node) }
    }

    private mutating func carryOut(_ output: NodeMachine.Output, of node: Int) {
        switch output {
        case .transport: preconditionFailure("a node without a swarm has no transport")
        case .swarm(let input): carryOut(input, of: node)
        case .rpc(let stream, let rpc):
            precondition(isTyped && gossipStreams.contains(stream))
            rpcCount += 1
            schedule(1 - node, .rpc(nodes[node].peer, rpc))
        case .verify(let batch, let checks): schedule(node, .verified(batch, checks.map(\.holds)))
        case .persist(let ticket, _): schedule(node, .persisted(ticket))
        case .answer(_, let answer): answers.append(answer)
        case .event(.peerMisbehaved(_, let what)): misbehaviours.append(what)
        case .event, .multicast, .stopped: break
        }
    }

    private mutating func carryOut(_ input: SwarmMachine.Input, of node: Int) {
        told.append(input)
        switch input {
        case .openStream(let request, let remote, let protocols):
            let stream = StreamHandle(connection: Self.connection, stream: nextStream)
            nextStream += 1
            if protocols[0] != SyncLimits.protocolName { gossipStreams.insert(stream) }
            schedule(node, .swarm(.streamOpened(request, stream, protocols[0])))
            precondition(remote == nodes[1 - node].peer)
            schedule(1 - node, .swarm(.inboundStream(stream, nodes[node].peer, protocols[0])))
        case .write(let stream, let bytes):
            if gossipStreams.contains(stream) { gossipByteCount += bytes.count }
            schedule(1 - node, .swarm(.data(stream, bytes)))
        case .closeWrite(let stream): schedule(1 - node, .swarm(.remoteClosedWrite(stream)))
        case .reset(let stream): schedule(1 - node, .swarm(.streamReset(stream)))
        default: break
        }
    }

    mutating func schedule(_ node: Int, _ input: NodeMachine.Input, after delay: Duration = .zero) {
        let at = now.advanced(by: Self.latency + delay)
        let place = events.firstIndex { $0.at > at } ?? events.endIndex
        events.insert(Event(at: at, node: node, input: input), at: place)
    }

    mutating func run(for duration: Duration) {
        let end = now.advanced(by: duration)
        while true {
            let timers = nodes.indices.compactMap { node in nodes[node].nextDeadline.map { ($0, node) } }
            let timer = timers.min { $0.0 < $1.0 }
            if let event = events.first, event.at <= end, timer.map({ event.at <= $0.0 }) ?? true {
                now = max(now, event.at)
                events.removeFirst()
                feed(event.node, event.input)
            } else if let timer, timer.0 <= end {
                now = max(now, timer.0)
                feed(timer.1, .deadlineReached)
            } else {
                break
            }
        }
        now = end
    }
}
