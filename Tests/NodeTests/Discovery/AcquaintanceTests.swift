import Cryptography
import Gossipsub
import Identity
import Kademlia
import Market
import OrderedCollections
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Node

/// Whom a node remembers, dials and asks when others name peers to it.
@Suite struct `A node and those whom it is told of` {
    private static func node(seed: UInt64) -> NodeMachine {
        var config = NodeConfig(listen: [SeatPair.endpoints[0]])
        config.kademlia = nil
        config.swarmSeat = .driver(typedGossip: true)
        config.followedSegments = [Segment(marketClass: .other, shard: 0)]
        config.keepsCustody = false
        var node = NodeMachine(
            config: config,
            identity: Ed25519.PrivateKey(seed: [UInt8](repeating: 1, count: 32)),
            isFreshIdentity: true,
            restored: .empty,
            random: SeededRandom(testSeed: seed)
        )
        feed(&node, .clock(unixMilliseconds: TestNetwork.epochMilliseconds))
        feed(&node, .started)
        return node
    }

    private static func feed(_ node: inout NodeMachine, _ input: NodeMachine.Input) {
        var outputs: [NodeMachine.Output] = []
        node.handle(input, at: .zero, into: &outputs)
        node.checkInvariants(at: .zero)
    }

    private static func peer(_ number: Int) -> PeerID { `Address tables`.peer(number) }

    private static func connect(_ node: inout NodeMachine, _ number: Int) {
        let info = ConnectionInfo(
            id: ConnectionID(rawValue: UInt64(number)),
            peer: peer(number),
            direction: .outbound,
            local: SeatPair.endpoints[0],
            remote: `Address tables`.endpoint(number),
            openedAt: .zero
        )
        let description = PeerDescription(
            protocolVersion: "rialto/1",
            agentVersion: "test",
            protocols: NodeMachine.inboundProtocols,
            listenAddresses: [`Address tables`.address(number)],
            observedAddress: nil,
            signedPeerRecord: nil
        )
        feed(&node, .swarm(.connected(peer(number), info)))
        feed(&node, .swarm(.identified(peer(number), description)))
    }

    @Test func `only whom a node has dialled itself does it write down for the next start`() {
        let (network, nodes) = TestNetwork.star(count: 3, seed: 77)
        let remembered = nodes.map { network.backup(of: $0).committed.peers.map(\.peer) }
        #expect(remembered == [[], [network.peer(nodes[0])], [network.peer(nodes[0])]])
        #expect(network.isConnected(nodes[0], nodes[1]) && network.isConnected(nodes[0], nodes[2]))
    }

    @Test(arguments: [true, false]) func `who remembers somebody is not alone after a restart`(hasTable: Bool) {
        var (network, nodes) = TestNetwork.star(count: 2, seed: 78) { $0.kademlia = hasTable ? NodeKademlia() : nil }
        func knowsPeers(_ node: TestNetwork.NodeIndex) -> Bool? {
            network.events.lazy.compactMap { event in
                if case .ready(let knowsPeers) = event.event, event.node == node { knowsPeers } else { nil }
            }.last
        }
        #expect(nodes.map(knowsPeers) == [false, true])
        for node in nodes { network.kill(node) }
        for node in nodes { network.start(node) { $0.kademlia = hasTable ? NodeKademlia() : nil } }
        network.run(for: .seconds(30))
        #expect(nodes.map(knowsPeers) == [false, true], "the first was never the dialer: it waits to be found")
        #expect(network.isConnected(nodes[0], nodes[1]))
    }

    /// Forty providers are found, the most named first; dialled are four of the first sixteen that are new, by chance.
    @Test func `of those whom a rendezvous names a few of the likeliest are dialled, others each time`() {
        let named = (1...40).map { number in
            let peer = KademliaPeer(id: Self.peer(number), addresses: [`Address tables`.address(number)])
            return FoundProvider(peer: peer, source: .exempt)
        }
        let silent = FoundProvider(peer: KademliaPeer(id: Self.peer(90), addresses: []), source: .exempt)
        var all: Set<PeerID> = []
        for seed in UInt64(0)..<40 {
            var node = Self.node(seed: seed)
            Self.connect(&node, 1)
            let known = KademliaPeer(id: node.peer, addresses: named[0].peer.addresses)
            let found = [silent, FoundProvider(peer: known, source: .exempt)] + named
            let id = KademliaCommandID(rawValue: NodeMachine.firstOwnSearch)
            node.ownSearches[id] = .rendezvous([1])
            var outputs: [NodeMachine.Output] = []
            #expect(node.finishOwnSearch(id, .providers(found), at: .zero, into: &outputs))
            let dialled = node.work.compactMap { work -> PeerID? in
                if case .swarm(.connect(_, let peer, [])) = work { peer } else { nil }
            }
            #expect(dialled.count == 4 && Set(dialled).count == 4)
            all.formUnion(dialled)
        }
        #expect(all == Set((2...17).map(Self.peer)))
    }

    /// Each look draws an order of those who may be asked: the next draw tells how often the node has looked.
    @Test func `searches look for replicas once a step, however many topics one RPC names`() throws {
        let profile = MarketProfile.first
        let lane = try #require(profile.lanes.firstIndex(of: .offers(Segment(marketClass: .amdConsumer, shard: 0))))
        let offers = MarketTopic(network: "main", profile: profile, lane: profile.lanes[lane]).text
        let topic = try #require(Topic(offers))
        func nextDraw(afterTopics count: Int) -> UInt64 {
            var node = Self.node(seed: 1)
            for number in 1...2 {
                Self.connect(&node, number)
                let rpc = GossipRPC(subscriptions: [Subscription(topic: topic, isSubscribed: true)])
                Self.feed(&node, .rpc(Self.peer(number), rpc))
            }
            node.searching.searches[CommandID(rawValue: 9)] = SegmentSearch(
                lanes: [lane],
                models: [],
                unixMilliseconds: TestNetwork.epochMilliseconds,
                at: .zero
            )
            let subscriptions = (0..<count).compactMap { Topic("topic \($0)") }
                .map { Subscription(topic: $0, isSubscribed: true) }
            #expect(subscriptions.count == count)
            Self.feed(&node, .rpc(Self.peer(1), GossipRPC(subscriptions: subscriptions)))
            #expect(node.searching.searches.values.first?.replicas.count == min(count, 2))
            return node.random.next()
        }
        #expect(nextDraw(afterTopics: 2) == nextDraw(afterTopics: 60))
        #expect(nextDraw(afterTopics: 0) != nextDraw(afterTopics: 2))
    }
}
