internal import ArgumentParser
internal import LocalAPI

/// The command `rialto stats`.
struct Stats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what GPUs cost: asked and leased, with sample sizes and history.",
        discussion: """
            ASKED is of offers that are live now, LEASED of leases that began in the last 30 days; each as the price that a tenth of \
            them does not exceed, the middle one, and the one that nine tenths do not exceed, for one GPU and one hour. Units are kept \
            apart. With a GPU the days follow on which anything is known; this node writes them down itself.

            Examples:
              rialto stats
              rialto stats rtx-4090
              rialto stats h100 --json | jq .leased.median_micros
            """
    )

    @OptionGroup var options: GlobalOptions

    @Argument(help: "A GPU of the catalogue, or a family such as a100 (default: all).")
    var gpu: String?

    func run() async throws {
        let query = gpu.map { ["gpu": $0] } ?? [:]
        let rows = try await options.client.send("GET", "/v1/stats", query: query, expecting: [PriceView].self)
        guard !options.json else { return rows.forEach { print(JSONFormat.text($0)) } }
        guard !rows.isEmpty else { return print("nothing is known of these prices yet") }
        var table = Table("GPU", "UNIT", "ASKED P10", "MEDIAN", "P90", "OF", "LEASED P10", "MEDIAN", "P90", "OF")
        for row in rows { table.add([row.gpu, row.unit] + Self.cells(row.asked) + Self.cells(row.leased)) }
        table.print()
        guard gpu != nil else { return }
        for row in rows where !row.history.isEmpty {
            print("\n\(row.gpu) in \(row.unit), day by day:")
            var days = Table("DAY", "ASKED P10", "MEDIAN", "P90", "OF", "LEASED P10", "MEDIAN", "P90", "OF")
            for day in row.history { days.add([day.day] + Self.cells(day.asked) + Self.cells(day.leased)) }
            days.print()
        }
    }

    private static func cells(_ quantiles: QuantilesView?) -> [String] {
        guard let quantiles else { return ["-", "-", "-", "0"] }
        return [quantiles.p10Micros, quantiles.medianMicros, quantiles.p90Micros].map { Amounts.text(micros: $0) }
            + ["\(quantiles.samples)"]
    }
}
