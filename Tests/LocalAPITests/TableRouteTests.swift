import Identity
import Kademlia
import LocalAPI
import Primitives
import Testing

@testable import Node

extension Samples {
    static let found = KademliaPeer(
        id: SampleState.peer(7),
        addresses: [Multiaddr(endpoint: Endpoint(address: IPAddress(203, 0, 113, 7), port: 4180))]
    )

    /// What a hash table says that knows one peer and one key.
    static func result(of command: KademliaCommand) -> KademliaResult {
        let known = Multihash(sha256: Array("known".utf8)).bytes
        switch command {
        case .findPeer(found.id): return .peer(found)
        case .closestPeers: return .closest([found])
        case .provide(known): return .provided(peerCount: 3)
        case .findProviders(known):
            return .providers([FoundProvider(peer: KademliaPeer(id: found.id, addresses: []), source: .exempt)])
        case .findPeer, .findProviders: return .failed(.notFound)
        case .provide: return .failed(.noPeers)
        case .putValue, .getValue, .withdraw: return .failed(.busy)
        }
    }
}

@Suite struct `Routes of the hash table` {
    private func answer(
        _ method: String,
        _ path: String,
        query: [String: String] = [:],
        body: [UInt8] = []
    ) async -> (status: Int, bytes: [UInt8]) {
        let service = APIService(node: FakeNode(), token: "")
        let response = await service.respond(to: APIRequest(method, path, query: query, body: body))
        guard case .bytes(let bytes) = response.body else { return (response.status, []) }
        return (response.status, bytes)
    }

    private let address = "/ip4/203.0.113.7/tcp/4180/p2p/\(Samples.found.id)"

    @Test func `a peer is found with its whole addresses`() async throws {
        let (status, bytes) = await answer("GET", "/v1/dht/peers/\(Samples.found.id)")
        #expect(status == 200)
        let found = try JSONFormat.decode(FoundPeerView.self, from: bytes)
        #expect((found.peer, found.addresses) == (Samples.found.id.description, [address]))
        #expect(await answer("GET", "/v1/dht/peers/\(SampleState.peer(8))").status == 404)
        #expect(await answer("GET", "/v1/dht/peers/nobody").status == 400)
    }

    /// A text stands for its SHA-256: the sample's table knows that of "known" alone.
    @Test func `keys are texts or peer ids`() async throws {
        let providers = await answer("GET", "/v1/dht/providers", query: ["key": "known"])
        #expect(try JSONFormat.decode([FoundPeerView].self, from: providers.bytes).map(\.addresses) == [[]])
        #expect(await answer("GET", "/v1/dht/providers", query: ["key": "unknown"]).status == 404)
        #expect(await answer("GET", "/v1/dht/providers").status == 400)
        #expect(await answer("GET", "/v1/dht/closest", query: ["key": ""]).status == 400)
        let nearest = await answer("GET", "/v1/dht/closest", query: ["key": Samples.found.id.description])
        #expect(try JSONFormat.decode([FoundPeerView].self, from: nearest.bytes).count == 1)
    }

    @Test func `providing says how many remember it, or that nobody is there`() async throws {
        let provided = await answer("POST", "/v1/dht/provided", body: Array(#"{"key":"known"}"#.utf8))
        #expect(provided.status == 201)
        #expect(try JSONFormat.decode(ProvidedView.self, from: provided.bytes).holders == 3)
        let alone = await answer("POST", "/v1/dht/provided", body: Array(#"{"key":"other"}"#.utf8))
        #expect(alone.status == 503)
        #expect(try JSONFormat.decode(APIError.self, from: alone.bytes).hint?.contains("rialto peers connect") == true)
    }

    @Test func `a provider without a storefront is not found`() async {
        #expect(await answer("GET", "/v1/dht/storefronts/\(Samples.found.id)").status == 404)
        #expect(await answer("GET", "/v1/dht/storefronts/x").status == 400)
    }
}
