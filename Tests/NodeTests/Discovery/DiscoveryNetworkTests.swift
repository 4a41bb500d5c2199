import Cryptography
import Identity
import Kademlia
import Market
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Node

/// Whole nodes, with real Noise and Yamux between them, that know one address and decide the rest themselves.
@Suite struct `Nodes that find each other` {
    /// Starts nodes a second apart, each of which knows the first.
    private static func network(
        count: Int,
        seed: UInt64,
        configure: (Int, inout NodeConfig) -> Void = { _, _ in }
    ) -> (TestNetwork, [TestNetwork.NodeIndex]) {
        var network = TestNetwork(seed: seed)
        var nodes: [TestNetwork.NodeIndex] = []
        for number in 0..<count {
            let seeds = nodes.first.map { [network.address($0)] } ?? []
            nodes.append(
                network.addNode(seeds: seeds) { config in
                    config.kademlia = NodeKademlia()
                    configure(number, &config)
                }
            )
            network.run(for: .seconds(1))
        }
        return (network, nodes)
    }

    private static func table(_ network: inout TestNetwork, _ node: TestNetwork.NodeIndex) -> NodeTable? {
        guard case .status(let status) = network.ask(node, .status) else { return nil }
        return status.table
    }

    @Test func `all serve the table, for no router stands between them, and each knows all others`() {
        var (network, nodes) = Self.network(count: 8, seed: 11)
        network.run(for: .seconds(60))
        for node in nodes {
            let table = Self.table(&network, node)
            #expect(table?.isServer == true)
            #expect(table?.serverCount == 7)
        }
    }

    @Test func `those who follow one segment meet, although nobody told them of each other`() throws {
        let segment = Segment(marketClass: .amdConsumer, shard: 0)
        var (network, nodes) = Self.network(count: 6, seed: 12) { number, config in
            // The first is the only address that all know, and follows something else.
            config.followedSegments = number == 0 ? [Segment(marketClass: .other, shard: 0)] : [segment]
        }
        network.run(for: .seconds(60))
        for node in nodes.dropFirst() {
            guard case .peers(let peers) = network.ask(node, .peers) else { continue }
            let others = Set(nodes.dropFirst().map { network.peer($0) }).subtracting([network.peer(node)])
            #expect(others.isSubset(of: peers.map(\.summary.peer)))
        }
    }

    @Test func `a provider leaves a storefront that proves itself`() throws {
        var (network, nodes) = Self.network(count: 5, seed: 13)
        network.run(for: .seconds(20))
        let model = try #require(Catalogue.standard["rtx-4090"])
        let draft = OfferDraft(
            devices: [DeviceDraft(declaring: model)],
            terms: OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: 350_000))
        )
        guard case .offer = network.ask(nodes[2], .publishOffer(draft)) else {
            Issue.record("the offer was not published")
            return
        }
        network.run(for: .seconds(150))
        guard case .records(let records) = network.ask(nodes[4], .findStorefront(network.peer(nodes[2]))),
            let record = records.first, case .storefront(let storefront) = record.record.body
        else {
            Issue.record("there is no storefront")
            return
        }
        #expect(PeerID(publicKey: record.author) == network.peer(nodes[2]))
        #expect(storefront.segments.map(\.marketClass) == [.nvidiaConsumer])
        #expect(storefront.addresses == [network.address(nodes[2]).withoutPeer.bytes])
        guard case .dht(.failed(.notFound)) = network.ask(nodes[4], .findStorefront(network.peer(nodes[1]))) else {
            Issue.record("a node without offers has a storefront")
            return
        }
    }

    @Test func `a provider's storefront is found seconds after its first offer, even by the only other node`() throws {
        var (network, nodes) = Self.network(count: 2, seed: 16)
        network.run(for: .seconds(5))
        let offer = try network.publish(on: nodes[1])
        network.run(for: .seconds(3))
        guard case .records(let records)? = network.ask(nodes[0], .findStorefront(network.peer(nodes[1]))) else {
            Issue.record("there is no storefront")
            return
        }
        #expect(records.map(\.author) == [offer.author])
    }

    @Test func `a storefront of a banned author is neither shown nor kept, and is there again when the ban is lifted`()
        throws
    {
        var (network, nodes) = Self.network(count: 5, seed: 17)
        network.run(for: .seconds(20))
        _ = try network.publish(on: nodes[2])
        network.run(for: .seconds(30))
        let (reader, author) = (nodes[4], network.peer(nodes[2]))
        guard case .records? = network.ask(reader, .findStorefront(author)) else {
            Issue.record("there is no storefront")
            return
        }
        func heldCount() -> Int { network.node(reader)?.kademlia[0].machine.heldRecordCount ?? 0 }
        let before = heldCount()
        let ban = try #require(Ban(.peer(author)))
        _ = network.ask(reader, .ban(ban))
        #expect(heldCount() == before - StorefrontValues.replicaCount)
        guard case .failed(.connect(.banned))? = network.ask(reader, .findStorefront(author)) else {
            Issue.record("the storefront of a banned author is looked for")
            return
        }
        let key = StorefrontValues.key(of: author, replica: 1)
        guard case .dht(.failed(.notFound))? = network.ask(reader, .dht(.getValue(key, quorum: 1))) else {
            Issue.record("the storefront of a banned author is found by its key")
            return
        }
        _ = network.ask(reader, .unban(ban.target))
        guard case .records? = network.ask(reader, .findStorefront(author)) else {
            Issue.record("the ban was lifted")
            return
        }
    }

    /// Whoever holds one key's nearest ids can keep an older storefront there, which is as valid as the newer one.
    @Test(arguments: 0..<StorefrontValues.replicaCount)
    func `the newest storefront is found if one key alone has it`(newest: Int) throws {
        var (network, nodes) = Self.network(count: 5, seed: 18)
        network.run(for: .seconds(20))
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 5, count: 32))
        let author = PeerID(publicKey: key.publicKey)
        for replica in 0..<StorefrontValues.replicaCount {
            let value = KademliaValue(
                key: StorefrontValues.key(of: author, replica: replica),
                value: try Self.storefront(of: key, sequence: replica == newest ? 8 : 7)
            )
            guard case .dht(.stored)? = network.ask(nodes[1], .dht(.putValue(value))) else {
                Issue.record("nobody took the storefront")
                return
            }
        }
        guard case .records(let records)? = network.ask(nodes[4], .findStorefront(author)) else {
            Issue.record("there is no storefront")
            return
        }
        #expect(records.map(\.record.sequence) == [8])
    }

    static func storefront(
        of key: Ed25519.PrivateKey,
        sequence: UInt64,
        network: String = "main",
        issuedAt: Int64 = TestNetwork.epochMilliseconds,
        lifetime: Int64 = 3_600_000
    ) throws -> [UInt8] {
        let segment = Segment(marketClass: .other, shard: 0)
        let record = Record(
            network: network,
            sequence: sequence,
            issuedAt: issuedAt,
            expiresAt: issuedAt + lifetime,
            body: .storefront(StorefrontBody(segments: [segment], addresses: [[4, 127, 0, 0, 1, 6, 0, 1]]))
        )
        return try SignedRecord(signing: record, by: key).envelope
    }

    @Test func `on one cable no address at all is needed`() {
        var network = TestNetwork(seed: 15)
        let nodes = (0..<4).map { number in
            network.addNode {
                $0.kademlia = NodeKademlia()
                // The last one keeps quiet.
                $0.usesMulticastDNS = number < 3
            }
        }
        network.run(for: .seconds(30))
        let counts = nodes.map { node -> Int in
            guard case .peers(let peers) = network.ask(node, .peers) else { return -1 }
            return peers.count
        }
        #expect(counts == [2, 2, 2, 0])
    }

    @Test func `two halves that began apart become one once a seed of one knows the other`() {
        var (network, left) = Self.network(count: 4, seed: 14)
        var right: [TestNetwork.NodeIndex] = []
        for number in 0..<4 {
            // The last of them knows an address in the other half.
            let seeds =
                number == 3
                ? [network.address(right[0]), network.address(left[1])]
                : right.first.map { [network.address($0)] } ?? []
            right.append(network.addNode(seeds: seeds) { $0.kademlia = NodeKademlia() })
            network.run(for: .seconds(1))
        }
        network.run(for: .seconds(120))
        guard case .dht(.peer(let found)) = network.ask(left[3], .dht(.findPeer(network.peer(right[1])))) else {
            Issue.record("a node of the other half was not found")
            return
        }
        #expect(found.id == network.peer(right[1]))
    }

    /// The validator's rules one by one, on a storefront that holds them all.
    @Test func `only a storefront of its own key, network and time is taken`() throws {
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 5, count: 32))
        let now = TestNetwork.epochMilliseconds
        func value(network: String = "main", issuedAt: Int64 = now, lifetime: Int64 = 3_600_000) throws -> [UInt8] {
            try Self.storefront(of: key, sequence: 7, network: network, issuedAt: issuedAt, lifetime: lifetime)
        }
        let peer = PeerID(publicKey: key.publicKey)
        let bans = BanBook(stored: [], configured: [], allowed: [])
        let validator = StorefrontValues(network: "main", own: `Address tables`.peer(9), bans: bans)
        func standing(_ key: [UInt8], _ value: [UInt8], at time: Int64 = now) -> ValueStanding? {
            validator.judge(KademliaValue(key: key, value: value), unixMilliseconds: time)
        }
        for replica in 0..<StorefrontValues.replicaCount {
            let taken = standing(StorefrontValues.key(of: peer, replica: replica), try value())
            #expect(taken == ValueStanding(rank: 7, expiresAtUnixMilliseconds: now + 3_600_000))
        }
        let own = StorefrontValues.key(of: peer, replica: 0)
        var broken = try value()
        broken[broken.count - 1] ^= 1
        #expect(standing(own, broken) == nil)
        #expect(standing(StorefrontValues.key(of: peer, replica: 4), try value()) == nil)
        #expect(standing(StorefrontValues.key(of: `Address tables`.peer(1), replica: 0), try value()) == nil)
        #expect(standing(own, try value(network: "other")) == nil)
        #expect(standing(own, try value(), at: now + 3_600_000) == nil)
        #expect(standing(own, try value(issuedAt: now + 120_001)) == nil)
        #expect(standing(own, []) == nil)
        #expect(standing([1, 2], try value()) == nil)
    }
}
