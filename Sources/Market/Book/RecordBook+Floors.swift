extension RecordBook {
    /// The later of the record's expiry and its kind's longest life from its arrival, and an hour.
    static func floorEnd(of record: SignedRecord, receivedAt: Int64) -> Int64 {
        max(record.record.expiresAt, receivedAt + record.kind.lifetimeMax) + floorSlackMilliseconds
    }

    /// The floor that a record leaves when it ends.
    mutating func setFloor(
        leftBy record: SignedRecord,
        receivedAt: Int64,
        at now: Int64,
        into changes: inout [BookChange]
    ) {
        let until = Self.floorEnd(of: record, receivedAt: receivedAt)
        let floor = SubjectFloor(subject: record.subject, sequence: record.standingSequence, until: until)
        setFloor(floor, at: now, into: &changes)
    }

    /// Keeps what a subject no longer accepts; `false` if that time has passed already or the table is full of newer ones.
    @discardableResult
    mutating func setFloor(_ floor: SubjectFloor, at now: Int64, into changes: inout [BookChange]) -> Bool {
        guard floor.until > now, holdings[floor.subject] == nil else { return false }
        var floor = floor
        if let known = floors[floor.subject] {
            forgetFloor(of: floor.subject)
            let sequence = max(floor.sequence, known.sequence)
            floor = SubjectFloor(subject: floor.subject, sequence: sequence, until: max(floor.until, known.until))
        }
        let author = floor.subject.author
        let member = GroupMember(sequence: floor.sequence, subject: floor.subject)
        floors[floor.subject] = floor
        floorDeadlines.insert(Deadline(at: floor.until, subject: floor.subject))
        let position =
            floorsByAuthor[author, default: []].firstIndex { $0 > member } ?? floorsByAuthor[author, default: []].count
        floorsByAuthor[author, default: []].insert(member, at: position)
        changes.append(.floor(floor))
        // An honest author's floors guard nothing but expired records; only one who lowers expiries gains by an old one's end.
        if let members = floorsByAuthor[author], members.count > Self.floorsPerAuthorMax, let lowest = members.first {
            dropFloor(of: lowest.subject, into: &changes)
        }
        if floors.count > config.floorCountMax, let soonest = floorDeadlines.first {
            dropFloor(of: soonest.subject, into: &changes)
        }
        return true
    }

    mutating func dropFloor(of subject: SubjectKey, into changes: inout [BookChange]) {
        guard floors[subject] != nil else { return }
        forgetFloor(of: subject)
        changes.append(.dropFloor(subject))
    }

    private mutating func forgetFloor(of subject: SubjectKey) {
        guard let floor = floors.removeValue(forKey: subject) else { return }
        floorDeadlines.remove(Deadline(at: floor.until, subject: subject))
        floorsByAuthor[subject.author]?.removeAll { $0.subject == subject }
        if floorsByAuthor[subject.author]?.isEmpty == true { floorsByAuthor[subject.author] = nil }
    }
}
