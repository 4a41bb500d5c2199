internal import Cryptography
internal import Market
internal import Node
internal import Primitives

/// Every record that any node has ever shown: read and verified once, however many nodes hold it.
struct RecordRegistry: Sendable {
    struct Entry: Sendable {
        let id: RecordID
        /// The number of what it speaks about.
        let subject: Int
        let kind: RecordKind
        /// Whether it is a presence that only says again what one of the last half hour said: the lazy lane brings it.
        let isRenewal: Bool
        /// What decides along the subject: the sequence; of a conflict the disputed one.
        let sequence: UInt64
        /// The number that its author gave it.
        let signedSequence: UInt64
        let issuedAt: Int64
        let expiresAt: Int64
        let author: Ed25519.PublicKey
        /// Whom the subject belongs to; of a conflict, the culprit.
        let owner: Ed25519.PublicKey
        /// The subject that a conflict disputes, and the sequence.
        let disputed: (subject: Int, sequence: UInt64)?
        /// Whether it parses and all its signatures hold.
        var isSound: Bool
        /// What it adds to the digest of a book.
        let term: UInt64
        /// The bytes that were judged, as the id does not cover the signature.
        ///
        /// Empty while nobody holds it; then it is judged anew.
        var envelope: [UInt8]
        /// Whether the subject belongs to an honest node.
        let hasHonestOwner: Bool
        /// Whether books are compared by it: somebody honest said it in the measured time.
        let isCompared: Bool
        /// Who holds it, as the nodes themselves said when they stored and dropped it.
        var holders = NodeSet()

        /// Whether its subject takes nothing below it: of conflicts and proofs the lowest id stays, whatever its number.
        var hasFloor: Bool { kind != .conflict && kind != .proof }
    }

    private(set) var entries: [Entry] = []
    private let measuredFrom: Instant
    private var numbers: [RecordID: Int] = [:]
    private var subjects: [SubjectKey: Int] = [:]
    /// Records about each subject that somebody holds.
    private var heldBySubject: [[Int]] = []
    /// When a word on each subject was last new.
    private(set) var touchedAt: [Instant] = []

    init(measuredFrom: Instant) { self.measuredFrom = measuredFrom }

    var subjectCount: Int { heldBySubject.count }

    subscript(_ number: Int) -> Entry { entries[number] }

    func number(of id: RecordID) -> Int? { numbers[id] }

    /// The record's number, and whether it was never seen before.
    mutating func register(
        _ stored: StoredRecord,
        isHonest: (Ed25519.PublicKey) -> Bool,
        at now: Instant
    ) -> (number: Int, isNew: Bool) {
        if let number = numbers[stored.id] { return (number, false) }
        let isKnown = subjects[stored.subject] != nil
        let entry = entry(for: stored, isKnown: isKnown, hasHonestOwner: isHonest(stored.subject.author), at: now)
        let number = entries.count
        entries.append(entry)
        numbers[stored.id] = number
        touchedAt[entry.subject] = now
        return (number, true)
    }

    /// Whether these very bytes are sound: almost always those that were judged first.
    mutating func isSound(_ stored: StoredRecord, number: Int) -> Bool {
        if stored.envelope == entries[number].envelope { return entries[number].isSound }
        guard let record = try? SignedRecord(envelope: stored.envelope) else { return false }
        let isSound = record.id == stored.id && record.signatureChecks.allSatisfy(\.holds)
        if entries[number].envelope.isEmpty {
            (entries[number].envelope, entries[number].isSound) = (stored.envelope, isSound)
        }
        return isSound
    }

    /// Says whether the node did not hold it before.
    mutating func hold(_ number: Int, by node: Int) -> Bool {
        guard entries[number].holders.insert(node) else { return false }
        if entries[number].holders.count == 1 { heldBySubject[entries[number].subject].append(number) }
        return true
    }

    /// Says whether the node held it.
    mutating func release(_ number: Int, by node: Int) -> Bool {
        guard entries[number].holders.remove(node) else { return false }
        guard entries[number].holders.isEmpty else { return true }
        heldBySubject[entries[number].subject].removeAll { $0 == number }
        // A spammer's million records are remembered by name alone.
        entries[number].envelope = []
        return true
    }

    /// The records about a subject that somebody holds.
    func heldRecords(about subject: Int) -> [Int] { heldBySubject[subject] }

    mutating func subjectNumber(for key: SubjectKey) -> Int {
        if let number = subjects[key] { return number }
        let number = heldBySubject.count
        subjects[key] = number
        heldBySubject.append([])
        touchedAt.append(.zero)
        return number
    }

    private mutating func entry(
        for stored: StoredRecord,
        isKnown: Bool,
        hasHonestOwner: Bool,
        at now: Instant
    ) -> Entry {
        let parsed = try? SignedRecord(envelope: stored.envelope)
        let subject = subjectNumber(for: stored.subject)
        var isRenewal = false
        if case .presence(let body)? = parsed?.record.body, body.offerCount > 0, isKnown {
            isRenewal = touchedAt[subject].duration(to: now) < .milliseconds(Listing.vouchedMilliseconds)
        }
        var disputed: (subject: Int, sequence: UInt64)?
        if case .conflict(let body)? = parsed?.record.body {
            disputed = (subjectNumber(for: body.subject), body.sequence)
        }
        let isSound =
            parsed.map { record in
                record.id == stored.id && record.subject == stored.subject
                    && record.record.expiresAt == stored.expiresAt && record.signatureChecks.allSatisfy(\.holds)
            } ?? false
        return Entry(
            id: stored.id,
            subject: subject,
            kind: parsed?.kind ?? stored.subject.kind,
            isRenewal: isRenewal,
            sequence: disputed?.sequence ?? stored.sequence,
            signedSequence: stored.sequence,
            issuedAt: parsed?.record.issuedAt ?? 0,
            expiresAt: stored.expiresAt,
            author: parsed?.author ?? stored.subject.author,
            owner: stored.subject.author,
            disputed: disputed,
            isSound: isSound,
            term: Self.term(of: stored.id),
            envelope: stored.envelope,
            hasHonestOwner: hasHonestOwner,
            isCompared: hasHonestOwner && now >= measuredFrom
        )
    }

    /// Eight bytes of the id behind a finaliser: equal sums of them mean equal sets, but for one chance in 2⁶⁴.
    private static func term(of id: RecordID) -> UInt64 {
        SplitMix64.finalised(id.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }
}
