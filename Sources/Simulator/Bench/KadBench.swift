/// Static Kademlia lookups: tables filled beforehand, no loss, nobody comes or goes.
///
/// Each node starts `lookupsPerNode` lookups of random targets, one a virtual minute from a phase of its own. A message is one delivered request or
/// answer.
public struct KadWorkload: Hashable, Sendable {
    public var nodeCount: Int
    public var lookupsPerNode = 10
    /// Contacts per bucket, contacts per answer, and how many of the nearest must have answered.
    public var k = 16
    /// Requests of a lookup that are out at a time.
    public var alpha = 3
    /// Nodes that never answer; they start no lookups.
    public var dead = Share.zero
    /// Nodes that answer only with the k of them nearest to the target; they start no lookups.
    public var malicious = Share.zero
    /// Whether every request sets a timer of two seconds that is never cancelled; with dead nodes it always does.
    public var hasTimers = false
    public var seed: UInt64

    public init(nodeCount: Int = 10_000, seed: UInt64 = 1) {
        self.nodeCount = nodeCount
        self.seed = seed
    }
}

extension Bench {
    /// Runs the lookups until nothing is under way.
    public static func kad(_ workload: KadWorkload) -> BenchResult {
        precondition(workload.nodeCount >= 2, "nobody to ask")
        precondition((1...Int(UInt16.max)).contains(workload.lookupsPerNode), "too few lookups, or too many")
        precondition(workload.dead.millionths + workload.malicious.millionths < 1_000_000, "nobody is left to look up")
        var run = KadRun(workload)
        return run.result()
    }
}
