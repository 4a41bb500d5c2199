/// What one exact workload showed; a pure function of its arguments and the seed.
///
/// The shell adds what is not: wall time, messages per second, memory.
public struct BenchResult: Hashable, Sendable {
    public enum Workload: String, Hashable, Sendable, CaseIterable {
        case kad, cast
    }

    public var workload: Workload
    public var nodeCount: Int
    public var seed: UInt64
    public var virtualTime: Duration
    /// Everything that the queue held: messages, starts, timers.
    public var eventCount = 0
    /// What was delivered.
    public var messageCount = 0
    public var traceHash: UInt64 = 0
    /// Over lookups (KAD), or first deliveries (CAST).
    public var latencyP50 = Duration.zero
    public var latencyP99 = Duration.zero
    /// What only one of the workloads measures, by stable snake_case name, in the order of the report.
    ///
    /// KAD: `hops_mean`, `requests_per_lookup`, `closest_found` and `lookups_done` (shares and a count).
    /// CAST: `messages_per_publication`, `coverage`.
    public var measures: [Metric] = []

    public init(workload: Workload, nodeCount: Int, seed: UInt64, virtualTime: Duration = .zero) {
        self.workload = workload
        self.nodeCount = nodeCount
        self.seed = seed
        self.virtualTime = virtualTime
    }

    /// Everything as one line's names and values.
    public var metrics: [Metric] {
        [
            Metric("nodes", Double(nodeCount)),
            Metric("virtual_seconds", Double(virtualTime.components.seconds)),
            Metric("events", Double(eventCount)),
            Metric("messages", Double(messageCount)),
            Metric("latency_ms_p50", latencyP50 / .milliseconds(1)),
            Metric("latency_ms_p99", latencyP99 / .milliseconds(1)),
        ] + measures
    }

    /// The value of a measure.
    public subscript(name: String) -> Double? {
        metrics.first { $0.name == name }?.value
    }
}
