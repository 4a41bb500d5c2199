internal import Cryptography
internal import Identity
internal import Market
internal import Node

// What the market looks like from here: prices, the order book, whom to trust.
extension APIService {
    /// Prices of the models that a text means, or of all of which anything is known.
    func stats(_ text: String?) async throws -> [PriceView] {
        let wanted = try text.map { Set(try self.models(named: $0).map(\.id)) }
        let snapshot = try await snapshot()
        let sample = PriceSample(
            listings: snapshot.listings,
            leases: snapshot.statements.leases,
            at: snapshot.unixMilliseconds
        )
        let keys = Set(sample.keys).union(snapshot.prices.keys).sorted()
        return keys.filter { wanted?.contains($0.gpu) ?? true }.map {
            PriceView($0, sample: sample, history: snapshot.prices)
        }
    }

    func orderBook(_ text: String) async throws -> OrderBookView {
        let models = try models(named: text)
        let snapshot = try await snapshot()
        let book = OrderBook(
            of: models,
            listings: snapshot.listings,
            statements: snapshot.statements,
            at: snapshot.unixMilliseconds
        )
        return OrderBookView(book, models: models)
    }

    private func peer(named text: String) throws(APIError) -> (PeerID, Ed25519.PublicKey) {
        guard let peer = try? PeerID(text: text), let key = peer.publicKey else {
            throw APIError(.badRequest, "'\(text)' is no peer id", hint: "peer ids begin with 12D3Koo…")
        }
        return (peer, key)
    }

    /// What this node attests of a provider once it has looked for it, outcome and uptime.
    func attest(_ text: String) async throws -> [AttestationView] {
        let (_, key) = try peer(named: text)
        let answer: NodeAnswer
        do {
            answer = try await ask(.attest(key))
        } catch let error as APIError where error.code == .notFound {
            throw APIError(.notFound, "nothing of that provider is in the market", hint: "rialto search shows who is")
        }
        guard case .statement(let record) = answer else { throw unexpected(answer) }
        let snapshot = try await snapshot()
        let own = snapshot.statements.attestations.filter { $0.attester == record.author && $0.body.provider == key }
        return own.map { AttestationView($0) }.sorted { ($0.kind, $0.metric) < ($1.kind, $1.metric) }
    }

    func trust(_ text: String) async throws -> TrustView {
        let (peer, key) = try peer(named: text)
        let snapshot = try await snapshot()
        guard let walks = trust.walks(snapshot, auditors: shell.auditors()) else {
            throw APIError(.unavailable, "this node has no view of its own")
        }
        let own = snapshot.statements.attestations.filter { $0.body.provider == key }
        let views = own.map { AttestationView($0, attesterTrust: walks.score(of: $0.attester).value) }
        let answer = try await ask(.proofs(key))
        guard case .records(let proofs) = answer else { throw unexpected(answer) }
        return TrustView(
            peer,
            walks.score(of: key),
            attestations: views.sorted { ($0.kind, $0.attester, $0.metric) < ($1.kind, $1.attester, $1.metric) },
            proofs: proofs.map(\.id.description)
        )
    }

    /// The trust in the providers of all rows, as searches filter and sort by it.
    func trust(_ snapshot: MarketSnapshot) -> [Ed25519.PublicKey: TrustScore] {
        guard let walks = trust.walks(snapshot, auditors: shell.auditors()) else { return [:] }
        var scores: [Ed25519.PublicKey: TrustScore] = [:]
        for listing in snapshot.listings where scores[listing.provider] == nil {
            scores[listing.provider] = walks.score(of: listing.provider)
        }
        return scores
    }

    /// Every model that a text means; an error that names the nearest if it means none.
    func models(named text: String) throws(APIError) -> [GPUModel] {
        let models = catalogue.models(named: text)
        guard models.isEmpty else { return models }
        let hint = catalogue.nearestID(to: text).map { "did you mean '\($0)'?" }
        throw APIError(.badRequest, "the catalogue has no GPU '\(text)'", hint: hint)
    }
}
