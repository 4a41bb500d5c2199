import Foundation

/// What hours under load have shown, sentence by sentence.
struct SoakVerdict {
    struct Finding {
        enum Subject: String {
            case memory, descriptors, threads, deliveries, pace, processes, commands, agreement
        }

        let subject: Subject
        let isGood: Bool
        let words: String
    }

    /// Growth beyond the settling time that is still called flat.
    private static let memoryGrowth = (share: 0.05, floor: 2.0 * 1_048_576)
    private static let descriptorGrowth = 2.0
    private static let threadGrowth = 1.0
    private static let deliveryMillisecondsMax = 1_000.0
    private static let paceMin = 0.95

    private(set) var findings: [Finding] = []

    var isGood: Bool { findings.allSatisfy(\.isGood) }

    var text: String {
        findings.map { "\($0.isGood ? "good " : "WRONG")  \($0.subject.rawValue): \($0.words)\n" }.joined()
    }

    private mutating func find(_ subject: Finding.Subject, _ isGood: Bool, _ words: String) {
        findings.append(Finding(subject: subject, isGood: isGood, words: words))
    }

    /// Judges what has been seen so far; `second` is how long the load has lasted.
    init(_ record: SoakRecord, plan: SoakPlan, second: Double) {
        let settled = plan.settling / .seconds(1)
        let samples = record.samples.filter { !$0.isRestless && $0.second >= settled }
        judge(samples, .memory, in: " MiB", scale: 1 / 1_048_576, Self.memoryGrowth) {
            Double($0.facts.residentByteCount)
        }
        judge(samples, .descriptors, (0, Self.descriptorGrowth)) { Double($0.facts.descriptorCount) }
        judge(samples, .threads, (0, Self.threadGrowth)) { Double($0.facts.threadCount) }
        judgeDeliveries(record.deliveries)
        let pace = Double(record.publishedCount) / max(second, 1)
        find(.pace, pace >= plan.rate * Self.paceMin, String(format: "%.1f of %.0f records a second", pace, plan.rate))
        find(.processes, record.ended.isEmpty, record.ended.isEmpty ? "all live" : record.ended.joined(separator: "; "))
        let failures = record.failures.first.map { "\(record.failures.count) failed, the first: \($0)" }
        find(.commands, failures == nil, failures ?? "none failed")
    }

    private mutating func judge(
        _ samples: [SoakSample],
        _ subject: Finding.Subject,
        in unit: String = "",
        scale: Double = 1,
        _ allowance: (share: Double, floor: Double),
        _ value: (SoakSample) -> Double
    ) {
        let trends = Dictionary(grouping: samples, by: \.node).sorted { $0.key < $1.key }.compactMap { node, samples in
            SteadyTrend(samples.map { ($0.second, value($0)) }).map { (node: node, trend: $0) }
        }
        guard let worst = trends.max(by: { $0.trend.growth < $1.trend.growth }) else {
            return find(subject, false, "too few samples behind the settling time")
        }
        let level = median(trends.map(\.trend.level)) * scale
        find(
            subject,
            trends.allSatisfy { $0.trend.isFlat(share: allowance.share, floor: allowance.floor) },
            String(
                format: "%.1f%@, steepest at node %d: %+.2f%@ in %.2f h",
                level,
                unit,
                worst.node,
                worst.trend.growth * scale,
                unit,
                worst.trend.hours
            )
        )
    }

    private mutating func judgeDeliveries(_ deliveries: [SoakDelivery]) {
        let times = deliveries.compactMap(\.milliseconds).sorted()
        let lostCount = deliveries.count - times.count
        guard !times.isEmpty else { return find(.deliveries, false, "none arrived of \(deliveries.count)") }
        let (middle, high) = (times[times.count / 2], times[min(times.count - 1, times.count * 99 / 100)])
        find(
            .deliveries,
            lostCount == 0 && high <= Self.deliveryMillisecondsMax,
            String(
                format: "%d timed, %d lost, half within %.0f ms, 99 %% within %.0f ms, slowest %.0f ms",
                deliveries.count,
                lostCount,
                middle,
                high,
                times[times.count - 1]
            )
        )
    }

    /// Whether in the end all nodes know the same market.
    mutating func addAgreement(_ differences: Int, after duration: Duration, offerCount: Int, nodeCount: Int) {
        find(
            .agreement,
            differences == 0,
            "\(offerCount) offers at \(nodeCount) nodes, \(differences) differences "
                + "\(duration.components.seconds) s after the last change"
        )
    }
}

/// What a soak has seen.
struct SoakRecord {
    var samples: [SoakSample] = []
    var deliveries: [SoakDelivery] = []
    var publishedCount = 0
    var failures: [String] = []
    /// Processes that ended by themselves.
    var ended: [String] = []
}
