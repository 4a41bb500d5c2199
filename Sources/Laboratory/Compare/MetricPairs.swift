/// One metric on both sides of a comparison, seed by seed.
struct MetricPairs {
    private let metric: String
    private let before: [(seed: UInt64, value: Double)]
    private let after: [(seed: UInt64, value: Double)]
    /// Whether both sides have runs of the same seeds: then they are compared in pairs, and the lists are as long.
    private let isPaired: Bool
    /// Whether a run has no value any more that the run of the same seed had.
    private let hasVanished: Bool

    init(_ metric: String, _ before: [ResultLine], _ after: [ResultLine]) {
        self.metric = metric
        let seeds = Set(before.map(\.seed)).intersection(after.map(\.seed))
        let old = Self.values(of: metric, in: before.filter { seeds.isEmpty || seeds.contains($0.seed) })
        let new = Self.values(of: metric, in: after.filter { seeds.isEmpty || seeds.contains($0.seed) })
        isPaired = !seeds.isEmpty
        guard isPaired else {
            (self.before, self.after) = (old, new)
            hasVanished = !old.isEmpty && new.isEmpty
            return
        }
        let (oldSeeds, newSeeds) = (Set(old.map(\.seed)), Set(new.map(\.seed)))
        hasVanished = !oldSeeds.isSubset(of: newSeeds)
        // Means speak of the pairs alone, or of the only side that there is.
        let hasPairs = !oldSeeds.isDisjoint(with: newSeeds)
        self.before = hasPairs ? old.filter { newSeeds.contains($0.seed) } : old
        self.after = hasPairs ? new.filter { oldSeeds.contains($0.seed) } : new
    }

    /// Ascending by seed; of several runs of one seed the first.
    private static func values(of metric: String, in lines: [ResultLine]) -> [(seed: UInt64, value: Double)] {
        var values: [(seed: UInt64, value: Double)] = []
        for line in lines where values.last?.seed != line.seed {
            if let value = line.value(of: metric) { values.append((line.seed, value)) }
        }
        return values
    }

    /// `nil` if neither side has a value.
    func row(_ variant: String, tolerance: Double) -> Comparison.Row? {
        guard let old = Self.mean(before) ?? Self.mean(after) else { return nil }
        var bootstrap = Bootstrap()
        let (first, second) = (before.map(\.value), after.map(\.value))
        let hasBoth = !first.isEmpty && !second.isEmpty
        let interval: Bootstrap.Interval? =
            if !hasBoth {
                nil
            } else if isPaired {
                bootstrap.paired(zip(first, second).map { $1 - $0 })
            } else {
                bootstrap.unpaired(first, second)
            }
        let isSmall = abs((Self.mean(after) ?? old) - old) <= tolerance * scale(of: old)
        let verdict: Comparison.Verdict =
            if hasVanished {
                .worse
            } else if !hasBoth {
                .changed
            } else if isSmall {
                .same
            } else if let interval {
                interval.low <= 0 && interval.high >= 0 ? .same : direction.verdict(rises: interval.low > 0)
            } else {
                fewVerdict(first, second, tolerance)
            }
        return Comparison.Row(
            variant: variant,
            metric: metric,
            before: Self.mean(before),
            after: Self.mean(after),
            low: interval?.low,
            high: interval?.high,
            verdict: verdict
        )
    }

    /// Too few seeds for an interval: pairs that all differ beyond the tolerance, and all the same way, tell all the same.
    private func fewVerdict(_ first: [Double], _ second: [Double], _ tolerance: Double) -> Comparison.Verdict {
        guard direction != .neither else { return .changed }
        guard isPaired, first.count > 1 else { return .unknown }
        let pairs = zip(first, second)
        let areAllBeyond = pairs.allSatisfy { abs($1 - $0) > tolerance * scale(of: $0) }
        let rises = pairs.allSatisfy { $1 > $0 }
        guard areAllBeyond, rises || pairs.allSatisfy({ $1 < $0 }) else { return .unknown }
        return direction.verdict(rises: rises)
    }

    /// What a difference is a share of: of a ratio near 1 what lacks to 1, for 99.9 % and 99 % are ten times as many misses.
    private func scale(of value: Double) -> Double {
        let isNearWhole = direction == .up && (0.5...1).contains(value) && MetricDirection.isShare(metric)
        return isNearWhole ? 1 - value : abs(value)
    }

    private var direction: MetricDirection { MetricDirection(metric) }

    private static func mean(_ values: [(seed: UInt64, value: Double)]) -> Double? {
        values.isEmpty ? nil : values.reduce(0) { $0 + $1.value } / Double(values.count)
    }
}

extension ResultLine {
    fileprivate func value(of metric: String) -> Double? {
        switch metric {
        case "messages_per_second": messagesPerSecond
        case "events_per_second": eventsPerSecond
        case "bytes_per_node": bytesPerNode
        default: metrics[metric] ?? nil
        }
    }
}

/// Which way a metric should go, told by its name.
enum MetricDirection {
    case up, down, neither

    private static let shares = ["_ratio", "_share", "_success", "closest_found", "coverage"]
    private static let better =
        shares + [
            "messages_per_second", "events_per_second", "lookups_found_total", "searches_complete_total",
            "leases_countersigned_total",
        ]
    private static let worse = [
        "_seconds", "_ms", "latency", "bytes_per_node", "bytes_total", "duplicates", "overhead", "misses", "lost",
        "requests_per_lookup", "hops", "lookup_failures",
    ]

    init(_ metric: String) {
        if Self.better.contains(where: { metric.hasSuffix($0) }) {
            self = .up
        } else {
            self = Self.worse.contains { metric.contains($0) } ? .down : .neither
        }
    }

    /// Whether it lies between 0 and 1.
    static func isShare(_ metric: String) -> Bool { shares.contains { metric.hasSuffix($0) } }

    func verdict(rises: Bool) -> Comparison.Verdict {
        switch self {
        case .up: rises ? .better : .worse
        case .down: rises ? .worse : .better
        case .neither: .changed
        }
    }
}
