internal import Cryptography
internal import OrderedCollections
internal import Primitives

// From a bid to an award, or to a refusal that says what would have been accepted.
extension ProviderCounter {
    /// Awards that hold devices, durable or on their way to the disk.
    var heldAwards: [HeldAward] {
        facts.awards.values
            + pending.values.compactMap { step in
                if case .award(let award, _, _) = step { award } else { nil }
            }
    }

    mutating func read(
        _ record: SignedRecord,
        _ conversation: CounterConversation,
        from bidder: Ed25519.PublicKey,
        group: UInt64,
        sealedTerms: [UInt8],
        into outputs: inout [Output]
    ) -> WaitingBid? {
        guard isOpen, record.author == bidder, record.record.network == network,
            case .bid(let bid) = record.record.body,
            bid.counterparty == key, bid.target == .offer, bidder != key,
            record.signatureChecks.allSatisfy(\.holds)
        else {
            outputs.append(.reply(conversation, .refusal(Refusal(.malformed))))
            return nil
        }
        return WaitingBid(
            conversation: conversation,
            bidder: bidder,
            group: group,
            bid: bid,
            sealedTerms: sealedTerms
        )
    }

    /// Answers at once, or lets the bid wait for its turn.
    mutating func consider(_ bid: WaitingBid, wall: Int64, into outputs: inout [Output]) {
        if repeatAnswer(to: bid, wall: wall, into: &outputs) { return }
        if let refusal = refusal(of: bid, wall: wall) {
            outputs.append(.reply(bid.conversation, .refusal(refusal)))
            return
        }
        guard var offer = offers[bid.bid.offer] else { return }
        guard offer.waiting.count < Self.waitingPerOfferMax, pending.count < Self.pendingCountMax,
            offer.waiting.count(where: { $0.bidder == bid.bidder }) < Self.waitingPerBidderMax
        else {
            outputs.append(.reply(bid.conversation, .refusal(Refusal(.tooManyBids, retryMilliseconds: 1_000))))
            return
        }
        if offer.body.awardPolicy == .bestAtDeadline, offer.auctionEnd == nil {
            offer.auctionEnd = wall + Int64(offer.body.awardWindowSeconds) * 1_000
        }
        offer.waiting.append(bid)
        offers[bid.bid.offer] = offer
    }

    /// The same bid id gets the same answer, also when the first was lost.
    private mutating func repeatAnswer(to bid: WaitingBid, wall: Int64, into outputs: inout [Output]) -> Bool {
        let lease = LeaseID(provider: key, renter: bid.bidder, bid: bid.bid.bid)
        if let record = facts.leases[lease] {
            outputs.append(.reply(bid.conversation, .lease(envelope: record.envelope)))
            return true
        }
        if let award = facts.awards[lease] {
            if award.heldUntil > wall, !dropping.contains(lease) {
                outputs.append(.reply(bid.conversation, answer(award)))
            } else {
                outputs.append(.reply(bid.conversation, .refusal(Refusal(.expired))))
            }
            return true
        }
        for (ticket, step) in pending {
            guard case .award(let award, _, let group) = step, award.body.lease == lease else { continue }
            pending[ticket] = .award(award, bid.conversation, group: group)
            return true
        }
        let known = offers[bid.bid.offer]?.waiting.firstIndex { $0.bidder == bid.bidder && $0.bid.bid == bid.bid.bid }
        guard let known else { return false }
        offers[bid.bid.offer]?.waiting[known].conversation = bid.conversation
        return true
    }

    /// Why a bid cannot win whatever becomes free; `nil` if it can.
    private func refusal(of bid: WaitingBid, wall: Int64) -> Refusal? {
        guard !isClosing else { return Refusal(.shuttingDown) }
        guard !policy.blockedPeers.contains(bid.bidder) else { return Refusal(.blocked) }
        guard let offer = offers[bid.bid.offer]?.body, bid.bid.marketClass == offer.marketClass else {
            return Refusal(.unknownOffer)
        }
        let terms = bid.bid
        guard wall < terms.validUntil, wall <= terms.startBy else { return Refusal(.expired) }
        guard terms.unit == offer.price.unit else { return Refusal(.wrongUnit) }
        guard (offer.durationMinSeconds...offer.durationMaxSeconds).contains(terms.durationSeconds) else {
            return Refusal(.durationOutOfBounds)
        }
        guard terms.count <= offer.slots.count, terms.slots.allSatisfy(offer.slots.contains) else {
            return Refusal(.noFreeSlots)
        }
        let lowest = lowestPrice(of: offer)
        guard terms.gpuHourMicros >= lowest else { return Refusal(.priceTooLow, nearestMicros: lowest) }
        if let cooled = cooling[bid.bidder], cooled.until > wall {
            return Refusal(.coolingDown, retryMilliseconds: cooled.until - wall)
        }
        return nil
    }

    private func lowestPrice(of offer: OfferBody) -> Int64 {
        // A lowest bid of zero says nothing: then the asked price is the price.
        let asked = offer.price.lowestBidMicros > 0 ? offer.price.lowestBidMicros : offer.price.gpuHourMicros
        return max(asked, policy.floorMicros[offer.price.unit] ?? 0)
    }

    /// Awards what can be awarded, in the order of arrival or, at the deadline, of price.
    mutating func settle(wall: Int64, into outputs: inout [Output]) {
        for offer in Array(offers.keys) {
            guard var served = offers[offer], !served.waiting.isEmpty || served.auctionEnd != nil else { continue }
            if let end = served.auctionEnd {
                guard end <= wall else { continue }
                served.auctionEnd = nil
                served.waiting.sort {
                    $0.bid.gpuHourMicros != $1.bid.gpuHourMicros
                        ? $0.bid.gpuHourMicros > $1.bid.gpuHourMicros : $0.bid.bid < $1.bid.bid
                }
            }
            let waiting = served.waiting
            served.waiting = []
            offers[offer] = served
            var (kept, leftover): ([WaitingBid], Bool) = ([], false)
            for bid in waiting {
                switch outcome(of: bid, wall: wall, into: &outputs) {
                case nil: leftover = true
                case .some(let refusal)
                where bid.bid.validUntil > wall && refusal.code == .noFreeSlots && mayWait(bid, wall):
                    reclaim(for: bid, wall: wall, into: &outputs)
                    kept.append(bid)
                case .some(let refusal)
                where bid.bid.validUntil > wall && refusal.code == .awardOpen
                    && kept.count { $0.bidder == bid.bidder } < Self.waitingPerBidderMax:
                    // Its turn comes as soon as the open award is a lease or nothing.
                    kept.append(bid)
                case .some(let refusal):
                    let isLate = bid.bid.validUntil <= wall
                    let wasOutbid = refusal.code == .noFreeSlots && served.body.awardPolicy == .bestAtDeadline
                    let answer =
                        wasOutbid ? Refusal(.outbid) : isLate ? Refusal(leftover ? .outbid : .expired) : refusal
                    outputs.append(.reply(bid.conversation, .refusal(answer)))
                }
            }
            offers[offer]?.waiting = kept
        }
    }

    /// Makes an award, or says why not now.
    private mutating func outcome(of bid: WaitingBid, wall: Int64, into outputs: inout [Output]) -> Refusal? {
        if let refusal = refusal(of: bid, wall: wall) { return refusal }
        guard let offer = offers[bid.bid.offer]?.body else { return Refusal(.unknownOffer) }
        let open = heldAwards.filter { !facts.isRunning($0.body.lease, at: wall) }
        guard !open.contains(where: { $0.body.renter == bid.bidder || groups[$0.body.lease] == bid.group }) else {
            return Refusal(.awardOpen, retryMilliseconds: policy.holdMilliseconds)
        }
        let free = freeSlots(of: offer, wall: wall)
        let wanted = bid.bid.slots.isEmpty ? Array(free.prefix(bid.bid.count)) : bid.bid.slots
        guard wanted.count == bid.bid.count, wanted.allSatisfy(free.contains) else { return Refusal(.noFreeSlots) }
        if !knownRenters.contains(bid.bidder) {
            let strangers = open.filter { $0.body.machine == offer.machine && !knownRenters.contains($0.body.renter) }
            let held = strangers.reduce(0) { $0 + $1.body.slots.count }
            let share = (free.count + open.reduce(0) { $0 + $1.body.slots.count } + 1) / 2
            // A stranger alone may ask for a whole machine; it is the second one who must leave room.
            guard held == 0 || held + wanted.count <= share else {
                return Refusal(.strangersFull, retryMilliseconds: policy.holdMilliseconds)
            }
        }
        hold(wanted, of: offer, for: bid, wall: wall, into: &outputs)
        return nil
    }

    private mutating func hold(
        _ slots: [Int],
        of offer: OfferBody,
        for bid: WaitingBid,
        wall: Int64,
        into outputs: inout [Output]
    ) {
        var price = offer.price
        price.gpuHourMicros = bid.bid.gpuHourMicros
        price.lowestBidMicros = min(price.lowestBidMicros, price.gpuHourMicros)
        let isFull = bid.bid.gpuHourMicros >= offer.price.gpuHourMicros && offer.modes.contains(.onDemand)
        var body = LeaseBody(
            marketClass: offer.marketClass,
            machine: offer.machine,
            offer: offer.offer,
            provider: key,
            renter: bid.bidder,
            bid: bid.bid.bid,
            slots: slots.map {
                LeaseBody.Slot(number: $0, previous: newest[SlotKey(machine: offer.machine, slot: $0)])
            },
            startAt: wall,
            endAt: wall + Int64(bid.bid.durationSeconds) * 1_000,
            price: price,
            capMicros: RecordAmount.microsMax,
            mode: isFull || !offer.modes.contains(.interruptible) ? .onDemand : .interruptible,
            meterSeconds: max(1, min(policy.meterSeconds, LeaseBody.Bounds.meterSecondsMax)),
            exposureMicros: 0,
            noticeSeconds: offer.noticeSeconds,
            settlement: offer.settlements.first ?? "credit",
            termsHash: bid.bid.termsHash
        )
        body.capMicros = body.cost(ofMilliseconds: body.endAt - body.startAt)
        // Less than two intervals would stop every lease at its first tick.
        let interval = body.cost(ofMilliseconds: Int64(body.meterSeconds) * 1_000)
        body.exposureMicros = min(body.capMicros, max(policy.exposureMicrosMax, 2 * interval))
        let award = HeldAward(
            body: body,
            heldUntil: wall + policy.holdMilliseconds,
            sealedTerms: bid.sealedTerms
        )
        let ticket = drawTicket()
        groups[body.lease] = bid.group
        pending[ticket] = .award(award, bid.conversation, group: bid.group)
        outputs.append(.persist(ticket, [.putAward(award)]))
    }

    /// Slots of an offer that neither an award nor a running lease has, ascending.
    func freeSlots(of offer: OfferBody, wall: Int64) -> [Int] {
        let taken = takenSlots(of: offer.marketClass, wall: wall)
        return offer.slots.filter { !taken.contains($0) }
    }

    /// Whether slots may become free while the bid holds: by an award that lapses, or by an interruptible lease that yields.
    private func mayWait(_ bid: WaitingBid, _ wall: Int64) -> Bool {
        guard let offer = offers[bid.bid.offer]?.body else { return false }
        let held = heldAwards.filter { $0.body.machine == offer.machine && $0.heldUntil < bid.bid.validUntil }
        let lapsing = held.flatMap(\.body.slots).map(\.number)
        let yielding = yieldingLeases(to: bid, of: offer, wall).flatMap(\.slots).map(\.number)
        let free = Set(freeSlots(of: offer, wall: wall) + lapsing + yielding).intersection(offer.slots)
        return bid.bid.slots.isEmpty ? free.count >= bid.bid.count : free.isSuperset(of: bid.bid.slots)
    }

    /// Interruptible leases below the bid's price whose notice ends while it holds.
    private func yieldingLeases(to bid: WaitingBid, of offer: OfferBody, _ wall: Int64) -> [LeaseBody] {
        facts.leases.values.compactMap(CounterFacts.body).filter { body in
            body.machine == offer.machine && body.mode == .interruptible && facts.isRunning(body.lease, at: wall)
                && body.price.unit == bid.bid.unit && body.price.gpuHourMicros < bid.bid.gpuHourMicros
                && wall + Int64(body.noticeSeconds) * 1_000 < bid.bid.validUntil
        }.sorted { $0.price.gpuHourMicros < $1.price.gpuHourMicros }
    }

    private mutating func reclaim(for bid: WaitingBid, wall: Int64, into outputs: inout [Output]) {
        guard let offer = offers[bid.bid.offer]?.body else { return }
        let held = heldAwards.filter { $0.body.machine == offer.machine }.flatMap(\.body.slots).map(\.number)
        var available = Set(freeSlots(of: offer, wall: wall) + held).intersection(offer.slots).count
        for body in yieldingLeases(to: bid, of: offer, wall) {
            guard available < bid.bid.count || !bid.bid.slots.isEmpty else { return }
            available += body.slots.count
            guard bid.bid.slots.isEmpty || body.slots.contains(where: { bid.bid.slots.contains($0.number) }),
                reclaiming.insert(body.lease).inserted
            else { continue }
            outputs.append(.reclaim(body.lease, at: wall + Int64(body.noticeSeconds) * 1_000))
        }
    }

    /// The award as it is sent, with what became of each slot's last lease.
    func answer(_ award: HeldAward) -> MarketMessage.Content {
        var pasts: OrderedDictionary<LeaseID, LeaseAward.Past> = [:]
        for previous in award.body.slots.compactMap(\.previous) {
            guard let record = facts.leases[previous] else { continue }
            pasts[previous] = LeaseAward.Past(lease: record.envelope, close: facts.closes[previous]?.envelope ?? [])
        }
        return .award(LeaseAward(body: award.body, heldUntil: award.heldUntil, pasts: Array(pasts.values)))
    }
}
