import Cryptography
import Gossipsub
import Identity
import Market
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Node

/// Gossipsub's peer exchange: who may send a node to others, seen from outside the node.
@Suite struct `Peer exchange` {
    private enum Recommender: CaseIterable {
        /// A seed whose address in the settings names its peer.
        case named
        /// A seed of which the settings say only where it is.
        case addressed
        case remembered, stranger
    }

    private static func key(_ number: Int) -> Ed25519.PrivateKey {
        Ed25519.PrivateKey(seed: [UInt8](repeating: UInt8(number), count: 32))
    }

    private static func peer(_ number: Int) -> PeerID { PeerID(publicKey: key(number).publicKey) }

    private static func endpoint(_ number: Int) -> Endpoint {
        Endpoint(address: IPAddress(203, UInt8(number), 113, 7), port: 4180)
    }

    private static func node(_ recommender: Recommender) -> NodeMachine {
        let address = Multiaddr(endpoint: endpoint(2))
        var config = NodeConfig(listen: [SeatPair.endpoints[0]])
        var restored = RestoredState.empty
        switch recommender {
        case .named: config.seeds = [address.with(peer: peer(2))]
        case .addressed: config.seeds = [address]
        case .remembered: restored.peers = [StoredPeer(peer: peer(2), addresses: [address], lastSeen: 1)]
        case .stranger: break
        }
        config.kademlia = nil
        config.swarmSeat = .driver(typedGossip: true)
        return NodeMachine(
            config: config,
            identity: key(1),
            isFreshIdentity: true,
            restored: restored,
            random: SeededRandom(testSeed: 5)
        )
    }

    private static func feed(_ node: inout NodeMachine, _ input: NodeMachine.Input) -> [SwarmMachine.Input] {
        var outputs: [NodeMachine.Output] = []
        node.handle(input, at: .zero, into: &outputs)
        node.checkInvariants(at: .zero)
        return outputs.compactMap { if case .swarm(let input) = $0 { input } else { nil } }
    }

    /// The recommender turns the node away and names the peers 100 to 102; whom the node dials then, and at which addresses.
    private static func dialled(after recommender: Recommender, score: Double? = nil) -> [(PeerID, [Multiaddr])] {
        var node = node(recommender)
        _ = feed(&node, .clock(unixMilliseconds: TestNetwork.epochMilliseconds))
        for case .connect(let request, _, _) in feed(&node, .started) {
            _ = feed(&node, .swarm(.connectAnswered(request, .success(peer(2)))))
        }
        let info = ConnectionInfo(
            id: ConnectionID(rawValue: 2),
            peer: peer(2),
            direction: .outbound,
            local: SeatPair.endpoints[0],
            remote: endpoint(2),
            openedAt: .zero
        )
        let description = PeerDescription(
            protocolVersion: "",
            agentVersion: "test",
            protocols: NodeMachine.inboundProtocols,
            listenAddresses: [Multiaddr(endpoint: endpoint(2))],
            observedAddress: nil,
            signedPeerRecord: nil
        )
        _ = feed(&node, .swarm(.connected(peer(2), info)))
        _ = feed(&node, .swarm(.identified(peer(2), description)))
        if let score { _ = node.gossip.apply(score, to: peer(2)) }
        let infos = (100...102).map { number in
            let addresses = [Multiaddr(endpoint: endpoint(number))]
            let record = PeerRecord(peer: peer(number), sequence: 1, addresses: addresses).seal(by: key(number))
            return PeerInfo(peer: peer(number).bytes, record: record.bytes)
        }
        let prune = Prune(topic: node.followed.names[0], backoffSeconds: 60, peers: infos)
        return feed(&node, .rpc(peer(2), GossipRPC(control: ControlMessage(prune: [prune])))).compactMap { input in
            if case .connect(_, let peer?, let addresses) = input { (peer, addresses) } else { nil }
        }
    }

    @Test func `whom a named seed recommends is dialled as a stranger, and whom anybody else does, not at all`() {
        for recommender in Recommender.allCases {
            let dialled = Self.dialled(after: recommender)
            #expect(dialled.map(\.0) == (recommender == .named ? (100...102).map(Self.peer) : []))
            // Without an address the swarm takes those of its book, which strangers have told.
            #expect(dialled.allSatisfy { $0.1.isEmpty })
        }
    }

    @Test func `a named seed that has misbehaved is followed no more`() {
        #expect(Self.dialled(after: .named, score: NodeLimits.forgerScore).isEmpty)
    }
}

extension GossipsubMachine {
    fileprivate mutating func apply(_ score: Double, to peer: PeerID) -> [Output] {
        var outputs: [Output] = []
        handle(.setApplicationScore(peer, score), at: .zero, into: &outputs)
        return outputs
    }
}
