internal import Identity
internal import Kademlia
internal import Node
internal import Primitives
internal import Swarm

/// Names somebody's door as that of peers whom nobody has ever seen, so that all who look for them knock there.
///
/// Whatever it is asked in the hash table, it names such peers, as nearest and as providers; its own advertisements lead to the same
/// doors. No peer is named twice, for whoever has failed to reach one rests from that one alone.
struct Reflector: Sendable {
    private static let namedCount = KademliaMessage.closerPeerCountMax

    private let doors: [Endpoint]
    private var served: ProtocolStreams
    private var asking: ProtocolStreams
    private var random: SeededRandom

    init(network: String, doors: [Endpoint], random: SeededRandom) {
        let name = NodeKademlia().protocolName(in: network)
        (served, asking) = (ProtocolStreams(name), ProtocolStreams(name, .asking))
        (self.doors, self.random) = (doors, random)
    }

    mutating func hear(_ input: NodeMachine.Input) {
        served.hear(input)
        asking.hear(input)
    }

    mutating func filter(_ outputs: inout [NodeMachine.Output]) {
        guard !doors.isEmpty else { return }
        for (place, output) in outputs.enumerated() {
            guard case .swarm(.write(let stream, let bytes)) = output, let frame = ProtocolStreams.unframed(bytes),
                var message = try? KademliaMessage(parsing: frame.span)
            else { continue }
            if served.contains(stream) {
                guard message.kind != .ping else { continue }
                message.closerPeers = (0..<Self.namedCount).map { _ in phantom() }
                if message.kind == .getProviders {
                    message.providerPeers = (0..<Self.namedCount).map { _ in phantom() }
                }
            } else if asking.contains(stream), message.kind == .addProvider {
                message.providerPeers = message.providerPeers.map { provider in
                    KademliaPeer(id: provider.id, addresses: doors.map { Multiaddr(endpoint: $0) })
                }
            } else {
                continue
            }
            outputs[place] = .swarm(.write(stream, LengthPrefixedFrames.framed(message.encoded)))
        }
    }

    /// Somebody new at one of the doors, each time on another port.
    private mutating func phantom() -> KademliaPeer {
        let door = doors[random.below(doors.count)]
        let endpoint = Endpoint(address: door.address, port: UInt16(5_000 + random.below(60_000)))
        guard let peer = try? PeerID(bytes: Multihash(sha256: random.bytes(8)).bytes) else {
            preconditionFailure("a hash is the id of some key")
        }
        return KademliaPeer(id: peer, addresses: [Multiaddr(endpoint: endpoint)])
    }
}
