public import Cryptography
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

    /// A provider whose bid was accepted, and why no lease came of it.
    public struct Attempt: Hashable, Sendable {
        public enum Answer: Hashable, Sendable {
            case bid(BidFailure)
            /// The bid that accepts could not be placed.
            case notPlaced(NodeFailure)
        }

        public let provider: Ed25519.PublicKey
        public let answer: Answer

        public init(provider: Ed25519.PublicKey, answer: Answer) {
            (self.provider, self.answer) = (provider, answer)
        }
    }

    /// What there was when a request ended without a lease.
    public struct Shortage: Hashable, Sendable {
        /// Offers of the market that had what was asked, whatever they cost.
        public let offerCount: Int
        public let bidCount: Int
        /// Bids that could be accepted.
        public let fittingCount: Int
        /// Why the best of the others could not.
        public let shortfall: RequestChoice.Shortfall?

        public init(offerCount: Int, bidCount: Int, fittingCount: Int, shortfall: RequestChoice.Shortfall?) {
            (self.offerCount, self.bidCount) = (offerCount, bidCount)
            (self.fittingCount, self.shortfall) = (fittingCount, shortfall)
        }
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
    /// Who did not keep its word, in order; of many the last.
    public let attempts: [Attempt]
    /// `nil` unless it failed.
    public let shortage: Shortage?

    public init(
        request: RequestID,
        record: SignedRecord?,
        isAutomatic: Bool,
        deadline: Int64,
        outcome: Outcome,
        candidates: [RequestChoice.Candidate],
        attempts: [Attempt] = [],
        shortage: Shortage? = nil
    ) {
        (self.request, self.record, self.isAutomatic) = (request, record, isAutomatic)
        (self.deadline, self.outcome, self.candidates) = (deadline, outcome, candidates)
        (self.attempts, self.shortage) = (attempts, shortage)
    }
}
