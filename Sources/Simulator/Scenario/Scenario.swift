/// One experiment: how many nodes, on what network, who comes and goes, what breaks, who attacks, and what must hold.
///
/// A value without behaviour: a run is a pure function of it, the seed, and the version of the program.
public struct Scenario: Hashable, Sendable {
    /// Lower-case letters, digits and hyphens; the file's name.
    public var name: String
    /// One sentence: what the scenario proves.
    public var purpose: String
    public var nodeCount: Int
    /// Nodes start one after another over this time; nothing is measured.
    public var buildUp: Duration
    /// The time that the metrics and verdicts speak of.
    public var measured: Duration
    public var fidelity: Fidelity
    public var network: NetworkPlan
    /// `nil`: the node's own water marks.
    public var connections: ConnectionPlan?
    /// `nil`: nodes are told of others when they start.
    public var discovery: DiscoveryPlan?
    /// `nil`: nobody comes or goes but by faults.
    public var churn: ChurnPlan?
    public var workload: WorkloadPlan
    public var clocks: ClockPlan
    public var faults: [PlannedFault]
    public var adversaries: [AdversaryPlan]
    public var always: [Invariant]
    public var expectations: [Expectation]
    public var seeds: [UInt64]

    public init(name: String, purpose: String, nodeCount: Int, buildUp: Duration, measured: Duration) {
        self.name = name
        self.purpose = purpose
        self.nodeCount = nodeCount
        self.buildUp = buildUp
        self.measured = measured
        fidelity = .messages
        network = NetworkPlan()
        workload = WorkloadPlan()
        clocks = ClockPlan()
        faults = []
        adversaries = []
        always = Invariant.allCases
        expectations = []
        seeds = [1, 2]
    }

    /// When the run ends.
    public var duration: Duration { buildUp + measured }
}

/// How much of the wire the simulation computes; every result names it.
public enum Fidelity: String, Hashable, Sendable, CaseIterable {
    /// Typed gossip messages are delivered; other streams carry bytes. The fastest.
    case messages
    /// Every message is encoded and decoded.
    case frames
    /// The real multistream, Noise and Yamux run over a virtual byte pipe. Exact.
    case bytes
}

/// A share of a whole in millionths, so that no rounding of a floating-point number can steer a run.
public struct Share: Hashable, Comparable, Sendable {
    /// From 0 to 1,000,000.
    public let millionths: Int

    public static let zero = Share(millionths: 0)
    public static let all = Share(millionths: 1_000_000)

    public init(millionths: Int) {
        precondition((0...1_000_000).contains(millionths), "a share lies between none and all")
        self.millionths = millionths
    }

    public init(percent: Int) {
        self.init(millionths: percent * 10_000)
    }

    /// That share of `count`, rounded down.
    public func of(_ count: Int) -> Int { count * millionths / 1_000_000 }

    public static func < (left: Share, right: Share) -> Bool { left.millionths < right.millionths }
}

/// How many: a number, or a share of all nodes.
public enum Quota: Hashable, Sendable {
    case count(Int)
    case share(Share)

    public func of(_ total: Int) -> Int {
        switch self {
        case .count(let count): min(count, total)
        case .share(let share): share.of(total)
        }
    }
}
