/// What changed between two sets of runs of the same scenarios, metric by metric.
public struct Comparison: Sendable {
    public struct Row: Hashable, Sendable {
        /// The scenario and its changes.
        public let variant: String
        public let metric: String
        /// Means over the seeds that are compared; `nil` where no run had a value.
        public let before: Double?
        public let after: Double?
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

    /// Whether a metric differs beyond the tolerance and the seeds are too few to say that this is chance: no clean bill.
    public var isUndecided: Bool { rows.contains { $0.verdict == .unknown } }

    /// Compares the scenarios that both sides have.
    ///
    /// Runs of one seed are compared with each other where the sides have seeds in common, and the other seeds are left out. What
    /// differs by less than `tolerance`, a share of the value before, is the same; of a ratio near 1 it is a share of what lacks to 1.
    /// With `withSpeed` also what depends on the machine is compared.
    public init(_ before: [ResultLine], _ after: [ResultLine], tolerance: Double = 0.01, withSpeed: Bool = false) {
        var (rows, losses): ([Row], [Loss]) = ([], [])
        let (first, second) = (Self.byVariant(before), Self.byVariant(after))
        for (variant, lines) in first {
            guard let others = second.first(where: { $0.0 == variant })?.1 else { continue }
            losses += Self.losses(variant, lines, others)
            for metric in Self.metrics(lines, others, withSpeed) {
                let row = MetricPairs(metric, lines, others).row(variant, tolerance: tolerance)
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

    /// What either side speaks of: a percentile is gone when so many never came.
    private static func metrics(_ before: [ResultLine], _ after: [ResultLine], _ withSpeed: Bool) -> [String] {
        let names = Set(before.flatMap(\.metrics.keys)).union(after.flatMap(\.metrics.keys))
        return names.sorted() + (withSpeed ? speeds : [])
    }
}
