public import Cryptography
internal import Primitives
internal import Reconciliation

public struct RecordBookConfig: Hashable, Sendable {
    /// A segment's envelopes, in bytes.
    public var segmentByteCountMax = 512 << 20
    /// Everything the book keeps, in bytes of memory as `RecordBook.memoryByteCount` counts them.
    ///
    /// A guess: half of what a 4 GiB machine can give.
    public var memoryByteCountMax = 2 << 30
    /// Floors, over all authors: about 200 MB at worst.
    public var floorCountMax = 1_000_000
    /// Claims of one provider: its share of leases with four slots each.
    public var claimsPerProviderMax = 16_384
    /// Claims of all providers: about 200 MB at worst, and eight times what the largest market has.
    public var claimCountMax = 1_000_000
    /// Providers whom two leases betray and nobody's proof does yet.
    public var clashCountMax = 4_096
    /// Segments whose records a conflict may bring along; `nil` for all.
    public var followedSegments: Set<Segment>?

    public init() {}
}

/// Everything that the market has said and that still counts: one record for each subject, and the rows that they make.
///
/// What is held follows from the records alone, not from their order of arrival, so that two honest books that saw the same
/// records are equal. The book is given verified records and wall time (milliseconds since the Unix epoch) and
/// says what changed; it keeps no clock. Every step costs O(log n) plus at most the 64 offers of one author and class.
public struct RecordBook: Sendable {
    /// Live subjects of one author, kind and class, for the kinds that live a day; leases and what follows them have more
    /// (`RecordKind.subjectsPerGroupMax`).
    public static let subjectsPerGroupMax = 64
    /// Floors of one author: a guess at what it leaves behind in 25 hours of honest churn.
    public static let floorsPerAuthorMax = 256
    /// A floor outlives what it guards against by an hour.
    static let floorSlackMilliseconds: Int64 = 3_600_000
    /// An estimate of what a record costs besides its envelope: its parsed form and its places in the indexes.
    static let recordOverheadByteCount = 1_600
    static let floorOverheadByteCount = 200
    /// Subjects that one call of `expire` looks at, so that a burst of expiries cannot hold up the node.
    public static let expiriesPerStepMax = 2_048

    /// Subjects that one page looks at, so that a rare selection cannot hold up the node.
    public static let subjectsPerPageMax = 4_096

    /// What is held under one subject key.
    struct Holding: Sendable {
        var record: SignedRecord
        var receivedAt: Int64
        /// A second body of the same sequence, with the higher id: both are hidden.
        var rival: SignedRecord?
        /// The floor that guarded the subject before; restored if a limit pushes the record out.
        var floorBelow: UInt64 = 0
        var floorUntil: Int64
        /// Burst 8, then one per 10 s.
        var forwarding = TokenBucket(burst: 8, interval: .seconds(10))
        /// Where the subject stands in `deadlines`.
        var dueAt: Int64 = .max

        var sequence: UInt64 { record.standingSequence }
        var envelopeByteCount: Int { record.envelope.count + (rival?.envelope.count ?? 0) }
    }

    /// The subjects that share a quota.
    struct Group: Hashable, Sendable {
        let author: Ed25519.PublicKey
        let kind: RecordKind
        let marketClass: MarketClass
    }

    struct GroupMember: Hashable, Comparable, Sendable {
        let sequence: UInt64
        let subject: SubjectKey

        static func < (left: GroupMember, right: GroupMember) -> Bool {
            left.sequence != right.sequence ? left.sequence < right.sequence : left.subject < right.subject
        }
    }

    struct Deadline: Hashable, Comparable, Sendable {
        let at: Int64
        let subject: SubjectKey

        static func < (left: Deadline, right: Deadline) -> Bool {
            left.at != right.at ? left.at < right.at : left.subject < right.subject
        }
    }

    /// What shares a byte limit: a segment, the requests of a class, or all conflicts and proofs together.
    enum Shelf: Hashable, Sendable {
        case segment(Segment)
        case requests(MarketClass)
        case proofs
    }

    /// An offer's row and what was last said about it.
    struct Row: Sendable {
        var position: Int
        var announced: Liveness
    }

    public internal(set) var config: RecordBookConfig
    public let profile: MarketProfile

    var holdings: [SubjectKey: Holding] = [:]
    var subjectsByID: [RecordID: SubjectKey] = [:]
    /// Held conflicts: while there are none, none is looked for.
    var conflictCount = 0
    /// Every held subject, ascending: one author's stand together.
    var subjects = SortedBlocks<SubjectKey>()
    /// At most as many members each as their kind allows, ascending by sequence.
    var groups: [Group: [GroupMember]] = [:]
    var deadlines = SortedBlocks<Deadline>()

    var floors: [SubjectKey: SubjectFloor] = [:]
    var floorDeadlines = SortedBlocks<Deadline>()
    /// At most `floorsPerAuthorMax` each, ascending by sequence.
    var floorsByAuthor: [Ed25519.PublicKey: [GroupMember]] = [:]

    var claims: [SlotClaim: HeldClaim] = [:]
    var claimDeadlines = SortedBlocks<ClaimDeadline>()
    var claimsByProvider: [Ed25519.PublicKey: Int] = [:]
    /// One clash for each provider; it is gone when its claims are.
    var clashes: [Ed25519.PublicKey: ProofBody] = [:]
    /// The proofs held against each provider.
    var proofCounts: [Ed25519.PublicKey: Int] = [:]

    var lists = StatementLists()

    var shelfByteCounts: [Shelf: Int] = [:]
    /// The records of each shelf by their expiry: what two nodes compare.
    var indexes: [Shelf: ReconciliationIndex] = [:]
    var cuts: [Shelf: SegmentCut] = [:]
    public internal(set) var envelopeByteCount = 0
    /// The sum of the first eight bytes of all held records' ids: equal for equal sets, whatever the order of their arrival.
    ///
    /// For comparing books that nobody forged; a stranger could choose records with any sum.
    public internal(set) var setSum: UInt64 = 0

    /// Every row, in no particular order (a search sorts them); copying the array is a reference.
    public internal(set) var listings: [Listing] = []
    var rows: [SubjectKey: Row] = [:]
    /// Rises whenever a row changes.
    public internal(set) var generation: UInt64 = 0

    public init(config: RecordBookConfig = RecordBookConfig(), profile: MarketProfile = .first) {
        self.config = config
        self.profile = profile
    }

    /// How many records are held, rivals and withdrawals included.
    public var recordCount: Int { subjectsByID.count }
    public var floorCount: Int { floors.count }

    /// An estimate of the memory behind the book, in bytes.
    public var memoryByteCount: Int { recordByteCount + floors.count * Self.floorOverheadByteCount }

    /// The records' part of it, which `memoryByteCountMax` limits; floors have a limit of their own.
    public var recordByteCount: Int { envelopeByteCount + recordCount * Self.recordOverheadByteCount }

    /// When `expire` has work next, in milliseconds since the Unix epoch.
    public var nextDeadline: Int64? {
        let earliest = min(
            deadlines.first?.at ?? .max,
            floorDeadlines.first?.at ?? .max,
            claimDeadlines.first?.at ?? .max
        )
        return earliest == .max ? nil : earliest
    }

    public func contains(_ id: RecordID) -> Bool { subjectsByID[id] != nil }

    /// The held record of this id.
    public func record(_ id: RecordID) -> SignedRecord? {
        guard let subject = subjectsByID[id], let holding = holdings[subject] else { return nil }
        return holding.record.id == id ? holding.record : holding.rival
    }

    /// The record that counts for a subject; `nil` while a conflict hides it.
    public func current(_ subject: SubjectKey) -> SignedRecord? {
        guard let holding = holdings[subject], !isHidden(subject, holding) else { return nil }
        return holding.record
    }

    /// The row of an offer.
    public func listing(for id: ListingID) -> Listing? {
        rows[.offer(id.offer, of: id.provider)].map { listings[$0.position] }
    }

    /// The next records in the order of their subjects, for handing them over in pages.
    ///
    /// Starts behind `cursor`; stops before it passes `countMax` records or `byteCountMax` bytes of envelopes (a subject's
    /// rivals stay together, and the first subject always fits), or when it has looked at `subjectsPerPageMax` subjects.
    public func page(
        after cursor: SubjectKey? = nil,
        of author: Ed25519.PublicKey? = nil,
        countMax: Int,
        byteCountMax: Int,
        isIncluded: (SignedRecord) -> Bool = { _ in true }
    ) -> RecordPage {
        var (records, byteCount, visited): ([SignedRecord], Int, Int) = ([], 0, 0)
        var (last, isComplete) = (cursor, true)
        guard let start = cursor ?? author.map(Self.firstSubject) ?? subjects.first else { return .end }
        subjects.forEach(from: start) { subject in
            if subject == cursor { return true }
            if let author, subject.author != author { return false }
            guard let holding = holdings[subject] else { return true }
            let found = [holding.record, holding.rival].compactMap(\.self).filter(isIncluded)
            let added = found.reduce(0) { $0 + $1.envelope.count }
            let fits = records.count + found.count <= countMax && byteCount + added <= byteCountMax
            guard records.isEmpty || fits, visited < Self.subjectsPerPageMax else {
                isComplete = false
                return false
            }
            visited += 1
            records += found
            byteCount += added
            last = subject
            return true
        }
        return RecordPage(records: records, next: isComplete ? nil : last)
    }

    /// The highest sequence that an author has signed, as far as the book holds it.
    public func highestSequence(of author: Ed25519.PublicKey) -> UInt64? {
        held(of: author).flatMap { [$0.record, $0.rival].compactMap(\.self) }
            .filter { $0.author == author }.map(\.record.sequence).max()
    }

    /// Count and digest of a provider's offers of one class with a sequence up to `high`, as a presence states them.
    public func offerDigest(
        of provider: Ed25519.PublicKey,
        in marketClass: MarketClass,
        upTo high: UInt64,
        at now: Int64
    ) -> OfferDigest {
        let members = groups[Group(author: provider, kind: .offer, marketClass: marketClass)] ?? []
        let live = members.compactMap { current($0.subject) }.filter {
            $0.kind == .offer && $0.record.sequence <= high && $0.record.expiresAt > now
        }
        return OfferDigest(of: live.map(\.id))
    }

    /// The conflict that we could publish: two rivals are held and nobody's conflict over them is.
    public func unpublishedConflict(over subject: SubjectKey) -> ConflictBody? {
        guard let holding = holdings[subject], let rival = holding.rival else { return nil }
        if let known = holdings[.conflict(over: subject)], known.sequence >= holding.sequence { return nil }
        return ConflictBody(holding.record, rival)
    }

    func held(of author: Ed25519.PublicKey) -> [Holding] {
        var found: [Holding] = []
        subjects.forEach(from: Self.firstSubject(of: author)) { subject in
            guard subject.author == author else { return false }
            if let holding = holdings[subject] { found.append(holding) }
            return true
        }
        return found
    }

    /// Not above any subject of the author.
    private static func firstSubject(of author: Ed25519.PublicKey) -> SubjectKey {
        SubjectKey(author: author, kind: .machine, id: [])
    }

    /// Two bodies, or a conflict that someone signed, hide a subject until a higher sequence arrives.
    func isHidden(_ subject: SubjectKey, _ holding: Holding) -> Bool {
        if holding.rival != nil { return true }
        guard conflictCount > 0, subject.kind != .conflict, subject.kind != .proof,
            let conflict = holdings[.conflict(over: subject)]
        else { return false }
        return conflict.sequence >= holding.sequence
    }
}

/// Some records of a book, and where the next ones start.
public struct RecordPage: Sendable {
    public let records: [SignedRecord]
    /// The cursor of the next page; `nil` if this is the last, which need not be an empty one.
    public let next: SubjectKey?

    static let end = RecordPage(records: [], next: nil)
}
