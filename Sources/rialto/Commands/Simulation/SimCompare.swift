internal import ArgumentParser
internal import Foundation
internal import Laboratory
internal import LocalAPI

/// The command `rialto sim compare`.
struct SimCompare: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compare two sets of results, metric by metric.",
        discussion: """
            Each side is a result.jsonl or a directory with some. The difference of the means over the seeds comes with a 95 % interval \
            by bootstrap (10,000 resamples, always the same); runs of the seeds that both sides have are compared in pairs. The exit code \
            is 1 if a metric is worse beyond its interval or gone, or an expectation that held fails now, or if a difference stays \
            unknown. Three seeds make an interval; two tell only what both see.

            Examples:
              rialto sim compare before after
              rialto sim compare Simulations/baselines/calm-market.jsonl out --all
            """
    )

    @Argument(help: "What was: a file or a directory.")
    var before: String

    @Argument(help: "What is: a file or a directory.")
    var after: String

    @Flag(help: "Show also what did not change.")
    var all = false

    @Flag(help: "Compare messages per second and memory too; they depend on the machine.")
    var speed = false

    @Option(help: ArgumentHelp("Differences below this many percent are none.", valueName: "percent"))
    var tolerance = 1.0

    @Flag(help: "Print JSON, one object per line.")
    var json = false

    private struct Line: Encodable {
        let variant: String
        let metric: String
        let before: Double?
        let after: Double?
        let differenceLow: Double?
        let differenceHigh: Double?
        let verdict: String
    }

    func run() throws {
        guard (0...100).contains(tolerance) else {
            throw CommandFailure(.usage, "--tolerance \(tolerance) is no share of 0 to 100 percent")
        }
        let comparison = try ScenarioOptions.explaining {
            Comparison(
                try ResultFiles.lines(at: before),
                try ResultFiles.lines(at: after),
                tolerance: tolerance / 100,
                withSpeed: speed
            )
        }
        for name in comparison.unmatched { Terminal.complain("only one side has: \(name)") }
        guard !comparison.rows.isEmpty else {
            throw CommandFailure(.usage, "\(before) and \(after) have no scenario in common")
        }
        if json {
            for row in comparison.rows { print(JSONFormat.text(Self.line(row))) }
        } else {
            show(comparison)
        }
        for loss in comparison.losses {
            Terminal.complain("\(loss.variant) seed \(loss.seed): '\(loss.name)' held before and fails now")
        }
        if comparison.isUndecided {
            Terminal.complain("too few seeds to tell what is unknown: run the same three or more on both sides")
        }
        if comparison.isRegression || comparison.isUndecided { try SimulationExit.failed.end() }
    }

    private func show(_ comparison: Comparison) {
        var table = Table("SCENARIO", "METRIC", "BEFORE", "AFTER", "DIFFERENCE (95 %)", "VERDICT")
        let shown = comparison.rows.filter { all || $0.verdict != .same }
        for row in shown {
            let interval = row.low.flatMap { low in
                row.high.map { high in "\(Self.text(low, true)) to \(Self.text(high, true))" }
            }
            table.add(
                row.variant,
                row.metric,
                row.before.map { Self.text($0) } ?? "none",
                row.after.map { Self.text($0) } ?? "none",
                interval ?? (row.before == nil || row.after == nil ? "" : "too few seeds"),
                row.verdict.rawValue
            )
        }
        if !shown.isEmpty { table.print() }
        let counts = Dictionary(grouping: comparison.rows, by: \.verdict).mapValues(\.count)
        let words = [Comparison.Verdict.worse, .better, .changed, .same, .unknown]
            .compactMap { verdict in counts[verdict].map { "\($0) \(verdict.rawValue)" } }
        print("\(comparison.rows.count) metrics: \(words.joined(separator: ", "))")
    }

    private static func text(_ value: Double, _ isSigned: Bool = false) -> String {
        String(format: isSigned ? "%+.4g" : "%.6g", value)
    }

    private static func line(_ row: Comparison.Row) -> Line {
        Line(
            variant: row.variant,
            metric: row.metric,
            before: row.before,
            after: row.after,
            differenceLow: row.low,
            differenceHigh: row.high,
            verdict: row.verdict.rawValue
        )
    }
}
