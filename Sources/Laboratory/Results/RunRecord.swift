internal import Primitives
public import Simulator

/// One run and what only the shell knows of it: which file, which program, how long, how much memory.
public struct RunRecord: Sendable {
    public let file: ScenarioFile
    public let result: RunResult
    public let programVersion: String
    public let wall: Duration
    /// The most memory that the process held during the run, in bytes.
    public let peakMemory: Int
    /// What it held before the run.
    public let baseMemory: Int

    public init(
        file: ScenarioFile,
        result: RunResult,
        programVersion: String,
        wall: Duration,
        peakMemory: Int,
        baseMemory: Int
    ) {
        (self.file, self.result, self.programVersion) = (file, result, programVersion)
        (self.wall, self.peakMemory, self.baseMemory) = (wall, peakMemory, baseMemory)
    }

    /// Per second of real time; 0 for a run that took none.
    public func rate(_ count: Int) -> Double {
        let seconds = wall / .seconds(1)
        return seconds > 0 ? (Double(count) / seconds).rounded() : 0
    }

    public var bytesPerNode: Int { max(0, peakMemory - baseMemory) / max(1, result.nodeCount) }

    /// The line of `result.jsonl`, without its end.
    public var line: String {
        var pairs: [(String, JSONText)] = [
            ("scenario", .text(file.scenario.name)), ("seed", .unsigned(result.seed)),
            ("verdict", .text(Outcome(result).rawValue)),
        ]
        if let stopped = result.stopped { pairs.append(("stopped", .text(stopped.word))) }
        pairs += [
            ("scenario_sha256", .text(file.hash)), ("changes", .list(file.changes.map { .text($0.description) })),
            ("program_version", .text(programVersion)), ("trace_hash", .text(hexadecimal(result.traceHash))),
            ("fidelity", .text(result.fidelity.rawValue)), ("signatures_computed", .truth(result.computesSignatures)),
            ("nodes", .integer(result.nodeCount)), ("virtual_seconds", .number(result.virtualTime / .seconds(1))),
            ("verdicts", .list(result.verdicts.map(Self.json))),
            ("metrics", .object(result.metrics.map { ($0.name, .number($0.value)) })),
            ("messages", .integer(result.messageCount)), ("events", .integer(result.eventCount)),
            ("wall_seconds", .number(wall / .seconds(1))), ("peak_rss_bytes", .integer(peakMemory)),
            ("messages_per_second", .number(rate(result.messageCount))),
            ("events_per_second", .number(rate(result.eventCount))), ("bytes_per_node", .integer(bytesPerNode)),
            ("message_kinds", .list(result.messageKinds.prefix(10).map(Self.json))),
        ]
        return JSONText.object(pairs).line
    }

    private static func json(_ verdict: Verdict) -> JSONText {
        var pairs: [(String, JSONText)] = [
            ("name", .text(verdict.name)), ("passed", .truth(verdict.isPassed)), ("finding", .text(verdict.finding)),
        ]
        if let failure = verdict.failure {
            pairs.append(("failed_at_seconds", .number(Double(failure.at.nanoseconds) / 1e9)))
            if let node = failure.node { pairs.append(("failed_node", .integer(node))) }
        }
        return .object(pairs)
    }

    private static func json(_ total: MessageKindTotal) -> JSONText {
        .object([("kind", .text(total.kind)), ("count", .integer(total.count)), ("bytes", .integer(total.bytes))])
    }
}

/// What became of a run.
public enum Outcome: String, Hashable, Sendable {
    case passed, failed
    /// A limit ended it before anything that must always hold had failed.
    case stopped

    public init(_ result: RunResult) {
        switch result.stopped {
        case .virtualTime, .wallTime, .memory:
            // What must always hold and did not has failed, however the run went on.
            let hasFailed = result.verdicts.contains { !$0.isPassed && Invariant(rawValue: $0.name) != nil }
            self = hasFailed ? .failed : .stopped
        case .failure: self = .failed
        case nil: self = result.verdicts.allSatisfy(\.isPassed) ? .passed : .failed
        }
    }
}

extension EarlyStop {
    public var word: String {
        switch self {
        case .virtualTime: "virtual-time"
        case .wallTime: "wall-time"
        case .memory: "memory"
        case .failure: "failure"
        }
    }
}

/// Sixteen digits.
public func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
