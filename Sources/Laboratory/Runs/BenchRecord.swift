internal import Primitives
public import Simulator

/// One timed workload and what only the shell knows of it.
public struct BenchRecord: Sendable {
    public let result: BenchResult
    public let wall: Duration
    public let peakMemory: Int
    public let baseMemory: Int

    /// Runs a workload and measures it.
    public static func measure(_ workload: () -> BenchResult) -> BenchRecord {
        ProcessMemory.resetPeak()
        let base = ProcessMemory.resident
        let start = ContinuousClock.now
        let result = workload()
        return BenchRecord(
            result: result,
            wall: ContinuousClock.now - start,
            peakMemory: ProcessMemory.peak,
            baseMemory: base
        )
    }

    /// One line of JSON.
    public func line(programVersion: String) -> String {
        let seconds = max(wall / .seconds(1), 1e-9)
        var pairs: [(String, JSONText)] = [
            ("workload", .text(result.workload.rawValue)), ("seed", .unsigned(result.seed)),
        ]
        pairs += result.metrics.map { ($0.name, .number($0.value)) }
        pairs += [
            ("trace_hash", .text(hexadecimal(result.traceHash))), ("program_version", .text(programVersion)),
            ("wall_seconds", .number(seconds)),
            ("messages_per_second", .number((Double(result.messageCount) / seconds).rounded())),
            ("events_per_second", .number((Double(result.eventCount) / seconds).rounded())),
            ("peak_rss_bytes", .integer(peakMemory)),
            ("bytes_per_node", .integer(max(0, peakMemory - baseMemory) / max(1, result.nodeCount))),
        ]
        return JSONText.object(pairs).line
    }
}
