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
    /// Who rents, how often, and for how long; `nil`: nobody.
    public var leases: LeasePlan?
    /// Which part of the market nodes hold, and how they search the rest; `nil`: everybody holds all of it.
    public var searches: SearchPlan?
    /// What nodes look up in the hash table, and how often; `nil`: only what they need themselves.
    public var lookups: LookupPlan?

    /// Peers pass on no more than one word every ten seconds on one subject for long, so no provider says more at the common rate.
    public static let changeRest = Duration.seconds(10)

    public init() {}
}

/// What nodes do that hold a part of the market each.
public struct SearchPlan: Hashable, Sendable {
    /// Segments of each node's interest, drawn; one of custody and those of its own offers come on top.
    public var followed = 2
    /// Each honest node searches this often, on average, in one segment.
    public var every = Duration.seconds(60)

    public init() {}
}

/// What honest nodes look up in the hash table, so that it can be judged.
public struct LookupPlan: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Where another node is.
        case findPeer = "find-peer"
        /// Who is nearest to a random key.
        case closest
        /// First one node says that it provides a key of its own, then another looks for whoever does.
        case providers
        /// Where a provider says that it is, and what it has.
        case storefront
    }

    /// So many a second in the whole network, each by a node that is drawn.
    public var perSecond = 1
    /// Drawn evenly.
    public var kinds = Kind.allCases

    public init() {}
}

/// What the renters among the honest nodes do.
public struct LeasePlan: Hashable, Sendable {
    /// How many nodes bid; none of them offers anything.
    public var renters = Quota.share(Share(percent: 30))
    /// Each bids this often, on average, on an offer that it sees free.
    public var every = Duration.seconds(120)
    /// How long the leases last that it bids for.
    public var lasting = Duration.seconds(120)
    /// How often usage is told and paid.
    public var meterEvery = Duration.seconds(20)

    public init() {}
}

/// How wrong the nodes' clocks are.
public struct ClockPlan: Hashable, Sendable {
    /// Each node's wall clock is off by a constant, drawn from ± this.
    public var skew = Duration.zero

    public init() {}
}
