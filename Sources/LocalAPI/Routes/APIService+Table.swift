internal import Identity
internal import Kademlia
internal import Market
internal import Node

// The distributed hash table, by hand.
extension APIService {
    func table() async throws -> TableView {
        guard let table = try await status().table else { throw APIError(NodeFailure.noTable) }
        return TableView(table)
    }

    func findPeer(_ text: String) async throws -> FoundPeerView {
        guard let peer = try? PeerID(text: text) else { throw APIError(.badRequest, "'\(text)' is no peer id") }
        let result = try await look(up: .findPeer(peer))
        guard case .peer(let found) = result else { throw unexpected(.dht(result)) }
        return FoundPeerView(found)
    }

    func storefront(of text: String) async throws -> StorefrontView {
        guard let peer = try? PeerID(text: text) else { throw APIError(.badRequest, "'\(text)' is no peer id") }
        let answer = try await ask(.findStorefront(peer))
        if case .dht(.failed(let failure)) = answer { throw APIError(failure) }
        guard case .records(let records) = answer, let record = records.first,
            case .storefront(let body) = record.record.body
        else { throw unexpected(answer) }
        return StorefrontView(body, of: peer, in: record)
    }

    func closestPeers(to text: String?) async throws -> [FoundPeerView] {
        let result = try await look(up: .closestPeers(try Self.key(text)))
        guard case .closest(let found) = result else { throw unexpected(.dht(result)) }
        return found.map(FoundPeerView.init)
    }

    func findProviders(of text: String?) async throws -> [FoundPeerView] {
        let result = try await look(up: .findProviders(try Self.key(text)))
        guard case .providers(let found) = result else { throw unexpected(.dht(result)) }
        return found.map { FoundPeerView($0.peer) }
    }

    func provide(_ request: ProvideRequest) async throws -> ProvidedView {
        let result = try await look(up: .provide(try Self.key(request.key)))
        guard case .provided(let count) = result else { throw unexpected(.dht(result)) }
        return ProvidedView(key: request.key, holders: count)
    }

    private func look(up command: KademliaCommand) async throws -> KademliaResult {
        let answer = try await ask(.dht(command))
        guard case .dht(let result) = answer else { throw unexpected(answer) }
        if case .failed(let failure) = result { throw APIError(failure) }
        return result
    }

    /// A peer id stands for itself, and all other text for its SHA-256, so that keys are spread evenly whatever people write.
    private static func key(_ text: String?) throws(APIError) -> [UInt8] {
        guard let text, (1...keyByteCountMax).contains(text.utf8.count) else {
            throw APIError(.badRequest, "a key is a text of 1 to \(keyByteCountMax) bytes, or a peer id")
        }
        if let peer = try? PeerID(text: text) { return peer.bytes }
        return Multihash(sha256: Array(text.utf8)).bytes
    }

    private static let keyByteCountMax = 1_024
}

extension APIError {
    init(_ failure: KademliaFailure) {
        switch failure {
        case .noPeers:
            self.init(
                .unavailable,
                "the node's table is empty: there is nobody to ask",
                hint: "connect to somebody: rialto peers connect <address>; see: rialto dht"
            )
        case .notFound: self.init(.notFound, "nobody knows of it")
        case .notStored: self.init(.unavailable, "nobody took it", hint: "try again in a moment")
        case .malformedKey: self.init(.badRequest, "a key has 1 to \(KademliaMessage.keyByteCountMax) bytes")
        case .refusedValue: self.init(.refused, "the value is not valid, or a better one is known")
        case .busy: self.init(.tooMany, "too many searches wait", hint: "try again in a moment")
        }
    }
}
