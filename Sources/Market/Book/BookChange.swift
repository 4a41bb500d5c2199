public import Cryptography

/// The lowest sequence that a subject no longer accepts, kept after its record has gone.
public struct SubjectFloor: Hashable, Sendable {
    public let subject: SubjectKey
    /// Records up to and including this sequence are stale; of a conflict, the disputed sequence.
    public let sequence: UInt64
    /// Milliseconds since the Unix epoch.
    public let until: Int64

    public init(subject: SubjectKey, sequence: UInt64, until: Int64) {
        self.subject = subject
        self.sequence = sequence
        self.until = until
    }
}

/// What happened to the book in one step, in order.
public enum BookChange: Sendable {
    /// To be stored; whoever restores it gives `receivedAt` back.
    case store(SignedRecord, receivedAt: Int64)
    case remove(RecordID)
    case floor(SubjectFloor)
    case dropFloor(SubjectKey)
    case listing(ListingChange)
    /// Two bodies of one sequence, or two leases of one slot and past, met here: publish
    /// `RecordBook.unpublishedStatement(over:)` after 0–10 s unless somebody's is heard.
    case conflictFound(SubjectKey)
    /// A presence and our offers of its provider disagree: fetch them; nothing is hidden.
    case offersMissing(provider: Ed25519.PublicKey, marketClass: MarketClass)
}

/// What happened to one row of the market; rows that go carry their last state.
public enum ListingChange: Sendable {
    case appeared(Listing)
    case changed(Listing)
    /// Not heard of for 15 minutes.
    case silent(Listing)
    /// Its provider said goodbye, or nobody vouched for it for 30 minutes.
    case gone(Listing)
    case withdrawn(Listing, reason: Int)
    case expired(Listing)
    /// A conflict hides it, or a proof against its provider.
    case hidden(Listing)
    /// A limit pushed it out.
    case evicted(Listing)

    public var listing: Listing {
        switch self {
        case .appeared(let listing), .changed(let listing), .silent(let listing), .gone(let listing),
            .withdrawn(let listing, _), .expired(let listing), .hidden(let listing), .evicted(let listing):
            listing
        }
    }
}

/// What the book made of a record whose signatures hold.
public enum Admission: Hashable, Sendable {
    case admitted
    /// Refused, or kept without being passed on.
    case dismissed(RecordDismissal)
}
