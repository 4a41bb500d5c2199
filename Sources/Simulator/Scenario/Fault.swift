/// Something that breaks at an instant after the build-up.
public struct PlannedFault: Hashable, Sendable {
    public var at: Duration
    public var fault: Fault

    public init(at: Duration, fault: Fault) {
        self.at = at
        self.fault = fault
    }
}

public enum Fault: Hashable, Sendable {
    /// Nothing passes between a share of the nodes and the rest.
    case partition(split: Share, for: Duration)
    /// The share hears the rest, the rest does not hear the share.
    case onewayPartition(split: Share, for: Duration)
    /// Links stop one by one over `within`, stay so for `hold`, and come back one by one in another order (FoundationDB).
    case swizzle(links: Share, within: Duration, hold: Duration)
    /// Nodes end as kill −9 does and return after `down`; unsynced writes may be lost.
    case crash(Quota, losesUnsynced: Bool, down: Duration)
    /// Nodes go for good, without a word.
    case departure(Quota)
    /// So many new nodes arrive within a time.
    case flashCrowd(Quota, within: Duration)
    /// Every connection of a share of the nodes is cut.
    case disconnect(Quota)
    /// Delays are multiplied for a while.
    case slowLinks(Quota, factor: Int, for: Duration)
    /// The nodes' wall clocks jump; the monotonic ones do not.
    case clockStep(Quota, by: Duration)
    /// Every write of these nodes fails for a while.
    case diskFull(Quota, for: Duration)
    /// The nodes stand still and then catch up.
    case pause(Quota, for: Duration)
    /// Of a thousand sends so many arrive with one byte changed (`bytes` fidelity alone).
    case corrupt(perMille: Int, for: Duration)
}
