internal import Node
public import Primitives

/// What searches in segments that the searcher does not follow have shown.
public struct SearchLedger: Sendable {
    /// Those that had something to show.
    public private(set) var count = 0
    /// Those of them that showed all of it.
    public private(set) var completeCount = 0
    public private(set) var offerCount = 0
    public private(set) var replicaCount = 0
    /// Replicas that were found to have left something out.
    public private(set) var omitterCount = 0
    public private(set) var firstMiss: (at: Instant, node: Int)?

    mutating func note(offered: Int, missing: Int, _ report: SearchReport?, node: Int, at now: Instant) {
        replicaCount += report?.replicas.count ?? 0
        omitterCount += report?.replicas.count { $0.omittedCount > 0 } ?? 0
        guard offered > 0 else { return }
        count += 1
        offerCount += offered
        if missing == 0 { completeCount += 1 } else if firstMiss == nil { firstMiss = (now, node) }
    }
}
