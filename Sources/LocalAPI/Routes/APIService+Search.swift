internal import Cryptography
internal import Identity
internal import Market
internal import Node

// Reading the market.
extension APIService {
    func snapshot() async throws -> MarketSnapshot {
        let answer = try await ask(.snapshot)
        guard case .snapshot(let snapshot) = answer else { throw unexpected(answer) }
        return snapshot
    }

    func search(_ request: APIRequest) async throws -> SearchView {
        let search = try searchRequest(request)
        let report = try await look(for: search.query)
        let snapshot = try await snapshot()
        let (result, trust) = result(search, snapshot)
        let now = snapshot.unixMilliseconds
        let words = Self.words(of: result.rows, snapshot)
        shownPrices.note(result.rows.map(\.listing))
        return SearchView(
            query: result.effectiveQuery,
            sort: result.effectiveSort,
            matches: result.matchCount,
            rows: result.rows.map { row in
                OfferRow(row, trust: trust[row.listing.provider], words: words[row.listing.provider] ?? [], now: now)
            },
            explanation: request.query["explain"] == "1" ? ExplanationView(result.explanation) : nil,
            asked: report.segments.isEmpty ? nil : AskedView(report)
        )
    }

    /// Brings into the book what the node does not follow; for most nodes there is nothing to bring.
    private func look(for query: SearchQuery) async throws -> SearchReport {
        let answer = try await ask(.look(segments(of: query), models: query.models ?? []))
        guard case .looked(let report) = answer else { throw unexpected(answer) }
        return report
    }

    /// Where a query may find something.
    func segments(of query: SearchQuery) -> Set<Segment> {
        let profile = MarketProfile.first
        guard let models = query.models else { return Set(profile.segments) }
        let classes = Set(
            models.compactMap { id in
                catalogue[id].map { MarketClass(vendor: $0.vendor, gpuClass: $0.gpuClass) }
            }
        )
        return Set(classes.flatMap(profile.segments(of:)))
    }

    func searchRequest(_ request: APIRequest) throws(APIError) -> SearchRequest {
        let limit = try request.number("limit", orElse: 20)
        do {
            let query = try SearchQuery(text: request.query["q"] ?? "", catalogue: catalogue)
            let sort = try request.query["sort"].map { try SearchSort(text: $0) } ?? SearchSort(.price)
            return try SearchRequest(query: query, sort: sort, limit: limit)
        } catch let error as SearchQueryError {
            throw APIError(.badRequest, error.description)
        } catch let error as SearchSortError {
            throw APIError(.badRequest, error.description)
        } catch {
            throw APIError(.badRequest, "\(error)")
        }
    }

    /// The rows, and what this node thinks of their providers.
    func result(
        _ request: SearchRequest,
        _ snapshot: MarketSnapshot
    ) -> (SearchResult, trust: [Ed25519.PublicKey: TrustScore]) {
        let roundTrips = snapshot.roundTrips.compactMap { peer, time in peer.publicKey.map { ($0, time) } }
        // Many rows have few providers; what is not asked for is worked out for the rows that are shown alone.
        let isAsked = request.asksTrust
        let trust = isAsked ? trust(snapshot) : [:]
        let context = SearchContext(
            now: snapshot.unixMilliseconds,
            roundTrips: Dictionary(roundTrips) { first, _ in first },
            trust: trust.mapValues(\.thousandths)
        )
        // A provider that said goodbye takes its rows off the market; its records stay, in case it comes back.
        let vouchedFor = snapshot.listings.filter { $0.liveness(at: snapshot.unixMilliseconds) != .gone }
        let result = SearchTable(listings: vouchedFor).search(request, context: context)
        return (result, isAsked ? trust : self.trust(in: result.rows, snapshot))
    }

    private func trust(in rows: [SearchRow], _ snapshot: MarketSnapshot) -> [Ed25519.PublicKey: TrustScore] {
        guard !rows.isEmpty, let walks = trust.walks(snapshot, auditors: shell.auditors()) else { return [:] }
        let scores = rows.map { ($0.listing.provider, walks.score(of: $0.listing.provider)) }
        return Dictionary(scores) { first, _ in first }
    }

    /// What others attest of the rows' providers.
    static func words(
        of rows: [SearchRow],
        _ snapshot: MarketSnapshot
    ) -> [Ed25519.PublicKey: [AttestationView]] {
        let shown = Set(rows.map(\.listing.provider))
        let held = snapshot.statements.attestations.filter { shown.contains($0.body.provider) }
        return Dictionary(grouping: held, by: \.body.provider).mapValues { words in
            words.map { AttestationView($0) }.sorted { ($0.kind, $0.attester) < ($1.kind, $1.attester) }
        }
    }
}
