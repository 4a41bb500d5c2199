/// What changed between two sets of runs of the same scenarios, metric by metric.
public struct Comparison: Sendable {
    public struct Row: Hashable, Sendable {
        /// The scenario and its changes.
        public let variant: String
        public let metric: String
        /// Means over the seeds.
        public let before: Double
        public let after: Double
        /// Where the difference of the means lies with 95 %; `nil` with fewer than three seeds.
        public let low: Double?
        public let high: Double?
        public let verdict: Verdict
    }

    public enum Verdict: String, Hashable, Sendable {
        case same, better, worse
        /// The metric has no better side.
        case changed
        /// Too few seeds to tell.
        case unknown
    }

    /// An expectation that held before and fails now.
    public struct Loss: Hashable, Sendable {
        public let variant: String
        public let seed: UInt64
        public let name: String
    }

    public let rows: [Row]
    public let losses: [Loss]
    /// Scenarios that only one side has.
    public let unmatched: [String]

    public var isRegression: Bool { !losses.isEmpty || rows.contains { $0.verdict == .worse } }

    /// Compares the scenarios that both sides have.
    ///
    /// Runs of one seed are compared with each other where both sides have the same seeds. What differs by less than `tolerance`, a
    /// share of the value before, is the same. With `withSpeed` also what depends on the machine is compared.
    public init(_ before: [ResultLine], _ after: [ResultLine], tolerance: Double = 0.01, withSpeed: Bool = false) {
        var (rows, losses): ([Row], [Loss]) = ([], [])
        let (first, second) = (Self.byVariant(before), Self.byVariant(after))
        for (variant, lines) in first {
            guard let others = second.first(where: { $0.0 == variant })?.1 else { continue }
            losses += Self.losses(variant, lines, others)
            for metric in Self.metrics(lines, others, withSpeed) {
                let row = Self.row(variant, metric, lines, others, tolerance)
                if let row { rows.append(row) }
            }
        }
        (self.rows, self.losses) = (rows, losses)
        let (names, others) = (first.map(\.0), second.map(\.0))
        unmatched = names.filter { !others.contains($0) } + others.filter { !names.contains($0) }
    }

    private static func byVariant(_ lines: [ResultLine]) -> [(String, [ResultLine])] {
        let names = Set(lines.map(\.variant)).sorted()
        return names.map { name in (name, lines.filter { $0.variant == name }.sorted { $0.seed < $1.seed }) }
    }

    private static func losses(_ variant: String, _ before: [ResultLine], _ after: [ResultLine]) -> [Loss] {
        after.flatMap { line -> [Loss] in
            guard let old = before.first(where: { $0.seed == line.seed }) else { return [] }
            let held = Set(old.verdicts.filter(\.passed).map(\.name))
            return line.verdicts.filter { !$0.passed && held.contains($0.name) }
                .map { Loss(variant: variant, seed: line.seed, name: $0.name) }
        }
    }

    private static let speeds = ["messages_per_second", "events_per_second", "bytes_per_node"]

    private static func metrics(_ before: [ResultLine], _ after: [ResultLine], _ withSpeed: Bool) -> [String] {
        let names = Set(before.flatMap(\.metrics.keys)).intersection(after.flatMap(\.metrics.keys))
        return names.sorted() + (withSpeed ? speeds : [])
    }

    private static func value(_ metric: String, of line: ResultLine) -> Double? {
        switch metric {
        case "messages_per_second": line.messagesPerSecond
        case "events_per_second": line.eventsPerSecond
        case "bytes_per_node": line.bytesPerNode
        default: line.metrics[metric] ?? nil
        }
    }

    private static func row(
        _ variant: String,
        _ metric: String,
        _ before: [ResultLine],
        _ after: [ResultLine],
        _ tolerance: Double
    ) -> Row? {
        let old = before.compactMap { line in value(metric, of: line).map { (line.seed, $0) } }
        let new = after.compactMap { line in value(metric, of: line).map { (line.seed, $0) } }
        guard !old.isEmpty, !new.isEmpty else { return nil }
        let (mean, other) = (Self.mean(old.map(\.1)), Self.mean(new.map(\.1)))
        var bootstrap = Bootstrap()
        let isPaired = old.map(\.0) == new.map(\.0)
        let interval =
            isPaired
            ? bootstrap.paired(zip(old, new).map { $1.1 - $0.1 }) : bootstrap.unpaired(old.map(\.1), new.map(\.1))
        let isSmall = abs(other - mean) <= tolerance * abs(mean)
        let verdict: Verdict =
            if mean == other || isSmall {
                .same
            } else if let interval {
                interval.low <= 0 && interval.high >= 0 ? .same : Direction(metric).verdict(rises: interval.low > 0)
            } else {
                .unknown
            }
        return Row(
            variant: variant,
            metric: metric,
            before: mean,
            after: other,
            low: interval?.low,
            high: interval?.high,
            verdict: verdict
        )
    }

    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    /// Which way a metric should go, told by its name.
    enum Direction {
        case up, down, neither

        init(_ metric: String) {
            let better = [
                "_ratio", "_share", "_success", "closest_found", "coverage", "messages_per_second", "events_per_second",
            ]
            let worse = [
                "_seconds", "_ms", "latency", "bytes_per_node", "bytes_total", "duplicates", "overhead", "misses",
                "lost",
                "requests_per_lookup", "hops",
            ]
            if better.contains(where: { metric.hasSuffix($0) }) {
                self = .up
            } else {
                self = worse.contains { metric.contains($0) } ? .down : .neither
            }
        }

        func verdict(rises: Bool) -> Verdict {
            switch self {
            case .up: rises ? .better : .worse
            case .down: rises ? .worse : .better
            case .neither: .changed
            }
        }
    }
}
