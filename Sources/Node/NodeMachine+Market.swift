internal import Cryptography
internal import Gossipsub
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// The way of a record: screened, verified off the loop, admitted to the book, and told to whoever brought it.
extension NodeMachine {
    /// Judges one envelope that was imported, or begins to.
    mutating func judge(
        _ envelope: [UInt8],
        from origin: RecordInbox.Origin,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard inbox.hasRoom(for: origin) else {
            return tell(.ignore(.verificationBudget), to: origin, into: &outputs)
        }
        var budget = VerificationBudget()
        settle(screen(envelope, in: nil, &budget, at: now), from: origin, into: &outputs)
    }

    /// Judges one gossiped message, or begins to.
    ///
    /// What gossip costs is the peer's; batches that we asked for come one at a time and are bounded by their length.
    mutating func judge(_ message: GossipMessage, _ id: ValidationID, at now: Instant, into outputs: inout [Output]) {
        let remote = message.source
        let origin = RecordInbox.Origin.gossip(remote, id)
        guard inbox.hasRoom(for: origin) else {
            return tell(.ignore(.verificationBudget), to: origin, into: &outputs)
        }
        guard let lane = followed.lane(of: message.topic) else {
            return tell(.ignore(.topicNotFollowed), to: origin, into: &outputs)
        }
        gossipCounts.countReceived(message.topic)
        var budget = budgets[remote] ?? VerificationBudget()
        let screening: RecordGate.Screening
        if let content = message.content as? GossipedRecord {
            screening = screen(content.read, in: lane, &budget, at: now)
        } else {
            screening = screen(message.data, in: lane, &budget, at: now)
        }
        // It may have gone since it said so.
        if isConnected(to: remote) { budgets[remote] = budget }
        settle(screening, from: origin, into: &outputs)
    }

    // Nothing of the node changes while a record is screened: else the book would be copied for it, tables and all.

    private func screen(
        _ envelope: [UInt8],
        in lane: MarketTopic.Lane?,
        _ budget: inout VerificationBudget,
        at now: Instant
    ) -> RecordGate.Screening {
        gate.screen(
            envelope,
            in: lane,
            against: book,
            at: wall.unixMilliseconds(at: now),
            instant: now,
            budget: &budget,
            isFollowed: followed.contains,
            isBanned: { isBanned($0, at: now) }
        )
    }

    func screen(
        _ read: ReadRecord,
        in lane: MarketTopic.Lane?,
        _ budget: inout VerificationBudget,
        isWelcome: Bool = false,
        at now: Instant
    ) -> RecordGate.Screening {
        gate.screen(
            read,
            in: lane,
            against: book,
            at: wall.unixMilliseconds(at: now),
            instant: now,
            budget: &budget,
            isFollowed: isWelcome ? { _ in true } : followed.contains,
            isBanned: { isBanned($0, at: now) }
        )
    }

    /// Whether the operator wants nothing of what this key signs; our own word always counts, or we would repeat ourselves.
    private func isBanned(_ author: Ed25519.PublicKey, at now: Instant) -> Bool {
        author != key.publicKey && bans.shutsOut(author, at: wall.unixMilliseconds(at: now))
    }

    mutating func settle(
        _ screening: RecordGate.Screening,
        from origin: RecordInbox.Origin,
        into outputs: inout [Output]
    ) {
        switch screening {
        case .drop(let verdict): tell(verdict, to: origin, into: &outputs)
        case .needsSignatures(let pending, let checks): inbox.add(.record(pending, origin), checks: checks)
        }
    }

    mutating func verified(_ batch: BatchID, _ results: [Bool], at now: Instant, into outputs: inout [Output]) {
        for (item, holds) in inbox.takeResults(of: batch, results) {
            switch item {
            case .message(let id): work.append(.gossip(.verified(id, holds)))
            case .record(let pending, let origin):
                if holds && pending.record.author == key.publicKey {
                    work.append(.desk(.ownRecordSeen(pending.record)))
                }
                var changes: [BookChange] = []
                let verdict = gate.admit(
                    pending,
                    signaturesHold: holds,
                    into: &book,
                    at: wall.unixMilliseconds(at: now),
                    instant: now,
                    changes: &changes
                )
                follow(changes, at: now)
                tell(verdict, to: origin, into: &outputs)
            }
        }
    }

    private mutating func tell(_ verdict: RecordVerdict, to origin: RecordInbox.Origin, into outputs: inout [Output]) {
        switch origin {
        case .gossip(let remote, let id):
            switch verdict {
            case .accept: work.append(.gossip(.validated(id, .accept)))
            case .ignore: work.append(.gossip(.validated(id, .ignore(isFinal: verdict.isFinal))))
            case .reject:
                work.append(.gossip(.validated(id, .reject)))
                outputs.append(.event(.recordRefused(remote, verdict)))
            }
        case .sync(let sending, let id): tell(verdict, of: id, sending, into: &outputs)
        case .command(let command, let index):
            if let verdicts = commands.judged(command, index: index, verdict) {
                outputs.append(.answer(command, .imported(verdicts)))
            }
        }
    }

    /// Puts a record of our own into the book, as if it had arrived.
    mutating func admitOwn(_ record: SignedRecord, at now: Instant) {
        var changes: [BookChange] = []
        _ = book.admit(record, at: wall.unixMilliseconds(at: now), into: &changes)
        follow(changes, at: now)
    }

    mutating func restoreRecords(at now: Instant) {
        let records = restoredRecords.compactMap { stored in
            (try? readRecord(stored.envelope)).map { (record: $0, receivedAt: stored.receivedAt) }
        }
        follow(book.restore(records, floors: restoredFloors, at: wall.unixMilliseconds(at: now)), at: now)
        (restoredRecords, restoredFloors) = ([], [])
        dropBanned(at: now)
    }

    /// Takes what banned peers have signed off the book; when a ban is lifted, others bring it again.
    mutating func dropBanned(at now: Instant) {
        guard bans.effective.namesPeers else { return }
        var changes: [BookChange] = []
        for ban in bans.effective.all {
            guard case .peer(let peer) = ban.target, let author = peer.publicKey, isBanned(author, at: now) else {
                continue
            }
            book.evictAll(of: author, at: wall.unixMilliseconds(at: now), into: &changes)
        }
        follow(changes, at: now)
    }

    // MARK: What the book says

    private mutating func follow(_ changes: [BookChange], at now: Instant) {
        bookDueAt = book.nextDeadline
        var (heard, ownLeases): ([SignedRecord], [SignedRecord]) = ([], [])
        for change in changes {
            switch change {
            case .store(let record, let receivedAt):
                if !leases.isEmpty, record.speaksOfLease { work.append(.leases(.seen(record))) }
                if isOwnLease(record) { ownLeases.append(record) }
                cacheChanges.append(.putRecord(StoredRecord(record, receivedAt: receivedAt)))
                if isAboutRequests(record) { heard.append(record) }
            case .remove(let id): cacheChanges.append(.deleteRecord(id))
            case .floor(let floor): cacheChanges.append(.putFloor(floor))
            case .dropFloor(let subject): cacheChanges.append(.deleteFloor(subject))
            case .listing(let change): listingChanges.append(change)
            case .conflictFound(let subject): conflicts.found(subject, at: now, random: &random)
            case .offersMissing(let provider, let marketClass):
                // What a search has shown of other segments is no more than that.
                guard followed.contains(.offers(profile.segment(of: provider, in: marketClass))) else { continue }
                work.append(.sync(.lacking(provider: provider, marketClass)))
            }
        }
        for record in ownLeases { work.append(.leases(found(record))) }
        for record in heard { considerRequests(after: record, at: now) }
    }

    /// As of the book's last change: most steps do not touch it.
    var bookDeadline: Instant? {
        guard phase != .starting, phase != .stopped else { return nil }
        return bookDueAt.map(wall.instant(atUnixMilliseconds:))
    }

    mutating func expireBook(at now: Instant) {
        var changes: [BookChange] = []
        book.expire(at: wall.unixMilliseconds(at: now), into: &changes)
        follow(changes, at: now)
    }

    /// A finder waits a little and speaks only if nobody else did.
    mutating func publishDueConflicts(at now: Instant, into outputs: inout [Output]) {
        for subject in conflicts.due(at: now) {
            if let body = book.unpublishedStatement(over: subject) { work.append(.desk(.publishFinding(body))) }
        }
    }

    // MARK: The end of a step

    mutating func flushSignatures(into outputs: inout [Output]) {
        for (batch, checks) in inbox.takeBatches() { outputs.append(.verify(batch, checks)) }
    }

    mutating func flushChanges(into outputs: inout [Output]) {
        if !cacheChanges.isEmpty {
            outputs.append(.persist(tickets.draw(for: .cache), cacheChanges))
            cacheChanges = []
        }
        if !listingChanges.isEmpty {
            outputs.append(.event(.listingsChanged(listingChanges)))
            listingChanges = []
        }
    }
}
