internal import Primitives
public import Simulator

/// What a run may take before it is stopped; none of it changes what happens before.
public struct RunLimits: Hashable, Sendable {
    public var virtual: Duration?
    public var wall: Duration?
    /// Bytes of resident memory of this process.
    public var memory: Int?

    public init(virtual: Duration? = nil, wall: Duration? = nil, memory: Int? = nil) {
        (self.virtual, self.wall, self.memory) = (virtual, wall, memory)
    }
}

/// How far a run is.
public struct RunProgress: Hashable, Sendable {
    public let virtual: Duration
    public let whole: Duration
    public let wall: Duration
}

/// Runs one scenario with one seed from its first event to its last.
public enum ScenarioRun {
    /// Real time between two looks at the limits.
    private static let lookEvery = Duration.milliseconds(200)

    /// Runs to the end or to a limit; `progress` is told a few times a second.
    public static func run(
        _ file: ScenarioFile,
        seed: UInt64,
        options: SimulationOptions = SimulationOptions(),
        limits: RunLimits = RunLimits(),
        programVersion: String,
        progress: (RunProgress) -> Void = { _ in }
    ) -> RunRecord {
        ProcessMemory.resetPeak()
        let base = ProcessMemory.resident
        let start = ContinuousClock.now
        var options = options
        options.virtualLimit = limits.virtual
        var simulation = Simulation(scenario: file.scenario, seed: seed, options: options)
        var slice = Duration.milliseconds(100)
        var before = start
        while !simulation.run(until: simulation.now.advanced(by: slice)) {
            let now = ContinuousClock.now
            progress(
                RunProgress(
                    virtual: Instant.zero.duration(to: simulation.now),
                    whole: file.scenario.duration,
                    wall: now - start
                )
            )
            if let wall = limits.wall, now - start >= wall { simulation.stop(.wallTime) }
            if let memory = limits.memory, ProcessMemory.resident > memory { simulation.stop(.memory) }
            // Large slices cost nothing and small ones look often: the middle is found by doubling and halving.
            let taken = now - before
            if taken < lookEvery / 2 { slice = min(slice * 2, .seconds(600)) }
            if taken > lookEvery * 2 { slice = max(slice / 2, .milliseconds(1)) }
            before = now
        }
        let result = simulation.finish()
        return RunRecord(
            file: file,
            result: result,
            programVersion: programVersion,
            wall: ContinuousClock.now - start,
            peakMemory: ProcessMemory.peak,
            baseMemory: base
        )
    }
}

/// What two runs of one scenario and seed differ in.
public enum Divergence: Hashable, Sendable {
    /// The first virtual second after which the traces are not equal.
    case trace(second: Int)
    /// The traces agree and what was measured does not.
    case result

    /// `nil`: the runs were one and the same.
    public static func between(_ first: RunResult, _ second: RunResult) -> Divergence? {
        let hashes = zip(first.traceHashes, second.traceHashes)
        if let index = hashes.enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset {
            return .trace(second: index)
        }
        guard first.traceHashes.count == second.traceHashes.count else {
            return .trace(second: min(first.traceHashes.count, second.traceHashes.count))
        }
        let isEqual =
            first.verdicts == second.verdicts && first.metrics == second.metrics && first.seconds == second.seconds
            && first.publications == second.publications && first.messageKinds == second.messageKinds
        return isEqual ? nil : .result
    }
}

extension [RunRecord] {
    /// The verdicts of some seeds together: what must happen sometimes passes for all of them if it did in one.
    ///
    /// One seed of several alone cannot tell: `isWhole` says whether these are all.
    public func judged(isWhole: Bool) -> [RunRecord] {
        let seen = Set(flatMap { $0.result.verdicts.filter { $0.isSometimes && $0.isPassed }.map(\.name) })
        return map { record in
            record.judging { verdict in
                guard verdict.isSometimes, !verdict.isPassed else { return verdict }
                if isWhole, !seen.contains(verdict.name) { return verdict }
                let words = isWhole ? "seen with another seed" : "other seeds may see it"
                return Verdict(name: verdict.name, isPassed: true, finding: "\(verdict.finding); \(words)")
            }
        }
    }
}

extension RunRecord {
    fileprivate func judging(_ judge: (Verdict) -> Verdict) -> RunRecord {
        var result = result
        result.verdicts = result.verdicts.map(judge)
        return RunRecord(
            file: file,
            result: result,
            programVersion: programVersion,
            wall: wall,
            peakMemory: peakMemory,
            baseMemory: baseMemory
        )
    }
}

extension Verdict {
    /// Whether one seed is enough.
    public var isSometimes: Bool { name.hasPrefix("sometimes: ") }
}
