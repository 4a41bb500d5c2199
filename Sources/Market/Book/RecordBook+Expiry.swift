extension RecordBook {
    /// Does what time alone brings: records expire, rows fall silent or go, floors and claims end.
    ///
    /// Looks at no more than `expiriesPerStepMax` subjects; while `nextDeadline` is not later than `now`, more is due.
    public mutating func expire(at now: Int64, into changes: inout [BookChange]) {
        var visited = 0
        while visited < Self.expiriesPerStepMax, let due = deadlines.first, due.at <= now {
            visited += 1
            deadlines.remove(due)
            holdings[due.subject]?.dueAt = .max
            settle(due.subject, at: now, into: &changes)
        }
        while visited < Self.expiriesPerStepMax, let due = floorDeadlines.first, due.at <= now {
            visited += 1
            dropFloor(of: due.subject, into: &changes)
        }
        while visited < Self.expiriesPerStepMax, let due = claimDeadlines.first, due.at <= now {
            visited += 1
            forget(due)
        }
    }

    private mutating func settle(_ subject: SubjectKey, at now: Int64, into changes: inout [BookChange]) {
        guard let holding = holdings[subject] else { return }
        guard holding.expiresAt <= now else {
            announceLiveness(of: subject, at: now, into: &changes)
            rearm(subject, at: now)
            return
        }
        guard let gone = discard(subject, into: &changes) else { return }
        let floor = SubjectFloor(subject: subject, sequence: gone.sequence, until: gone.floorUntil)
        setFloor(floor, at: now, into: &changes)
        refreshRows(touchedBy: gone.record, cause: .expired, at: now, into: &changes)
    }

    /// Sees that a subject is looked at when it is due next, or sooner: at its expiry, or when its row falls silent or goes.
    mutating func rearm(_ subject: SubjectKey, at now: Int64) {
        guard let holding = holdings[subject] else { return }
        var due = holding.expiresAt
        if let row = rows[subject] {
            let listing = listings[row.position]
            switch row.announced {
            case .live:
                due = min(due, listing.heardAt + Listing.silenceMilliseconds + 1, max(now, listing.vouchedUntil))
            case .silent: due = min(due, max(now, listing.vouchedUntil))
            case .gone: break
            }
        }
        // One that stands too early finds that out when it is due: moving it with every word of a busy provider costs more.
        guard due < holding.dueAt else { return }
        if holding.dueAt != .max { deadlines.remove(Deadline(at: holding.dueAt, subject: subject)) }
        deadlines.insert(Deadline(at: due, subject: subject))
        holdings[subject]?.dueAt = due
    }
}

extension RecordBook.Holding {
    /// Rivals leave together, at the earlier expiry: what is left of a conflict never becomes an offer.
    var expiresAt: Int64 {
        min(record.record.expiresAt, rival?.record.expiresAt ?? .max)
    }
}
