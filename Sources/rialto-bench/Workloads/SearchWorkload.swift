import Market

/// The renter's question, asked of a market of 100,000 live offers that is laid out already.
struct SearchWorkload: Workload {
    static let query = "gpu=rtx-4090 count>=2 price<=1.5 country in [DE,FR]"

    let rows = [Row.search]
    let offerCount: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        let table = SearchTable(listings: try MarketSample(count: offerCount).listings())
        let request = try SearchRequest(
            query: SearchQuery(text: Self.query),
            sort: SearchSort(text: "price"),
            limit: 50
        )
        let context = SearchContext(now: MarketSample.now)
        guard table.search(request, context: context).rows.count == 50 else {
            throw BenchFailure("the search finds little")
        }
        let durations = (0..<7).map { _ in seconds { _ = table.search(request, context: context) } }
        let columns = [[Int64]](repeating: [Int64](repeating: 1, count: offerCount), count: 5)
        let scan = seconds {
            var sum: Int64 = 0
            for row in 0..<offerCount { for column in columns { sum &+= column[row] } }
            precondition(sum > 0)
        }
        return Figures(values: [.search: median(durations) * 1e3], limits: [.search: scan * 1e3])
    }
}
