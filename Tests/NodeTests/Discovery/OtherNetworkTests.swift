import Identity
import Kademlia
import OrderedCollections
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Node

/// Two markets that come across each other: on one cable, and by an address of the other.
@Suite struct `Nodes of different networks` {
    private static let names = ["one", "two"]

    /// Three nodes of each network; every other node of the second is a client of its table.
    private static func neighbours(seed: UInt64) -> (TestNetwork, [[TestNetwork.NodeIndex]]) {
        var network = TestNetwork(seed: seed)
        var nodes: [[TestNetwork.NodeIndex]] = [[], []]
        for number in 0..<6 {
            nodes[number % 2].append(
                network.addNode {
                    $0.network = names[number % 2]
                    $0.kademlia = NodeKademlia()
                    if number == 5 { $0.kademlia?.mode = .client }
                    $0.usesMulticastDNS = true
                }
            )
        }
        return (network, nodes)
    }

    private static func meetings(_ network: TestNetwork) -> Int {
        network.events.count { if case .otherNetwork = $0.event { true } else { false } }
    }

    @Test func `on one cable they meet once, let go of each other, and no table ever holds one of the other`() {
        var (network, nodes) = Self.neighbours(seed: 21)
        for _ in 0..<15 {
            network.run(for: .seconds(10))
            for (own, others) in [(nodes[0], nodes[1]), (nodes[1], nodes[0])] {
                for node in own {
                    guard let machine = network.node(node) else { continue }
                    let strangers = others.map { network.peer($0) }
                    #expect(!strangers.contains { machine.kademlia[0].machine.contains($0) })
                    #expect(!strangers.contains { machine.company[0].tables.contains($0) })
                    #expect(!strangers.contains { machine.company[0].members[$0] != nil })
                }
            }
        }
        for (own, others) in [(nodes[0], nodes[1]), (nodes[1], nodes[0])] {
            for node in own {
                #expect(own.allSatisfy { $0 == node || network.isConnected(node, $0) })
                #expect(others.allSatisfy { !network.isConnected(node, $0) })
            }
        }
        // Both ends of each of nine pairs, and once more where both dialled.
        #expect((9...36).contains(Self.meetings(network)))
        let remembered = nodes[0].flatMap { network.backup(of: $0).committed.peers.map(\.peer) }
        #expect(Set(remembered).isDisjoint(with: nodes[1].map { network.peer($0) }))
    }

    @Test func `what one provides the other does not find`() {
        var (network, nodes) = Self.neighbours(seed: 22)
        network.run(for: .seconds(20))
        let key = [UInt8](repeating: 7, count: 32)
        _ = network.ask(nodes[0][0], .dht(.provide(key)))
        func providers(_ node: TestNetwork.NodeIndex) -> [PeerID]? {
            switch network.ask(node, .dht(.findProviders(key))) {
            case .dht(.providers(let found))?: found.map(\.peer.id)
            case .dht(.failed(.notFound))?: []
            default: nil
            }
        }
        #expect(providers(nodes[0][1]) == [network.peer(nodes[0][0])])
        #expect(providers(nodes[1][0]) == [])
    }

    @Test func `a seed of another network is let go, and asked again in minutes instead of seconds`() {
        var network = TestNetwork(seed: 23)
        let seed = network.addNode { $0.network = "one" }
        let node = network.addNode(seeds: [network.address(seed)]) { $0.network = "two" }
        network.run(for: .seconds(10))
        #expect(!network.isConnected(node, seed))
        #expect(Self.meetings(network) == 2)
        let isSeed = network.events.compactMap { event -> Bool? in
            if event.node == node, case .otherNetwork(_, "one", let isSeed) = event.event { isSeed } else { nil }
        }
        #expect(isSeed == [true])
        network.run(for: .seconds(200))
        #expect(Self.meetings(network) == 2)
        network.run(for: .seconds(160))
        #expect(Self.meetings(network) == 4)
    }

    @Test func `a family names its network, and those of other programs name none`() {
        let own = NetworkProtocols("main")
        #expect(own.family == "/rialto/main/1.0.0")
        #expect(NodeKademlia().protocolName(in: "main") == "/rialto/main/kad/1.0.0")
        var foreign = NodeKademlia()
        foreign.prefix = "/ipfs"
        #expect(foreign.protocolName(in: "main") == "/ipfs/kad/1.0.0")
        let named = [
            own.family, "/rialto/other-2/7", "", "/", "rialto/1", "ipfs/0.1.0", "/ipfs/main/1.0.0", "/rialto/1.0.0",
            "/rialto//1.0.0", "/rialto/MAIN/1.0.0", "/rialto/main/1.0.0/",
        ].map { NetworkProtocols.network(of: $0) }
        #expect(named == ["main", "other-2"] + Array(repeating: nil, count: 9))
    }

    @Test func `only so many are remembered, and none for more than an hour`() {
        var met = OtherNetworks()
        let peers = (0...OtherNetworks.peerCountMax).map { `Address tables`.peer($0) }
        for peer in peers {
            met.met(peer, at: .zero)
            met.checkInvariants()
        }
        let soon = Instant.zero.advanced(by: OtherNetworks.restTime - .nanoseconds(1))
        #expect(peers.map { met.rests($0, at: soon) } == [false] + Array(repeating: true, count: peers.count - 1))
        #expect(!peers.contains { met.rests($0, at: .zero.advanced(by: OtherNetworks.restTime)) })
    }
}
