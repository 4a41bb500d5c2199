public import Primitives

/// What became of the lookups of honest nodes: those of the workload are judged, those that nodes need themselves are told of.
public struct LookupLedger: Sendable {
    private let measuredFrom: Instant
    private let keepsSamples: Bool
    public private(set) var samples: [LookupSample] = []
    /// Of the workload's, in the measured time.
    public private(set) var count = 0
    public private(set) var foundCount = 0
    public private(set) var hopCount = 0
    public private(set) var requestCount = 0
    public private(set) var failureCount = 0
    public private(set) var firstMiss: (at: Instant, node: Int)?
    private(set) var lengths = LatencyHistogram()
    /// Of nodes' own.
    public private(set) var ownCount = 0

    init(measuredFrom: Instant, keepsSamples: Bool) {
        (self.measuredFrom, self.keepsSamples) = (measuredFrom, keepsSamples)
    }

    mutating func note(_ sample: LookupSample) {
        if keepsSamples { samples.append(sample) }
        guard sample.isAsked else {
            ownCount += 1
            return
        }
        guard sample.at >= measuredFrom else { return }
        count += 1
        hopCount += sample.hops
        requestCount += sample.requestCount
        failureCount += sample.failureCount
        lengths.add(microseconds: UInt32(clamping: sample.lasted.saturatedNanoseconds / 1_000))
        if sample.isFound { foundCount += 1 } else if firstMiss == nil { firstMiss = (sample.at, sample.node) }
    }

    var metrics: [Metric] {
        guard count > 0 else { return [] }
        var metrics = [
            Metric("lookups_total", Double(count)), Metric("lookups_found_total", Double(foundCount)),
            Metric("lookup_hops_mean", Double(hopCount) / Double(count)),
            Metric("lookup_requests_mean", Double(requestCount) / Double(count)),
            Metric("lookup_failures_mean", Double(failureCount) / Double(count)),
        ]
        for (name, percentile) in [("p50", 5_000), ("p99", 9_900)] {
            if let length = lengths.percentile(percentile) {
                metrics.append(Metric("lookup_\(name)_seconds", length / .seconds(1)))
            }
        }
        metrics.append(Metric("own_lookups_total", Double(ownCount)))
        return metrics
    }
}
