import Cryptography
import Gossipsub
import Identity
import Node
import Primitives
import Swarm
import TestSupport

/// A stranger with a swarm of its own: it speaks every protocol well and says in gossip what it likes.
struct GossipIntruder {
    let peer: PeerID
    let key: Ed25519.PrivateKey
    private(set) var connection: ConnectionID
    private var swarm: SwarmMachine
    private var dialed = ConnectionID(rawValue: 0)
    private var gossip: StreamHandle?
    private let victim: PeerID
    /// Whether it takes what is sent to it.
    var reads = true

    init(into field: inout SiegeField, number: UInt64) {
        key = Ed25519.PrivateKey(seed: SHA256.hash(Array("gossip intruder \(number)".utf8)))
        peer = PeerID(publicKey: key.publicKey)
        victim = field.victim.peer
        var config = SwarmConfig()
        config.pings = false
        swarm = SwarmMachine(config: config, identity: key, random: SeededRandom(testSeed: number))
        connection = field.intrude()
        feed(.clock(unixMilliseconds: field.unixMilliseconds), &field)
        feed(.setProtocols(["/meshsub/1.3.0"]), &field)
        feed(.started(listen: []), &field)
        feed(.connect(ConnectRequestID(rawValue: 1), victim, [Multiaddr(endpoint: SiegeField.here)]), &field)
        settle(&field)
        feed(.openStream(StreamRequestID(rawValue: 1), victim, ["/meshsub/1.3.0"]), &field)
        settle(&field)
    }

    /// Says one RPC; nothing once the stream or the connection is gone.
    mutating func say(_ rpc: GossipRPC, into field: inout SiegeField) {
        guard let gossip, field.ended[connection] == nil else { return }
        feed(.write(gossip, LengthPrefixedFrames.framed(rpc.encoded)), &field)
        settle(&field)
    }

    /// Reads what the victim sent and answers it, until both are quiet.
    mutating func settle(_ field: inout SiegeField) {
        while reads {
            let bytes = field.read(from: connection)
            guard !bytes.isEmpty else { return }
            feed(.transport(.received(dialed, bytes)), &field)
        }
    }

    private mutating func feed(_ input: SwarmMachine.Input, _ field: inout SiegeField) {
        var inputs = [input]
        while !inputs.isEmpty {
            var outputs: [SwarmMachine.Output] = []
            swarm.handle(inputs.removeFirst(), at: field.now, into: &outputs)
            for output in outputs { carryOut(output, &inputs, &field) }
        }
    }

    private mutating func carryOut(
        _ output: SwarmMachine.Output,
        _ inputs: inout [SwarmMachine.Input],
        _ field: inout SiegeField
    ) {
        switch output {
        case .transport(.send(_, let bytes)): field.send(bytes, on: connection)
        case .transport(.dial(let connection, let endpoint)):
            dialed = connection
            let local = Endpoint(address: IPAddress(203, 0, 113, 9), port: 4180)
            inputs.append(.transport(.dialed(connection, local: local, remote: endpoint)))
        case .streamOpened(_, let stream, _): gossip = stream
        case .streamReset(let stream): if stream == gossip { gossip = nil }
        case .data(let stream, let bytes): inputs.append(.consumed(stream, bytes.count))
        default: break
        }
    }
}
