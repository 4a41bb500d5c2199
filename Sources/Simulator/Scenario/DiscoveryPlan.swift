/// Nodes find each other by themselves: each is told of the seeds alone, and the hash table, the rendezvous and the company do the rest.
///
/// Without a plan every node begins with contacts that are drawn for it, which stand for what all that would give it.
public struct DiscoveryPlan: Hashable, Sendable {
    /// The first so many nodes are the addresses that everybody knows.
    public var seedCount = 1

    public init() {}
}
