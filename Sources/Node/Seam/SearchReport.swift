public import Identity
public import Market

/// Whom a search in segments that the node does not follow has asked, and how far they can be relied on.
public struct SearchReport: Hashable, Sendable {
    /// One peer that answered.
    public struct Replica: Hashable, Sendable {
        public let peer: PeerID
        /// Which of the segments it follows.
        public let segments: [Segment]
        public let recordCount: Int
        /// Offers that others have, that still stand, and that it did not show.
        public let omittedCount: Int
        /// Whether it left out nothing and answered all that it was asked.
        public let isGood: Bool

        public init(peer: PeerID, segments: [Segment], recordCount: Int, omittedCount: Int, isGood: Bool) {
            (self.peer, self.segments, self.isGood) = (peer, segments, isGood)
            (self.recordCount, self.omittedCount) = (recordCount, omittedCount)
        }
    }

    /// What was asked about, ascending; empty if the node follows all of it.
    public let segments: [Segment]
    /// In the order in which they were asked.
    public let replicas: [Replica]

    public init(segments: [Segment], replicas: [Replica]) {
        (self.segments, self.replicas) = (segments, replicas)
    }

    /// Segments for which fewer than three good replicas in distinct networks answered: whoever hides something may hide it there.
    public var weak: [Segment] {
        segments.filter { segment in
            replicas.count { $0.segments.contains(segment) && $0.isGood } < SegmentSearch.replicaCount
        }
    }
}
