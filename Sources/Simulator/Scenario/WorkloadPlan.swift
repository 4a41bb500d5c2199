/// What the honest nodes do.
public struct WorkloadPlan: Hashable, Sendable {
    /// How many nodes offer GPUs.
    public var providers = Quota.share(Share(percent: 30))
    public var offersPerProvider = 1
    /// How long after `up` a provider publishes; each draws its own.
    public var publishWithin = Duration.seconds(10)
    /// A provider changes the price of one offer this often, on average; `nil`: never.
    public var changeEvery: Duration?
    /// Price changes per second of the whole network, spread over all providers; in place of `changeEvery`.
    public var changesPerSecond: Int?
    /// Segments that the offers are spread over, and that every node follows, from 1 to 16.
    public var segmentCount = 1

    public init() {}
}

/// How wrong the nodes' clocks are.
public struct ClockPlan: Hashable, Sendable {
    /// Each node's wall clock is off by a constant, drawn from ± this.
    public var skew = Duration.zero

    public init() {}
}
