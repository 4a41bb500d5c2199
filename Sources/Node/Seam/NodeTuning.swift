public import Swarm

/// What an operator may change while the node runs.
public struct NodeTuning: Hashable, Sendable {
    /// Beside the bans that the node keeps itself.
    public var banned: [Ban] = []
    /// Whom no ban meets.
    public var allowed: [BanTarget] = []
    /// Down to so many connections a trim goes.
    public var connectionsLow = ConnectionTrimmingConfig().lowWater
    /// Above so many connections a trim happens.
    public var connectionsHigh = ConnectionTrimmingConfig().highWater

    public init() {}

    var isSensible: Bool { connectionsLow >= 0 && connectionsLow <= connectionsHigh }
}
