public import Simulator

/// Makes a failing scenario smaller, as long as it fails in the same way.
///
/// In this order: duration, kinds of fault, faults one by one, adversaries, churn and network, nodes. Every step is tried with the
/// given predicate and kept only if the scenario still fails, so the result is a scenario that fails, and no step of these makes it
/// smaller (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002, for the idea).
public struct Shrinker {
    /// As many runs as one shrinking may take.
    public static let runCountMax = 200
    /// A network below this has no mesh to speak of.
    public static let nodeCountMin = 2

    public private(set) var scenario: Scenario
    public private(set) var runCount = 0
    private let runLimit: Int
    private let fails: (Scenario) -> Bool
    private let note: (String) -> Void

    /// Begins with a scenario that is known to fail; `fails` runs one, `note` hears of every step that was kept.
    public init(
        _ scenario: Scenario,
        runLimit: Int = Shrinker.runCountMax,
        fails: @escaping (Scenario) -> Bool,
        note: @escaping (String) -> Void = { _ in }
    ) {
        (self.scenario, self.runLimit, self.fails, self.note) = (scenario, runLimit, fails, note)
    }

    /// Whether every run that was allowed has been made.
    public var isExhausted: Bool { runCount >= runLimit }

    /// Shrinks until nothing more can be left out or the runs are spent.
    public mutating func shrink(failingAt failure: Duration?) {
        if let failure { cut(to: failure) }
        shortenByHalves()
        dropFaultKinds()
        dropFaults()
        dropAdversaries()
        simplify()
        dropNodes()
        // Fewer nodes may fail sooner.
        shortenByHalves()
    }

    @discardableResult
    private mutating func attempt(_ words: String, _ change: (inout Scenario) -> Void) -> Bool {
        var smaller = scenario
        change(&smaller)
        guard smaller != scenario, !isExhausted else { return false }
        // What is left must be a file that can be read, and in which every word still does something.
        guard ScenarioSense.isSound(smaller) || !ScenarioSense.isSound(scenario) else { return false }
        runCount += 1
        guard fails(smaller) else { return false }
        scenario = smaller
        note(words)
        return true
    }

    private mutating func measure(_ length: Duration) -> Bool {
        attempt("measure \(Quantities.text(length))") { scenario in
            scenario.measured = length
            scenario.faults.removeAll { $0.at > length }
        }
    }

    /// Nothing after the failure matters: a second more than that is measured, in whole seconds.
    private mutating func cut(to failure: Duration) {
        let measured = failure - scenario.buildUp
        let seconds = max(1, measured.components.seconds + 1)
        if .seconds(seconds) < scenario.measured { _ = measure(.seconds(seconds)) }
    }

    private mutating func shortenByHalves() {
        while scenario.measured > .seconds(1) {
            let half = Duration.seconds(max(1, scenario.measured.components.seconds / 2))
            guard measure(half) else { break }
        }
        while scenario.buildUp >= .seconds(2) {
            let half = Duration.seconds(scenario.buildUp.components.seconds / 2)
            guard attempt("build-up \(Quantities.text(half))", { $0.buildUp = half }) else { break }
        }
    }

    private mutating func dropFaultKinds() {
        var kinds: [String] = []
        for planned in scenario.faults where !kinds.contains(planned.fault.kind) { kinds.append(planned.fault.kind) }
        for kind in kinds {
            attempt("without \(kind)") { $0.faults.removeAll { $0.fault.kind == kind } }
        }
    }

    private mutating func dropFaults() {
        for index in scenario.faults.indices.reversed() where scenario.faults.count > 1 {
            let words = ScenarioWriter.words(of: scenario.faults[index].fault)
            attempt("without the fault \(index + 1) (\(words))") { $0.faults.remove(at: index) }
        }
    }

    private mutating func dropAdversaries() {
        for index in scenario.adversaries.indices.reversed() {
            attempt("without the adversary \(index + 1)") { $0.adversaries.remove(at: index) }
        }
        for index in scenario.adversaries.indices {
            while let half = scenario.adversaries[index].quota.half {
                guard
                    attempt("adversary \(index + 1): \(Quantities.text(half))", { $0.adversaries[index].quota = half })
                else { break }
            }
        }
    }

    private mutating func simplify() {
        attempt("without churn") { $0.churn = nil }
        attempt("without clock skew") { $0.clocks = ClockPlan() }
        attempt("without loss") { $0.network.loss = .zero }
        attempt("without NAT") { $0.network.nat = NATMix() }
        attempt("without access lines") { ($0.network.upload, $0.network.download) = (nil, nil) }
        attempt("with one latency of 50ms, without jitter") { scenario in
            scenario.network.latency = .constant(.milliseconds(50))
            scenario.network.jitter = .zero
        }
        attempt("without leases") { scenario in
            scenario.workload.leases = nil
            scenario.expectations.removeAll { if case .leasesComplete = $0 { true } else { false } }
        }
        attempt("with nodes that hold all of the market") { scenario in
            scenario.workload.searches = nil
            scenario.expectations.removeAll { if case .searchesComplete = $0 { true } else { false } }
        }
        attempt("without lookups") { scenario in
            scenario.workload.lookups = nil
            scenario.expectations.removeAll { if case .lookupsSucceed = $0 { true } else { false } }
        }
        attempt("with one segment") { $0.workload.segmentCount = 1 }
        attempt("with one offer for each provider") { $0.workload.offersPerProvider = 1 }
        attempt("without changes of price") { ($0.workload.changeEvery, $0.workload.changesPerSecond) = (nil, nil) }
        // A rate of the whole network needs so many providers that nodes could not be left out.
        attempt("with a change of each provider every 20s") { scenario in
            guard scenario.workload.changesPerSecond != nil else { return }
            (scenario.workload.changeEvery, scenario.workload.changesPerSecond) = (.seconds(20), nil)
        }
    }

    /// Halves while that fails, then takes the smallest number between the last two.
    private mutating func dropNodes() {
        var low = Self.nodeCountMin - 1
        while scenario.nodeCount / 2 > low {
            let half = scenario.nodeCount / 2
            guard attempt("\(half) nodes", { $0.nodeCount = half }) else {
                low = half
                break
            }
        }
        while scenario.nodeCount - low > 1, !isExhausted {
            let middle = low + (scenario.nodeCount - low) / 2
            guard middle < scenario.nodeCount else { break }
            if !attempt("\(middle) nodes", { $0.nodeCount = middle }) { low = middle }
        }
    }
}

extension Quota {
    /// Half of it; `nil` if that is none or no less.
    fileprivate var half: Quota? {
        switch self {
        case .count(let count): count > 1 ? .count(count / 2) : nil
        case .share(let share):
            share.millionths >= 20_000 ? .share(Share(millionths: share.millionths / 20_000 * 10_000)) : nil
        }
    }
}

extension Fault {
    /// The word that the file uses.
    var kind: String {
        let words = ScenarioWriter.words(of: self)
        return String(words.prefix { $0 != "," })
    }
}
