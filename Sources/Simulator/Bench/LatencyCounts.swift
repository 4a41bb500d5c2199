/// How often each delay was seen, to ten microseconds: percentiles of any number of samples in bounded space.
struct LatencyCounts: Sendable {
    private static let stepNanoseconds: Int64 = 10_000
    /// A minute; what lasts longer counts as that.
    private static let stepsMax = 6_000_000

    private var counts: [UInt32] = []
    private(set) var total = 0

    mutating func add(nanoseconds: Int64) {
        let step = min(max(0, Int(nanoseconds / Self.stepNanoseconds)), Self.stepsMax)
        if step >= counts.count { counts.append(contentsOf: repeatElement(0, count: step + 1 - counts.count)) }
        counts[step] += 1
        total += 1
    }

    /// The least delay that this share of the samples does not exceed; zero without samples.
    func percentile(_ share: Share) -> Duration {
        let rank = max(1, (total * share.millionths + 999_999) / 1_000_000)
        var seen = 0
        for (step, count) in counts.enumerated() {
            seen += Int(count)
            if seen >= rank { return .nanoseconds(Int64(step) * Self.stepNanoseconds) }
        }
        return .zero
    }
}
