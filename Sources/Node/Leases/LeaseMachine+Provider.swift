internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// The counter's side: bids come in, awards and leases go out, devices become free.
extension LeaseMachine {
    mutating func stepCounter(_ input: ProviderCounter.Input, at now: Instant, into outputs: inout [Output]) {
        var said: [ProviderCounter.Output] = []
        counter.handle(input, at: now, into: &said)
        for output in said {
            switch output {
            case .reply(let conversation, let content):
                stepStreams(.reply(conversation, content), at: now, into: &outputs)
            case .persist(let ticket, let changes):
                persist(changes.flatMap(\.stored), for: .counter(ticket, changes), into: &outputs)
            case .sign(let ticket, let body, let expiresAt):
                sign(body, for: .counter(ticket), expiresAt: expiresAt, into: &outputs)
            case .leased(let record, let sealedTerms): provide(record, sealedTerms, at: now, into: &outputs)
            case .freeSlots(let offer, let slots): noteFree(slots, of: offer, at: now)
            case .reclaim(let lease, let at): reclaim(lease, .outbid, at: at, now: now, into: &outputs)
            }
        }
    }

    mutating func counterPersisted(
        _ ticket: CounterTicket,
        _ changes: [CounterChange],
        at now: Instant,
        into outputs: inout [Output]
    ) {
        stepCounter(.persisted(ticket), at: now, into: &outputs)
        for case .putClose(let lease, let record) in changes { closed(lease, by: record, at: now, into: &outputs) }
    }

    mutating func counterFailed(
        _ ticket: CounterTicket,
        _ changes: [CounterChange],
        at now: Instant,
        into outputs: inout [Output]
    ) {
        stepCounter(.persistFailed(ticket), at: now, into: &outputs)
        for case .putClose(let lease, _) in changes { postpone(lease, at: now) }
    }

    /// A bid from a stream: what its terms say is looked at before any device is held for it.
    mutating func receive(
        bid envelope: [UInt8],
        sealedTerms: [UInt8],
        _ conversation: CounterConversation,
        from bidder: Ed25519.PublicKey,
        at address: IPAddress?,
        now: Instant,
        into outputs: inout [Output]
    ) {
        guard let record = try? SignedRecord(envelope: envelope), case .bid(let bid) = record.record.body else {
            return stepStreams(.reply(conversation, .refusal(Refusal(.malformed))), at: now, into: &outputs)
        }
        if case .request = bid.target {
            let network = Self.group(of: address, bidder)
            return receive(requestBid: record, bid, conversation, from: bidder, in: network, at: now, into: &outputs)
        }
        if leases.count >= LeaseLimits.leaseCountMax { makeRoom(at: now, into: &outputs) }
        guard leases.count < LeaseLimits.leaseCountMax else {
            let refusal = Refusal(.tooManyBids, retryMilliseconds: 60_000)
            return stepStreams(.reply(conversation, .refusal(refusal)), at: now, into: &outputs)
        }
        guard opened(sealedTerms, bid: bid.bid, from: bidder, hash: bid.termsHash) != nil else {
            return stepStreams(.reply(conversation, .refusal(Refusal(.termsRefused))), at: now, into: &outputs)
        }
        let group = Self.group(of: address, bidder)
        let held = HeldBid(conversation, bidder, group, record, sealedTerms)
        guard isCaughtUp else {
            // A lost answer is asked for again.
            if heldBids.count == LeaseLimits.heldBidCountMax { heldBids.removeFirst() }
            return heldBids.append(held)
        }
        take(held, at: now, into: &outputs)
    }

    /// A bid that waits until the peers have said what they know of us.
    struct HeldBid: Sendable {
        let conversation: CounterConversation
        let bidder: Ed25519.PublicKey
        let group: UInt64
        let record: SignedRecord
        let sealedTerms: [UInt8]

        init(
            _ conversation: CounterConversation,
            _ bidder: Ed25519.PublicKey,
            _ group: UInt64,
            _ record: SignedRecord,
            _ sealedTerms: [UInt8]
        ) {
            (self.conversation, self.bidder, self.group) = (conversation, bidder, group)
            (self.record, self.sealedTerms) = (record, sealedTerms)
        }
    }

    /// A bid is taken back, also one that waits still.
    mutating func takeBack(
        _ bid: BidID,
        _ conversation: CounterConversation,
        from bidder: Ed25519.PublicKey,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        heldBids.removeAll { held in
            guard held.bidder == bidder, case .bid(let body) = held.record.record.body else { return false }
            return body.bid == bid
        }
        stepCounter(.cancel(conversation, from: bidder, bid), at: now, into: &outputs)
    }

    /// No device is let before this: leases that a backup does not hold are known by now.
    mutating func takeBids(at now: Instant, into outputs: inout [Output]) {
        isCaughtUp = true
        let bids = heldBids
        heldBids = []
        for bid in bids { take(bid, at: now, into: &outputs) }
    }

    private mutating func take(_ bid: HeldBid, at now: Instant, into outputs: inout [Output]) {
        stepCounter(
            .bid(bid.conversation, from: bid.bidder, group: bid.group, bid.record, sealedTerms: bid.sealedTerms),
            at: now,
            into: &outputs
        )
    }

    func opened(_ box: [UInt8], bid: BidID, from bidder: Ed25519.PublicKey, hash: [UInt8]) -> LeaseTerms? {
        LeaseTerms.opened(box, bid: bid, from: bidder, to: key.publicKey, hash: hash, secret: sealingSecret)
    }

    /// What stands for a bidder's network: one IPv4 address, or one site of IPv6.
    ///
    /// Neighbours in our own network are told apart by their keys alone.
    static func group(of address: IPAddress?, _ bidder: Ed25519.PublicKey) -> UInt64 {
        let host = address?.unmapped
        let isFar = host.map { !$0.isLoopback && !$0.isPrivate } ?? false
        let bytes = isFar ? host.map { Array($0.bytes.prefix($0.isIPv4 ? 4 : 6)) } ?? [] : bidder.bytes
        return SHA256.hash([isFar ? 1 : 0] + bytes).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// An award became a lease, or was one before the restart: the GPUs are the renter's.
    private mutating func provide(
        _ record: SignedRecord,
        _ sealedTerms: [UInt8],
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let body = CounterFacts.body(of: record) else { return }
        outputs.append(.publish(record))
        guard leases[body.lease] == nil else { return }
        let terms = opened(sealedTerms, bid: body.bid, from: body.renter, hash: body.termsHash)
        var meter = ProviderMeter(lease: body, key: key, network: network)
        var said: [ProviderMeter.Output] = []
        meter.handle(.clock(unixMilliseconds: wall(now)), at: now, into: &said)
        var lease = HeldLease(record: record, body: body, terms: terms, meter: .provider(meter))
        lease.isReadyWanted = !policy.awaitsReady
        leases[lease.id] = lease
        outputs.append(.swarm(.protect(PeerID(publicKey: body.renter), true)))
        outputs.append(.event(.leaseStarted(lease.summary)))
        advance(lease.id, at: now, into: &outputs)
    }

    /// Gives notice: the lease is closed at `at` unless what it yields to has gone.
    mutating func reclaim(
        _ id: LeaseID,
        _ code: CloseCode,
        at: Int64,
        now: Instant,
        into outputs: inout [Output]
    ) {
        guard let lease = leases[id], !lease.isClosed, lease.closing == nil else { return }
        if let known = lease.reclaim, known.at <= at {
            // Noticed already; but the operator's word stands whichever bidder goes away.
            if code == .reclaimed { leases[id]?.reclaim?.code = code }
            return
        }
        leases[id]?.reclaim = (code, at)
        leases[id]?.fulfil(.notice)
        leases[id]?.owe(.notice, at: now)
        if let lease = leases[id] { outputs.append(.event(.leaseChanged(lease.summary))) }
        advance(id, at: now, into: &outputs)
    }

    // MARK: What is free

    private mutating func noteFree(_ slots: [Int], of offer: OfferID, at now: Instant) {
        let due = now.advanced(by: LeaseLimits.freeSlotsDelay)
        var announcement = announcements[offer] ?? Announcement(dueAt: due)
        // What waits already is only corrected: a provider that is busy is heard of nevertheless.
        if announcement.slots == nil { announcement.dueAt = due }
        announcement.slots = slots
        announcements[offer] = announcement
    }

    mutating func announceFreeSlots(at now: Instant, into outputs: inout [Output]) {
        for (offer, announcement) in announcements where announcement.dueAt <= now {
            guard let slots = announcement.slots else { continue }
            guard announcements[offer]?.allowance.take(at: now) == true else {
                announcements[offer]?.dueAt = announcement.allowance.nextToken(at: now)
                continue
            }
            announcements[offer]?.slots = nil
            outputs.append(.freeSlots(offer, slots))
        }
    }

    /// Slots of a machine that somebody has: they outlive the offer that they were leased from.
    func takenSlots(of marketClass: MarketClass, at now: Instant) -> Set<Int> {
        counter.takenSlots(of: marketClass, wall: wall(now))
    }
}

extension CounterChange {
    /// What the disk is told.
    fileprivate var stored: [StoreChange] {
        switch self {
        case .putAward(let award):
            [.putRow(StoredRow(.awards, key: award.body.lease.bytes, value: award.stored))]
        // A lease whose write was said to have failed may be on the disk nevertheless: it must not come back.
        case .dropAward(let lease): [.deleteRow(.awards, key: lease.bytes), .deleteRow(.leases, key: lease.bytes)]
        case .putLease(let record, let sealedTerms):
            [
                .putRow(
                    StoredRow(
                        .leases,
                        key: record.subject.id,
                        value: StoredLease(record: record, sealedTerms: sealedTerms).stored
                    )
                ),
                .deleteRow(.awards, key: record.subject.id),
            ]
        case .putClose(let lease, let record): [.putRow(StoredRow(saying: record, of: lease))]
        // The counter needs no more of it; the rows go when the node forgets the lease.
        case .dropLease: []
        }
    }
}
