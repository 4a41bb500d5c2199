/// How often something took how long: counts by upper bound, as Prometheus histograms have them.
public struct Histogram: Hashable, Sendable {
    /// Upper bounds in seconds, ascending; what is longer than the last is counted behind it.
    public let bounds: [Double]
    /// One count for each bound, and one for what is longer than all of them.
    public private(set) var counts: [UInt64]
    /// Of everything that was counted.
    public private(set) var total = Duration.zero

    public init(bounds: [Double]) {
        precondition(!bounds.isEmpty && zip(bounds, bounds.dropFirst()).allSatisfy(<), "bounds ascend")
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// A negative span, which only a clock that was set back can make, counts as none.
    public mutating func count(_ duration: Duration) {
        let span = max(duration, .zero)
        total += span
        let seconds = span / .seconds(1)
        counts[bounds.firstIndex { seconds <= $0 } ?? bounds.count] += 1
    }
}
