internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// The desk's side: bids of ours, and what becomes of them.
extension LeaseMachine {
    mutating func place(
        _ wish: BidWish,
        on offer: SignedRecord,
        for command: CommandID,
        waits: Bool,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard case .offer(let body) = offer.record.body else {
            return outputs.append(.answer(command, .failed(.unknownOffer)))
        }
        guard offer.author != key.publicKey else { return outputs.append(.answer(command, .failed(.ownOffer))) }
        if leases.count >= LeaseLimits.leaseCountMax { makeRoom(at: now, into: &outputs) }
        guard leases.count < LeaseLimits.leaseCountMax else {
            return outputs.append(.answer(command, .failed(.tooMany(limit: LeaseLimits.leaseCountMax))))
        }
        if let failure = wish.failure(at: body.price) { return outputs.append(.answer(command, .failed(failure))) }
        let id = BidID(random: &random)
        let price = wish.gpuHourMicros ?? body.price.gpuHourMicros
        var draft = BidDraft(
            offer: offer,
            slots: wish.slots,
            count: wish.count,
            gpuHourMicros: price,
            durationSeconds: wish.durationSeconds,
            terms: wish.terms,
            exposureMicrosMax: wish.exposureMicrosMax
        )
        draft.patienceMilliseconds = wish.patienceMilliseconds
        draft.answerMilliseconds = wish.answerMilliseconds
        let status = BidStatus(
            bid: id,
            offer: wish.offer,
            count: wish.count,
            unit: body.price.unit,
            gpuHourMicros: price,
            durationSeconds: wish.durationSeconds,
            placedAt: wall(now),
            outcome: .open
        )
        let isPublic = wish.isPublic || body.hasPublicBids && body.modes.contains(.interruptible)
        bids[id] = PlacedBid(status: status, isPublic: isPublic, terms: wish.terms, waiter: waits ? command : nil)
        let salt = random.bytes(LeaseTerms.Bounds.saltByteCount)
        let secret = random.bytes(32)
        stepDesk(.place(id, draft, salt: salt, ephemeralSecret: secret), at: now, into: &outputs)
        forgetPastBids()
        if !waits, let bid = bids[id] { outputs.append(.answer(command, .bid(bid.status))) }
    }

    mutating func cancel(_ bid: BidID, for command: CommandID, at now: Instant, into outputs: inout [Output]) {
        guard case .open? = bids[bid]?.status.outcome else {
            return outputs.append(.answer(command, .failed(.unknownBid)))
        }
        stepDesk(.cancel(bid), at: now, into: &outputs)
        outputs.append(.answer(command, bids[bid].map { .bid($0.status) } ?? .done))
    }

    mutating func stepDesk(_ input: RenterDesk.Input, at now: Instant, into outputs: inout [Output]) {
        var said: [RenterDesk.Output] = []
        desk.handle(input, at: now, into: &said)
        for output in said {
            switch output {
            case .sign(let bid, let body, let expiresAt):
                sign(body, for: .bid(bid), expiresAt: expiresAt, into: &outputs)
            case .send(let bid, let provider, let content):
                ask(.bid(bid), content, of: provider, at: now, into: &outputs)
            case .persist(let bid, let changes):
                persist(changes.compactMap { change(for: $0, of: bid) }, for: .bid(bid, changes), into: &outputs)
                guard changes.contains(.renounceBid), let stored = bids[bid]?.stored else { continue }
                renounce(stored, at: now, into: &outputs)
            case .leased(let bid, let record):
                rent(record, bids[bid]?.terms, at: now, into: &outputs)
                if let body = CounterFacts.body(of: record) { end(bid, .leased(body.lease), into: &outputs) }
            case .lost(let bid): ask(whatCameOf: bid, at: now, into: &outputs)
            case .failed(let bid, let failure): failed(bid, failure, into: &outputs)
            }
        }
    }

    private mutating func change(for change: RenterChange, of bid: BidID) -> StoreChange? {
        guard let placed = bids[bid], let lease = lease(of: bid) else { return nil }
        switch change {
        case .putBid(let record):
            guard let stored = try? StoredBid(record: record, terms: placed.terms) else { return nil }
            bids[bid]?.stored = stored
            return .putRow(StoredRow(.awards, key: lease.bytes, value: stored.stored))
        case .dropBid: return .deleteRow(.awards, key: lease.bytes)
        // Not one write but two at times: `renounce` makes them.
        case .renounceBid: return nil
        case .putLease(let record):
            let stored = StoredLease(record: record, terms: placed.terms)
            return .putRow(StoredRow(.leases, key: lease.bytes, value: stored.stored))
        }
    }

    /// The disk did not take it: a lease is asked for again until it does.
    mutating func bidNotPersisted(
        _ bid: BidID,
        _ changes: [RenterChange],
        at now: Instant,
        into outputs: inout [Output]
    ) {
        for case .putLease in changes { ask(whatCameOf: bid, at: now, into: &outputs) }
        stepDesk(.persistFailed(bid), at: now, into: &outputs)
    }

    private mutating func failed(_ bid: BidID, _ failure: BidFailure, into outputs: inout [Output]) {
        if let lease = lease(of: bid), recoveries[lease] == nil { early[lease] = nil }
        end(bid, .failed(failure), into: &outputs)
    }

    /// The lease that a bid of ours may become.
    private func lease(of bid: BidID) -> LeaseID? {
        bids[bid].map { LeaseID(provider: $0.status.offer.provider, renter: key.publicKey, bid: bid) }
    }

    private mutating func end(_ bid: BidID, _ outcome: BidStatus.Outcome, into outputs: inout [Output]) {
        guard var placed = bids[bid] else { return }
        placed.status.outcome = outcome
        let waiter = placed.waiter.take()
        bids[bid] = placed
        outputs.append(.event(.bidEnded(placed.status)))
        if let waiter { outputs.append(.answer(waiter, .bid(placed.status))) }
    }

    private mutating func forgetPastBids() {
        var surplus = bids.count - desk.bidCount - LeaseLimits.pastBidCountMax
        guard surplus > 0 else { return }
        bids.removeAll { _, bid in
            guard surplus > 0, bid.status.outcome != .open else { return false }
            surplus -= 1
            return true
        }
    }

    /// A lease of ours begins: both signatures were checked, and it, or the bid that leads to it, is durable.
    private mutating func rent(
        _ record: SignedRecord,
        _ terms: LeaseTerms?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let body = CounterFacts.body(of: record), leases[body.lease] == nil else { return }
        var meter = RenterMeter(lease: body, key: key, network: network)
        var said: [RenterMeter.Output] = []
        meter.handle(.clock(unixMilliseconds: wall(now)), at: now, into: &said)
        let lease = HeldLease(record: record, body: body, terms: terms, meter: .renter(meter))
        leases[lease.id] = lease
        outputs.append(.swarm(.protect(PeerID(publicKey: body.provider), true)))
        outputs.append(.event(.leaseStarted(lease.summary)))
        advance(lease.id, at: now, into: &outputs)
        if let word = early.removeValue(forKey: lease.id) {
            heard(word.record, in: word.conversation, at: now, into: &outputs)
        }
    }

    /// Whether we accept this lease, and do not hold it yet.
    ///
    /// An id is a hash of both parties: it names the provider too.
    func expects(_ lease: LeaseID) -> Bool { recoveries[lease] != nil || desk.expects(lease) }

    // MARK: After a restart, and when an answer is lost

    private mutating func ask(whatCameOf bid: BidID, at now: Instant, into outputs: inout [Output]) {
        guard let stored = bids[bid]?.stored else { return }
        recoveries[stored.lease] = Recovery(bid: stored, repetition: Repetition(at: now))
        // An acceptance that waits for a connection is not to arrive behind the question.
        stepStreams(.drop(.bid(bid), PeerID(publicKey: stored.body.counterparty)), at: now, into: &outputs)
        recover(stored.lease, at: now, into: &outputs)
    }

    /// Takes a bid back that nobody waits for any more, unless it is a lease already: then that is the answer.
    ///
    /// Gives up when nothing can come of it.
    mutating func recover(_ lease: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let bid = recoveries[lease]?.bid else { return }
        let end = bid.body.validUntil + RenterDesk.acceptanceMilliseconds + LeaseLimits.recoveryMilliseconds
        guard wall(now) < end else { return abandon(lease, at: now, into: &outputs) }
        recoveries[lease]?.repetition.asked(at: now)
        ask(.recovery(lease), .cancel(bid.body.bid), of: bid.body.counterparty, at: now, into: &outputs)
    }

    private mutating func abandon(_ lease: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let bid = recoveries.removeValue(forKey: lease)?.bid else { return }
        early[lease] = nil
        renounce(bid, at: now, into: &outputs)
    }

    mutating func recoveryAnswered(
        _ lease: LeaseID,
        _ content: MarketMessage.Content,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let bid = recoveries[lease]?.bid else { return }
        switch content {
        case .lease(let envelope):
            guard let record = try? SignedRecord(envelope: envelope), record.author == bid.body.counterparty,
                record.record.network == network, let body = CounterFacts.body(of: record), body.lease == lease,
                body.provider == record.author, body.renter == key.publicKey,
                record.signatureChecks.allSatisfy(\.holds)
            else { return }
            let stored = StoredLease(record: record, terms: bid.terms)
            let row = StoreChange.putRow(StoredRow(.leases, key: lease.bytes, value: stored.stored))
            // That it was given up is remembered as long as the lease is.
            let changes = bid.isForsaken ? [row] : [row, .deleteRow(.awards, key: lease.bytes)]
            persist(changes, for: .recovered(lease, record), into: &outputs)
        case .done: abandon(lease, at: now, into: &outputs)
        case .refusal(let refusal) where refusal.retryMilliseconds == 0: abandon(lease, at: now, into: &outputs)
        case .refusal, .bid, .accept, .cancel, .tick, .voucher, .receipt, .state, .notice, .held, .award,
            .countersignature:
            break
        }
    }

    /// The renter goes elsewhere for what it bid for: it is still asked what came of it, for a lease is to be closed.
    mutating func forsake(_ bid: BidID, into outputs: inout [Output]) {
        guard let lease = lease(of: bid), var recovery = recoveries[lease] else { return }
        recovery.bid.isForsaken = true
        recoveries[lease] = recovery
        let row = StoredRow(.awards, key: lease.bytes, value: recovery.bid.stored)
        persist([.putRow(row)], for: .housekeeping, into: &outputs)
    }

    mutating func recovered(_ lease: LeaseID, _ record: SignedRecord, at now: Instant, into outputs: inout [Output]) {
        let bid = recoveries.removeValue(forKey: lease)?.bid
        rent(record, bid?.terms, at: now, into: &outputs)
        guard bid?.isForsaken != true else { return reject(lease, at: now, into: &outputs) }
        if let bid = bid?.body.bid { end(bid, .leased(lease), into: &outputs) }
    }

    /// Closes a lease whose provider kept it from us until we had gone elsewhere; what it says of its use until then is not paid.
    mutating func reject(_ lease: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let body = leases[lease]?.body else { return }
        stepMeter(of: lease, .closed(at: body.startAt), at: now, into: &outputs)
        decide(lease, .unreachable, at: now, into: &outputs)
    }

    /// Providers with whom a lease of ours came to a payment that both have signed.
    var paidProviders: Set<Ed25519.PublicKey> {
        var providers: Set<Ed25519.PublicKey> = []
        for lease in leases.values where lease.countersignature != nil {
            if case .renter(let meter) = lease.meter, meter.state.promisedMicros > 0 {
                providers.insert(lease.body.provider)
            }
        }
        return providers
    }
}
