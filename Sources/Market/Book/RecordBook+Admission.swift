public import Primitives
internal import Reconciliation

extension RecordBook {
    /// Whether a record is not above what its subject has seen.
    public func isStale(_ record: SignedRecord) -> Bool {
        if !floors.isEmpty, let floor = floors[record.subject], record.standingSequence <= floor.sequence {
            return true
        }
        guard let holding = holdings[record.subject] else { return false }
        return record.standingSequence < holding.sequence
    }

    /// Takes in a record whose signatures hold.
    ///
    /// Refused records leave the book as it was; a conflict may be refused and yet bring along the rivals it embeds.
    public mutating func admit(_ record: SignedRecord, at now: Int64, into changes: inout [BookChange]) -> Admission {
        admit(record, receivedAt: now, at: now, into: &changes)
    }

    /// Takes one forwarding from a held record's allowance (it limits forwarding, never admission).
    ///
    /// Withdrawals, closes and goodbyes are exempt: they must not be held up by what they end.
    public mutating func takeForwarding(of record: SignedRecord, at now: Instant) -> Bool {
        switch record.record.body {
        case .withdrawal: return true
        case .presence(let body) where body.offerCount == 0: return true
        case .leaseState(let body) where body.standing == .closed: return true
        case .machine, .offer, .presence, .conflict, .request, .bid, .lease, .leaseState, .receipt, .countersignature,
            .attestation, .proof, .storefront:
            return holdings[record.subject]?.forwarding.take(at: now) ?? true
        }
    }

    /// Takes back what was stored before a restart; the signatures were verified then.
    ///
    /// Says what the store need not keep any longer; neither stores nor announces anything.
    public mutating func restore(
        _ records: [(record: SignedRecord, receivedAt: Int64)],
        floors: [SubjectFloor],
        at now: Int64
    ) -> [BookChange] {
        var changes: [BookChange] = []
        for floor in floors where !setFloor(floor, at: now, into: &changes) {
            changes.append(.dropFloor(floor.subject))
        }
        // The store has them; it need only know which were given up.
        changes.removeAll { change in
            if case .floor = change { true } else { false }
        }
        for (record, receivedAt) in records {
            let admission = admit(record, receivedAt: min(receivedAt, now), at: now, into: &changes)
            switch admission {
            case .admitted, .dismissed(.duplicate): break
            case .dismissed(let dismissal):
                guard !contains(record.id) else { break }
                changes.append(.remove(record.id))
                // It ended while we were away: it leaves the floor that it would have left.
                if dismissal == .expired { setFloor(leftBy: record, receivedAt: receivedAt, at: now, into: &changes) }
            }
        }
        return changes.filter { change in
            switch change {
            case .remove, .floor, .dropFloor: true
            case .store, .listing, .conflictFound, .offersMissing: false
            }
        }
    }

    private mutating func admit(
        _ record: SignedRecord,
        receivedAt: Int64,
        at now: Int64,
        into changes: inout [BookChange]
    ) -> Admission {
        guard record.record.expiresAt > now else { return .dismissed(.expired) }
        guard !contains(record.id) else { return .dismissed(.duplicate) }
        let rivals = admitRivals(of: record, receivedAt: receivedAt, at: now, into: &changes)
        guard !isStale(record) else { return .dismissed(.stale) }
        let shelf = shelf(of: record)
        guard !isCut(record.subject.author, from: shelf, at: now) else { return .dismissed(.segmentFull) }
        rememberClaims(of: record, into: &changes)
        var admission = Admission.admitted
        if let holding = holdings[record.subject], holding.sequence == record.standingSequence {
            admission = meet(record, holding, receivedAt: receivedAt, at: now, into: &changes)
            if admission == .dismissed(.surplusRival) || !contains(record.id) { return admission }
        } else {
            guard hasRoom(for: record) else { return .dismissed(.authorQuota) }
            replace(with: record, receivedAt: receivedAt, at: now, into: &changes)
        }
        // A conflict changes what its subject shows, and so do rivals that it brought.
        refreshRows(touchedBy: record, at: now, into: &changes)
        for rival in rivals { refreshRows(touchedBy: rival, at: now, into: &changes) }
        rearm(record.subject, at: now)
        announceMissingOffers(after: record, at: now, into: &changes)
        shed(shelf, at: now, into: &changes)
        return contains(record.id) ? admission : .dismissed(.segmentFull)
    }

    /// A conflict carries two records of its subject: both belong to the set.
    private mutating func admitRivals(
        of conflict: SignedRecord,
        receivedAt: Int64,
        at now: Int64,
        into changes: inout [BookChange]
    ) -> [SignedRecord] {
        guard conflict.kind == .conflict, case .conflict(let body) = conflict.record.body else { return [] }
        let rivals = [body.first, body.second].filter { rival in
            guard case .offers(let segment) = profile.lane(of: rival) else { return true }
            return config.followedSegments?.contains(segment) ?? true
                && rival.record.issuedAt <= now + RecordGate.clockToleranceMilliseconds
        }
        var unannounced: [BookChange] = []
        // One level: an embedded record is never a conflict.
        for rival in rivals { _ = admit(rival, receivedAt: receivedAt, at: now, into: &unannounced) }
        changes += unannounced.filter { change in
            if case .conflictFound = change { false } else { true }
        }
        return rivals
    }

    /// A second body of one sequence: the two lowest ids stay, whatever came first; of conflicts or proofs over one subject, the lowest.
    private mutating func meet(
        _ record: SignedRecord,
        _ met: Holding,
        receivedAt: Int64,
        at now: Int64,
        into changes: inout [BookChange]
    ) -> Admission {
        // Whichever of them lives longest must not return once they have left.
        let until = max(met.floorUntil, Self.floorEnd(of: record, receivedAt: receivedAt))
        if record.kind == .conflict || record.kind == .proof {
            guard record.id < met.record.id else { return .dismissed(.knownConflict) }
            // The bodies that it names may be of another class than those of the one before.
            leaveGroup(record.subject, met)
            unlist(met.record, into: &changes)
            enlist(record, receivedAt: receivedAt, into: &changes)
            holdings[record.subject]?.record = record
            holdings[record.subject]?.floorUntil = until
            joinGroup(record.subject)
            evictSurplus(beside: record.subject, at: now, into: &changes)
            return .dismissed(.knownConflict)
        }
        if let rival = met.rival {
            guard record.id < rival.id else { return .dismissed(.surplusRival) }
            unlist(rival, into: &changes)
        } else {
            changes.append(.conflictFound(record.subject))
        }
        leaveGroup(record.subject, met)
        enlist(record, receivedAt: receivedAt, into: &changes)
        let isLowest = record.id < met.record.id
        holdings[record.subject]?.record = isLowest ? record : met.record
        holdings[record.subject]?.rival = isLowest ? met.record : record
        holdings[record.subject]?.floorUntil = until
        joinGroup(record.subject)
        evictSurplus(beside: record.subject, at: now, into: &changes)
        return .admitted
    }

    /// A higher sequence takes the subject.
    private mutating func replace(
        with record: SignedRecord,
        receivedAt: Int64,
        at now: Int64,
        into changes: inout [BookChange]
    ) {
        let subject = record.subject
        let until = Self.floorEnd(of: record, receivedAt: receivedAt)
        var holding = Holding(record: record, receivedAt: receivedAt, floorUntil: until)
        var staysInGroup = false
        if let old = holdings[subject] {
            staysInGroup = group(of: old.record) == group(of: record)
            if !staysInGroup { leaveGroup(subject, old) }
            unlist(old.record, into: &changes)
            if let rival = old.rival { unlist(rival, into: &changes) }
            holding.floorBelow = old.floorBelow
            holding.floorUntil = max(until, old.floorUntil)
            holding.forwarding = old.forwarding
            holding.dueAt = old.dueAt
            refreshRowsOfOldClass(
                old.record,
                newClass: record.marketClass,
                replaced: holding,
                at: now,
                into: &changes
            )
        } else {
            subjects.insert(subject)
            if !floors.isEmpty, let floor = floors[subject] {
                holding.floorBelow = floor.sequence
                holding.floorUntil = max(until, floor.until)
                dropFloor(of: subject, into: &changes)
            }
        }
        holdings[subject] = holding
        enlist(record, receivedAt: receivedAt, into: &changes)
        if staysInGroup { return raise(subject, to: record.standingSequence, in: group(of: record)) }
        joinGroup(subject)
        evictSurplus(beside: subject, at: now, into: &changes)
    }

    /// Counts a record in.
    private mutating func enlist(_ record: SignedRecord, receivedAt: Int64, into changes: inout [BookChange]) {
        subjectsByID[record.id] = record.subject
        setSum &+= record.id.head
        count(record, by: 1)
        envelopeByteCount += record.envelope.count
        let shelf = shelf(of: record)
        shelfByteCounts[shelf, default: 0] += record.envelope.count
        indexes[shelf, default: ReconciliationIndex()].insert(record.reconciliationItem)
        changes.append(.store(record, receivedAt: receivedAt))
    }

    /// Counts a record out.
    mutating func unlist(_ record: SignedRecord, into changes: inout [BookChange]) {
        subjectsByID[record.id] = nil
        setSum &-= record.id.head
        count(record, by: -1)
        envelopeByteCount -= record.envelope.count
        let shelf = shelf(of: record)
        let rest = (shelfByteCounts[shelf] ?? 0) - record.envelope.count
        shelfByteCounts[shelf] = rest == 0 ? nil : rest
        indexes[shelf]?.remove(record.reconciliationItem)
        if rest == 0 { indexes[shelf] = nil }
        changes.append(.remove(record.id))
    }

    /// Takes a subject out of every index; floors and rows are the caller's.
    mutating func discard(_ subject: SubjectKey, into changes: inout [BookChange]) -> Holding? {
        guard let holding = holdings[subject] else { return nil }
        leaveGroup(subject, holding)
        if holding.dueAt != .max { deadlines.remove(Deadline(at: holding.dueAt, subject: subject)) }
        for gone in [holding.record, holding.rival].compactMap(\.self) { unlist(gone, into: &changes) }
        subjects.remove(subject)
        holdings[subject] = nil
        return holding
    }

    private func announceMissingOffers(after record: SignedRecord, at now: Int64, into changes: inout [BookChange]) {
        guard record.kind == .presence, case .presence(let body) = record.record.body,
            current(record.subject)?.id == record.id
        else { return }
        let ours = offerDigest(of: record.author, in: body.marketClass, upTo: body.highSequence, at: now)
        if ours.count != body.offerCount || ours.digest != body.offerDigest {
            changes.append(.offersMissing(provider: record.author, marketClass: body.marketClass))
        }
    }
}
