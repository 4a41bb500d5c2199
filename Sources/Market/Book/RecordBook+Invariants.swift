internal import Reconciliation

extension RecordBook {
    /// Checks that every index says the same; free in release builds.
    public func checkInvariants() {
        #if DEBUG
        subjects.checkInvariants()
        deadlines.checkInvariants()
        floorDeadlines.checkInvariants()
        assert(subjects.count == holdings.count && deadlines.count == holdings.count)
        assert(floors.count == floorDeadlines.count)
        assert(listings.count == rows.count)
        assert(floors.count <= config.floorCountMax)
        assert(recordByteCount <= config.memoryByteCountMax)
        checkHoldings()
        checkGroups()
        checkStatements()
        claimDeadlines.checkInvariants()
        assert(claims.count == claimDeadlines.count && claims.count <= config.claimCountMax)
        assert(claims.count == claimsByProvider.values.reduce(0, +))
        assert(claimsByProvider.values.allSatisfy { $0 <= config.claimsPerProviderMax })
        assert(clashes.count <= config.clashCountMax)
        for (position, listing) in listings.enumerated() {
            assert(rows[listing.record.subject]?.position == position, "a row is lost")
            assert(holdings[listing.record.subject]?.record.id == listing.record.id, "a row shows an old offer")
        }
        #endif
    }

    #if DEBUG
    private func checkHoldings() {
        var (recordCount, byteCount) = (0, 0)
        for (subject, holding) in holdings {
            recordCount += holding.rival == nil ? 1 : 2
            byteCount += holding.envelopeByteCount
            assert(holding.record.subject == subject && subjects.contains(subject))
            assert(holding.dueAt <= holding.expiresAt)
            assert(deadlines.contains(Deadline(at: holding.dueAt, subject: subject)), "a subject is never due")
            assert(floors[subject] == nil, "a subject has both a record and a floor")
            assert(groups[group(of: holding.record)]?.contains { $0.subject == subject } == true)
            if let rival = holding.rival {
                assert(holding.record.id < rival.id && rival.standingSequence == holding.sequence)
                assert(rows[subject] == nil, "a conflict shows a row")
            }
        }
        assert(recordCount == subjectsByID.count)
        assert(conflictCount == holdings.values.count { $0.record.kind == .conflict })
        assert(setSum == subjectsByID.keys.reduce(0) { $0 &+ $1.head })
        assert(byteCount == envelopeByteCount && shelfByteCounts.values.reduce(0, +) == byteCount)
        assert(shelfByteCounts.values.allSatisfy { $0 <= config.segmentByteCountMax })
        assert(indexes.values.reduce(0) { $0 + $1.count } == recordCount)
        for index in indexes.values { index.checkInvariants() }
        for holding in holdings.values {
            for record in [holding.record, holding.rival].compactMap(\.self) {
                assert(
                    indexes[shelf(of: record)]?.contains(record.reconciliationItem) == true,
                    "an index lacks a record"
                )
            }
        }
    }

    private func checkGroups() {
        assert(groups.values.reduce(0) { $0 + $1.count } == holdings.count)
        for (group, members) in groups {
            assert(members.count <= group.kind.subjectsPerGroupMax && isStrictlyAscending(members, by: <))
        }
        assert(floorsByAuthor.values.reduce(0) { $0 + $1.count } == floors.count)
        assert(floorsByAuthor.values.allSatisfy { $0.count <= Self.floorsPerAuthorMax })
    }
    #endif
}
