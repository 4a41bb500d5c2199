/// What must hold after every step of every run.
public enum Invariant: String, Hashable, Sendable, CaseIterable {
    /// Every machine's own `checkInvariants`: tables, queues and meshes within their limits.
    case bounded
    /// No honest book holds a record that is unsigned, expired, early or below its floor.
    case validRecords = "valid-records"
    /// A sequence that a node signed is never signed again, whatever crashed.
    case risingSequences = "rising-sequences"
    /// No honest node graylists an honest node.
    case noHonestGraylist = "no-honest-graylist"
    /// What is counted as delivered is in the receiver's book.
    case honestCounts = "honest-counts"
    /// No honest provider leases a device to two at a time, or makes two leases of one past.
    case noDoubleLease = "no-double-lease"
    /// Nobody holds a proof against an honest node.
    case noHonestProof = "no-honest-proof"
    /// No lease ends with more unpaid than its exposure limit and the interval in which that was found.
    case exposureBounded = "exposure-bounded"
}

/// A verdict that a run gives at its end.
public enum Expectation: Hashable, Sendable {
    /// At least `share` of (honest publication, honest node that was up throughout) pairs, each within `within`.
    case delivery(atLeast: Share, within: Duration)
    /// At `percentile` (in hundredths of a percent) a publication reaches a node within `within`.
    case latency(percentile: Int, within: Duration)
    /// After the last fault has ended, all honest live nodes hold equal sets within this.
    case equalSets(within: Duration)
    /// At the end every honest live node knows all live offers of honest live providers.
    case completeListings
    /// Bytes received by a node over those of one copy of everything; in hundredths.
    case overhead(atMostHundredths: Int)
    /// Of the adversaries, so many are graylisted by the honest peers that they are connected with, or have none, at the end.
    case contained(atLeast: Share)
    /// Nodes know of all conflicts (equivocations) within this.
    case conflictsKnown(within: Duration)
    /// Of the honest nodes, so many hold a proof against each double-booker within this.
    case proofsKnown(to: Share, within: Duration)
    /// Of the leases that ended, both parties up and settled since, so many have a countersigned receipt.
    case leasesComplete(atLeast: Share)
    /// Of the searches in segments that the searcher does not follow, so many show all that honest providers offer there.
    case searchesComplete(atLeast: Share)
    /// Of the workload's lookups, so many bring what is there to be found.
    case lookupsSucceed(atLeast: Share)
    /// Of all seconds of all honest nodes, in so many a node is connected with an honest one that it was not told of at its start.
    case honestCompany(atLeast: Share)
    /// No honest node dials a host to which reflectors send it more often within any minute.
    case reflectedDials(atMostPerMinute: Int)
    /// Something must have happened at least once over all seeds: the scenario exercises what it claims to.
    case sometimes(Occurrence)

    /// Sets are compared as of so long ago, for news takes time to travel: they are never equal sooner.
    public static let equalSetsAge = Duration.seconds(5)
}

/// What a sweep must have seen at least once.
public enum Occurrence: String, Hashable, Sendable, CaseIterable {
    case reconnection, conflict, storeFailure = "store-failure", redelivery, refusal, misbehaviour, restart
}
