/// The water marks of the connections of honest nodes: above the high one they let go of some, down to the low one.
///
/// Only at `bytes` do nodes count connections.
public struct ConnectionPlan: Hashable, Sendable {
    public var lowWater: Int
    public var highWater: Int

    public init(lowWater: Int, highWater: Int) {
        precondition(0 < lowWater && lowWater <= highWater, "some connections are kept, and some are too many")
        (self.lowWater, self.highWater) = (lowWater, highWater)
    }
}
