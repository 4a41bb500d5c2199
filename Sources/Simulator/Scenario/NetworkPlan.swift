/// What lies between the nodes.
public struct NetworkPlan: Hashable, Sendable {
    public var latency = LatencyPlan.regions
    /// Each delay is multiplied by a factor drawn from 1 ± jitter.
    public var jitter = Share(percent: 10)
    /// Of all sends, how many are lost; below TCP a loss is a stall of one retransmission timeout, never a gap.
    public var loss = Share.zero
    /// Bits per second of each node's access line; `nil`: unlimited.
    public var upload: Int?
    public var download: Int?
    public var nat = NATMix()

    public init() {}
}

/// Where delays come from; one way, half the round trip.
public enum LatencyPlan: Hashable, Sendable {
    case constant(Duration)
    case uniform(Duration, Duration)
    /// Eight regions of the world, two-dimensional coordinates, lognormal access delay; mean round trip about 150 ms.
    case regions
    /// Points on a square of this side, whose distance is the delay, plus an access delay.
    case coordinates(side: Duration, access: Duration)
    /// A measured matrix of round trips; nodes are dealt its rows in turn.
    case matrix(LatencyMatrix)
}

/// Round trips between places, row by row.
public struct LatencyMatrix: Hashable, Sendable {
    public let placeCount: Int
    /// `placeCount²` round trips.
    public let roundTrips: [Duration]

    public init?(placeCount: Int, roundTrips: [Duration]) {
        guard placeCount > 0, roundTrips.count == placeCount * placeCount else { return nil }
        self.placeCount = placeCount
        self.roundTrips = roundTrips
    }
}

/// Who can be dialled by whom; the shares are of all nodes, the rest is open.
public struct NATMix: Hashable, Sendable {
    /// Accepts whoever it has dialled before.
    public var restricted = Share.zero
    /// Accepts nobody.
    public var symmetric = Share.zero

    public init() {}
}
