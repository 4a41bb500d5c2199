public import Cryptography

/// Today's cut of a full segment: authors whose rank is not below it are left out.
public struct SegmentCut: Hashable, Sendable {
    /// Days since the Unix epoch, UTC: tomorrow others are left out.
    public let day: Int64
    /// SHA-256(day ‖ author), day as eight bytes big-endian, of the last author that went.
    public let rank: RecordID

    static func day(at now: Int64) -> Int64 { now / 86_400_000 }

    static func rank(of author: Ed25519.PublicKey, on day: Int64) -> RecordID {
        let dayBytes = stride(from: Int64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: day >> $0) }
        guard let rank = RecordID(SHA256.hash(dayBytes + author.bytes)) else {
            preconditionFailure("SHA-256 has 32 bytes")
        }
        return rank
    }
}

extension RecordBook {
    /// The cut of a segment, to travel with a reconciliation request; `nil` while everything fits.
    public func cut(of segment: Segment, at now: Int64) -> SegmentCut? {
        cuts[.segment(segment)].flatMap { $0.day == SegmentCut.day(at: now) ? $0 : nil }
    }

    /// What a segment's envelopes weigh, in bytes.
    public func byteCount(of segment: Segment) -> Int { shelfByteCounts[.segment(segment)] ?? 0 }

    // MARK: Quota: the highest sequences of an author, kind and class

    /// Whether the record would be among the highest of its group.
    func hasRoom(for record: SignedRecord) -> Bool {
        let members = groups[group(of: record)] ?? []
        guard members.count >= record.subject.kind.subjectsPerGroupMax, let lowest = members.first else { return true }
        let candidate = GroupMember(sequence: record.standingSequence, subject: record.subject)
        return candidate > lowest || members.contains { $0.subject == record.subject }
    }

    mutating func joinGroup(_ subject: SubjectKey) {
        guard let holding = holdings[subject] else { return }
        let member = GroupMember(sequence: holding.sequence, subject: subject)
        Self.insert(member, into: &groups[group(of: holding.record), default: []])
    }

    /// A member of the group has a new sequence; nobody comes and nobody leaves.
    mutating func raise(_ subject: SubjectKey, to sequence: UInt64, in group: Group) {
        Self.raise(subject, to: sequence, in: &groups[group, default: []])
    }

    private static func raise(_ subject: SubjectKey, to sequence: UInt64, in members: inout [GroupMember]) {
        _ = remove(subject, from: &members)
        insert(GroupMember(sequence: sequence, subject: subject), into: &members)
    }

    private static func insert(_ member: GroupMember, into members: inout [GroupMember]) {
        members.insert(member, at: members.firstIndex { $0 > member } ?? members.count)
    }

    mutating func leaveGroup(_ subject: SubjectKey, _ holding: Holding) {
        let group = group(of: holding.record)
        let isEmpty = Self.remove(subject, from: &groups[group, default: []])
        if isEmpty { groups[group] = nil }
    }

    /// Whether nothing is left.
    private static func remove(_ subject: SubjectKey, from members: inout [GroupMember]) -> Bool {
        if let place = members.firstIndex(where: { $0.subject == subject }) { members.remove(at: place) }
        return members.isEmpty
    }

    /// Pushes the lowest sequence out of the group that a subject has just joined, if it is one too many.
    ///
    /// It leaves no floor but the one that was there: a floor of its own would make the book depend on the order of arrival.
    mutating func evictSurplus(beside subject: SubjectKey, at now: Int64, into changes: inout [BookChange]) {
        guard let holding = holdings[subject] else { return }
        let members = groups[group(of: holding.record)] ?? []
        guard members.count > subject.kind.subjectsPerGroupMax, let lowest = members.first else { return }
        evict(lowest.subject, at: now, into: &changes)
    }

    func group(of record: SignedRecord) -> Group {
        Group(author: record.subject.author, kind: record.subject.kind, marketClass: record.marketClass)
    }

    // MARK: Bytes: whole authors by today's rank

    func shelf(of record: SignedRecord) -> Shelf {
        switch profile.lane(of: record) {
        case .offers(let segment): .segment(segment)
        case .requests(let marketClass): .requests(marketClass)
        case .proofs: .proofs
        }
    }

    func isCut(_ author: Ed25519.PublicKey, from shelf: Shelf, at now: Int64) -> Bool {
        guard !cuts.isEmpty, let cut = cuts[shelf], cut.day == SegmentCut.day(at: now) else { return false }
        return SegmentCut.rank(of: author, on: cut.day) >= cut.rank
    }

    /// Sheds authors by descending rank while a limit is passed, down to 15/16 of it, so that the work is rare.
    ///
    /// An author's evidence goes with its offers: a receipt that outlived them would weigh for nobody who could be chosen.
    mutating func shed(_ shelf: Shelf, at now: Int64, into changes: inout [BookChange]) {
        if let count = shelfByteCounts[shelf], count > config.segmentByteCountMax {
            shed(shelf, downTo: config.segmentByteCountMax / 16 * 15, at: now, into: &changes)
        }
        // The heaviest shelf pays for the whole. Each turn takes at least one author, so this ends.
        while recordByteCount > config.memoryByteCountMax, let heaviest = heaviestShelf {
            shed(heaviest.shelf, downTo: heaviest.byteCount / 16 * 15, at: now, into: &changes)
        }
    }

    /// In the order of segments, so that equal weights do not let a hash table decide.
    private var heaviestShelf: (shelf: Shelf, byteCount: Int)? {
        var heaviest: (shelf: Shelf, byteCount: Int)?
        let requests = MarketClass.allCases.sorted().map(Shelf.requests)
        for shelf in profile.segments.map(Shelf.segment) + requests + [.proofs] {
            let byteCount = shelfByteCounts[shelf] ?? 0
            if byteCount > heaviest?.byteCount ?? 0 { heaviest = (shelf, byteCount) }
        }
        return heaviest
    }

    private mutating func shed(_ shelf: Shelf, downTo target: Int, at now: Int64, into changes: inout [BookChange]) {
        let day = SegmentCut.day(at: now)
        var ranks: [Ed25519.PublicKey: RecordID] = [:]
        var subjectsOnShelf: [SubjectKey] = []
        for subject in subjects.elements {
            // A rival may be of another class: then it alone weighs on this shelf, and takes the whole subject with it.
            guard let holding = holdings[subject],
                [holding.record, holding.rival].contains(where: { $0.map(self.shelf(of:)) == shelf })
            else { continue }
            subjectsOnShelf.append(subject)
            if ranks[subject.author] == nil { ranks[subject.author] = SegmentCut.rank(of: subject.author, on: day) }
        }
        let ordered = ranks.sorted { $0.value > $1.value }
        let subjectsByAuthor = Dictionary(grouping: subjectsOnShelf, by: \.author)
        for (author, rank) in ordered {
            guard shelfByteCounts[shelf] ?? 0 > target else { return }
            for subject in subjectsByAuthor[author] ?? [] { evict(subject, at: now, into: &changes) }
            cuts[shelf] = SegmentCut(day: day, rank: rank)
        }
    }

    /// Takes out all that an author has said and all that is said of it, as a limit would: what comes back later is taken again.
    public mutating func evictAll(of author: Ed25519.PublicKey, at now: Int64, into changes: inout [BookChange]) {
        for holding in held(of: author) { evict(holding.record.subject, at: now, into: &changes) }
    }

    /// A limit pushes a subject out.
    private mutating func evict(_ subject: SubjectKey, at now: Int64, into changes: inout [BookChange]) {
        guard let holding = discard(subject, into: &changes) else { return }
        if holding.floorBelow > 0 {
            let floor = SubjectFloor(subject: subject, sequence: holding.floorBelow, until: holding.floorUntil)
            setFloor(floor, at: now, into: &changes)
        }
        refreshRows(touchedBy: holding.record, cause: .evicted, at: now, into: &changes)
    }
}
