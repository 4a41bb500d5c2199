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
        let snapshot = try await snapshot()
        let result = Self.result(search, snapshot)
        return SearchView(
            query: result.effectiveQuery,
            sort: result.effectiveSort,
            matches: result.matchCount,
            rows: result.rows.map { OfferRow($0, now: snapshot.unixMilliseconds) },
            explanation: request.query["explain"] == "1" ? ExplanationView(result.explanation) : nil
        )
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

    static func result(_ request: SearchRequest, _ snapshot: MarketSnapshot) -> SearchResult {
        let roundTrips = snapshot.roundTrips.compactMap { peer, time in peer.publicKey.map { ($0, time) } }
        let context = SearchContext(
            now: snapshot.unixMilliseconds,
            roundTrips: Dictionary(roundTrips) { first, _ in first }
        )
        // A provider that said goodbye takes its rows off the market; its records stay, in case it comes back.
        let vouchedFor = snapshot.listings.filter { $0.liveness(at: snapshot.unixMilliseconds) != .gone }
        return SearchTable(listings: vouchedFor).search(request, context: context)
    }
}
