import Identity
import Kademlia
import Node
import Primitives
import Swarm
import TestSupport
import Testing

/// Whole nodes, with real Noise and Yamux between them, that know one address.
@Suite struct `A distributed hash table in virtual time` {
    let key = Array("segment".utf8)

    static func network(count: Int, seed: UInt64, clients: Set<Int> = []) -> (TestNetwork, [TestNetwork.NodeIndex]) {
        var network = TestNetwork(seed: seed)
        var nodes: [TestNetwork.NodeIndex] = []
        for number in 0..<count {
            let seeds = nodes.first.map { [network.address($0)] } ?? []
            nodes.append(
                network.addNode(seeds: seeds) { config in
                    var part = NodeKademlia()
                    part.mode = clients.contains(number) ? .client : .server
                    config.kademlia = part
                }
            )
        }
        network.run(for: .seconds(40))
        return (network, nodes)
    }

    @Test func `what one node provides another one finds, and so it finds the node`() {
        var (network, nodes) = Self.network(count: 8, seed: 1)
        guard case .dht(.provided(let count)) = network.ask(nodes[3], .dht(.provide(key))) else {
            Issue.record("nobody was told")
            return
        }
        #expect(count == 7)
        guard case .dht(.providers(let providers)) = network.ask(nodes[6], .dht(.findProviders(key))) else {
            Issue.record("nobody was found")
            return
        }
        #expect(providers.map(\.peer.id) == [network.peer(nodes[3])])
        #expect(providers.first?.peer.addresses == [network.address(nodes[3]).withoutPeer])
        guard case .dht(.peer(let found)) = network.ask(nodes[7], .dht(.findPeer(network.peer(nodes[2])))) else {
            Issue.record("a node was not found")
            return
        }
        #expect(found.id == network.peer(nodes[2]))
    }

    @Test func `S-32, a node that only uses the table is in nobody's table, and can be found by its peers' word`() {
        var (network, nodes) = Self.network(count: 6, seed: 2, clients: [5])
        guard case .dht(.closest(let closest)) = network.ask(nodes[1], .dht(.closestPeers(key))) else {
            Issue.record("nobody is near")
            return
        }
        #expect(Set(closest.map(\.id)) == Set([0, 2, 3, 4].map { network.peer(nodes[$0]) }))
        guard case .dht(.provided(let count)) = network.ask(nodes[5], .dht(.provide(key))) else {
            Issue.record("a client could not provide")
            return
        }
        #expect(count == 5)
    }

    /// What each of the others has heard of a node by identify.
    private static func protocols(
        of node: TestNetwork.NodeIndex,
        _ network: inout TestNetwork,
        _ nodes: [TestNetwork.NodeIndex]
    ) -> [[String]] {
        nodes.filter { $0 != node }.compactMap { other in
            guard case .peers(let peers) = network.ask(other, .peers) else { return nil }
            return peers.first { $0.summary.peer == network.peer(node) }?.summary.description?.protocols
        }
    }

    @Test func `S-32, a node that only uses the table does not offer its protocol, and a server does`() {
        var (network, nodes) = Self.network(count: 3, seed: 4, clients: [2])
        let name = NodeKademlia().protocolName(in: "main")
        let client = Self.protocols(of: nodes[2], &network, nodes)
        #expect(!client.isEmpty && client.allSatisfy { !$0.contains(name) && $0.contains(SyncLimits.protocolName) })
        let server = Self.protocols(of: nodes[1], &network, nodes)
        #expect(!server.isEmpty && server.allSatisfy { $0.contains(name) })
    }

    @Test func `a node without a part in it cannot ask`() {
        var network = TestNetwork(seed: 3)
        let node = network.addNode { $0.kademlia = nil }
        for command in [NodeCommand.dht(.findProviders(key)), .findStorefront(network.peer(node))] {
            guard case .failed(.noTable) = network.ask(node, command) else {
                Issue.record("it answered otherwise")
                return
            }
        }
    }
}
