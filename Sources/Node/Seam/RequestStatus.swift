public import Market

/// A request of this node, what was bid on it, and what became of it.
public struct RequestStatus: Sendable {
    public enum Outcome: Hashable, Sendable {
        /// Bids are taken, or the best is being accepted.
        case open
        case leased(LeaseID)
        /// Nobody's bid came to a lease.
        case failed
        case withdrawn
    }

    public let request: RequestID
    /// As it was published; `nil` until then, and once nobody holds it any more.
    public let record: SignedRecord?
    public let isAutomatic: Bool
    /// Milliseconds since the Unix epoch.
    public let deadline: Int64
    public let outcome: Outcome
    /// The best first, those that fall short behind.
    public let candidates: [RequestChoice.Candidate]

    public init(
        request: RequestID,
        record: SignedRecord?,
        isAutomatic: Bool,
        deadline: Int64,
        outcome: Outcome,
        candidates: [RequestChoice.Candidate]
    ) {
        (self.request, self.record, self.isAutomatic) = (request, record, isAutomatic)
        (self.deadline, self.outcome, self.candidates) = (deadline, outcome, candidates)
    }
}
