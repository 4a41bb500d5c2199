internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// Leases that a home restored from a backup does not know: both signed them, so whoever shows one, the market or the other party, is believed.
extension LeaseMachine {
    /// A lease of ours that is on its way back into our books.
    struct Adoption: Sendable {
        let record: SignedRecord
        let body: LeaseBody
        var words: [SignedRecord]
        let conversation: CounterConversation?
    }

    /// Shows a party that is there again the leases of the two that are not settled yet.
    mutating func showLeases(to party: Ed25519.PublicKey, at now: Instant, into outputs: inout [Output]) {
        for (id, lease) in leases where lease.counterparty == party && lease.countersignature == nil {
            show(id, at: now, into: &outputs)
        }
    }

    private mutating func show(_ id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id], wall(now) < lease.rememberedUntil else { return }
        leases[id]?.shownAt = now
        let content = MarketMessage.Content.held(envelope: lease.record.envelope, words: lease.words.map(\.envelope))
        ask(.held(id), content, of: lease.counterparty, at: now, into: &outputs)
    }

    /// A lease that is held already, with what whoever shows it has heard of it.
    ///
    /// Either may know more: what is news here is learnt, and a party that does not know the end is shown it.
    private mutating func compare(
        _ id: LeaseID,
        with words: [SignedRecord],
        isShown: Bool,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let lease = leases[id] else { return }
        for word in words where !lease.words.contains(word) && speaks(word, of: lease.body) {
            learn(word, of: id, at: now, into: &outputs)
        }
        guard isShown, lease.isClosed, !lease.words.allSatisfy(words.contains),
            lease.shownAt.map({ $0.advanced(by: LeaseLimits.showInterval) <= now }) ?? true
        else { return }
        show(id, at: now, into: &outputs)
    }

    /// A lease that the other party shows.
    mutating func shown(
        _ envelope: [UInt8],
        words: [[UInt8]],
        _ conversation: CounterConversation,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let record = try? SignedRecord(envelope: envelope) else {
            return stepStreams(.reply(conversation, .refusal(Refusal(.malformed))), at: now, into: &outputs)
        }
        adopt(
            record,
            words: words.compactMap { try? SignedRecord(envelope: $0) },
            conversation,
            at: now,
            into: &outputs
        )
    }

    /// Takes a lease back into the books: written first, and its devices are taken from now on.
    mutating func adopt(
        _ record: SignedRecord,
        words: [SignedRecord],
        _ conversation: CounterConversation?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let body = CounterFacts.body(of: record), body.provider == record.author, body.provider != body.renter,
            key.publicKey == body.provider || key.publicKey == body.renter, record.record.network == network
        else { return reply(.refusal(Refusal(.malformed)), in: conversation, at: now, into: &outputs) }
        let id = body.lease
        if leases[id] != nil {
            compare(id, with: words, isShown: conversation != nil, at: now, into: &outputs)
            return reply(.done, in: conversation, at: now, into: &outputs)
        }
        let isOurs = body.provider == key.publicKey
        guard adoptions[id] == nil, !expects(id), counter.isUnknown(id), wall(now) < record.record.expiresAt,
            !isOurs || record.record.issuedAt > forgottenUntil
        else { return reply(.done, in: conversation, at: now, into: &outputs) }
        // Nobody hears of it: who shows it shows it again.
        guard leases.count + adoptions.count < LeaseLimits.leaseCountMax else { return }
        guard record.signatureChecks.allSatisfy(\.holds) else {
            return reply(.refusal(Refusal(.malformed)), in: conversation, at: now, into: &outputs)
        }
        let words = words.filter { speaks($0, of: body) }
        adoptions[id] = Adoption(record: record, body: body, words: words, conversation: conversation)
        if isOurs { stepCounter(.adopting(body), at: now, into: &outputs) }
        let lease = StoredRow(.leases, key: id.bytes, value: StoredLease(record: record).stored)
        let written = [lease] + words.flatMap { rows(saying: $0, of: body) }
        // That it was given up is remembered as long as the lease is.
        let forgotten = renounced[id] == nil ? [StoreChange.deleteRow(.awards, key: id.bytes)] : []
        persist(written.map(StoreChange.putRow) + forgotten, for: .adopted(id), into: &outputs)
    }

    private func speaks(_ word: SignedRecord, of body: LeaseBody) -> Bool {
        body.words.contains(word.subject) && word.record.network == network && word.signatureChecks.allSatisfy(\.holds)
    }

    private func rows(saying word: SignedRecord, of body: LeaseBody) -> [StoredRow] {
        switch word.record.body {
        case .leaseState: [StoredRow(saying: word, of: body.lease)]
        case .receipt: rows(of: word, for: body)
        case .countersignature(let said): rows(of: said.receipt, countersignature: word, for: body)
        default: []
        }
    }

    mutating func adopted(_ id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let adoption = adoptions.removeValue(forKey: id) else { return }
        var lease = HeldLease(record: adoption.record, body: adoption.body, terms: nil, meter: freshMeter(of: adoption))
        for word in adoption.words {
            switch word.record.body {
            case .leaseState(let state) where state.standing == .closed:
                if word.author == adoption.body.provider {
                    lease.providerClose = word
                } else {
                    lease.renterClose = word
                }
            case .leaseState: lease.active = word
            case .receipt: lease.receipt = lease.receipt ?? word
            case .countersignature(let body):
                (lease.receipt, lease.countersignature) = (body.receipt, word)
                if let entry = lastBooking(of: body.receipt, for: adoption.body) { ledger.apply(entry) }
            default: break
            }
        }
        leases[id] = lease
        let isRunning = !lease.isClosed && wall(now) < adoption.body.endAt
        if lease.isProvider {
            let close = lease.providerClose ?? lease.renterClose
            stepCounter(.adopted(id, adoption.record, close: close), at: now, into: &outputs)
            if isRunning { closeRivals(of: adoption.body, at: now, into: &outputs) }
        }
        if isRunning { outputs.append(.event(.leaseStarted(lease.summary))) }
        takeUp(id, at: now, into: &outputs)
        if renounced.removeValue(forKey: id) != nil { reject(id, at: now, into: &outputs) }
        reply(.done, in: adoption.conversation, at: now, into: &outputs)
        if let word = early.removeValue(forKey: id) {
            heard(word.record, in: word.conversation, at: now, into: &outputs)
        }
    }

    mutating func notAdopted(_ id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let adoption = adoptions.removeValue(forKey: id) else { return }
        early[id] = nil
        guard adoption.body.provider == key.publicKey else { return }
        stepCounter(.adopted(id, nil, close: nil), at: now, into: &outputs)
    }

    /// What was used and promised comes back with the first tick: the renter answers it with its highest voucher.
    private func freshMeter(of adoption: Adoption) -> HeldLease.Meter {
        guard adoption.body.provider == key.publicKey else {
            return .renter(RenterMeter(lease: adoption.body, key: key, network: network))
        }
        return .provider(ProviderMeter(lease: adoption.body, key: key, network: network))
    }

    /// What was let anew before the node knew better yields to who was there first.
    private mutating func closeRivals(of body: LeaseBody, at now: Instant, into outputs: inout [Output]) {
        let slots = Set(body.slots.map(\.number))
        for (id, other) in leases where id != body.lease && other.isProvider && !other.isClosed {
            guard other.body.marketClass == body.marketClass, !slots.isDisjoint(with: other.body.slots.map(\.number))
            else { continue }
            decide(other.body.startAt < body.startAt ? body.lease : id, .lostState, at: now, into: &outputs)
        }
    }

    private mutating func reply(
        _ content: MarketMessage.Content,
        in conversation: CounterConversation?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let conversation else { return }
        stepStreams(.reply(conversation, content), at: now, into: &outputs)
    }
}
