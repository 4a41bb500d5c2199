internal import Cryptography
internal import OrderedCollections
internal import Primitives

// From an award to a lease, or back to free devices.
extension ProviderCounter {
    mutating func accept(
        _ conversation: CounterConversation,
        from renter: Ed25519.PublicKey,
        _ bid: BidID,
        _ acceptance: LeaseAcceptance,
        wall: Int64,
        into outputs: inout [Output]
    ) {
        let lease = LeaseID(provider: key, renter: renter, bid: bid)
        if let record = facts.leases[lease] {
            outputs.append(.reply(conversation, .lease(envelope: record.envelope)))
            return
        }
        guard let award = facts.awards[lease], !dropping.contains(lease), wall < award.heldUntil,
            wall <= acceptance.acceptUntil
        else {
            outputs.append(.reply(conversation, .refusal(Refusal(.expired))))
            return
        }
        // The first acceptance is being made a lease; its answer goes to whoever asked first.
        guard !accepting.contains(lease) else { return }
        guard acceptance.signatureCheck(of: award.body, network: network).holds else {
            outputs.append(.reply(conversation, .refusal(Refusal(.badAcceptance))))
            return
        }
        accepting.insert(lease)
        let ticket = drawTicket()
        pending[ticket] = .signing(award, acceptance, conversation)
        let body = RecordBody.lease(AcceptedLease(body: award.body, acceptance: acceptance))
        outputs.append(.sign(ticket, body, expiresAt: LeaseBody.expiryMax(endAt: award.body.endAt)))
    }

    mutating func signed(_ ticket: CounterTicket, _ record: SignedRecord, wall: Int64, into outputs: inout [Output]) {
        guard case .signing(let award, _, let conversation)? = pending.removeValue(forKey: ticket) else { return }
        guard !isLeased(award, wall: wall) else {
            accepting.remove(award.body.lease)
            drop(award.body.lease, into: &outputs)
            outputs.append(.reply(conversation, .refusal(Refusal(.noFreeSlots))))
            return
        }
        let next = drawTicket()
        let forgotten = forgettable(after: award.body, wall: wall)
        pending[next] = .lease(record, award, conversation, forgotten: forgotten)
        outputs.append(
            .persist(next, [.putLease(record, sealedTerms: award.sealedTerms)] + forgotten.map(CounterChange.dropLease))
        )
    }

    /// Closed leases that are no slot's newest once this one is: nobody asks for their past any longer.
    ///
    /// One whose end nobody has said yet stays until somebody does: a close must find it.
    private func forgettable(after body: LeaseBody, wall: Int64) -> [LeaseID] {
        var remaining = newest
        for slot in body.slots { remaining[SlotKey(machine: body.machine, slot: slot.number)] = body.lease }
        let kept = Set(remaining.values)
        // Oldest first: nothing behind a lease that was signed within the hour is older.
        return facts.leases.prefix { $0.value.record.issuedAt < wall - Self.bidMemory.milliseconds }
            .filter { facts.closes[$0.key] != nil && !kept.contains($0.key) && !needs($0.key, at: wall) }.map(\.key)
    }

    mutating func cancel(
        _ conversation: CounterConversation,
        from renter: Ed25519.PublicKey,
        _ bid: BidID,
        wall: Int64,
        into outputs: inout [Output]
    ) {
        for offer in offers.keys { offers[offer]?.waiting.removeAll { $0.bidder == renter && $0.bid.bid == bid } }
        let lease = LeaseID(provider: key, renter: renter, bid: bid)
        // It comes too late: the renter has accepted, and may not know what came of it.
        if let record = facts.leases[lease] {
            outputs.append(.reply(conversation, .lease(envelope: record.envelope)))
            return
        }
        // A lease is being made; who asks again learns of it.
        guard !accepting.contains(lease) else { return }
        for case (let ticket, .award(let award, _, let group)) in pending where award.body.lease == lease {
            pending[ticket] = .award(award, conversation, group: group)
            withdrawn.insert(lease)
            return
        }
        guard let award = facts.awards[lease], !dropping.contains(lease) else {
            outputs.append(.reply(conversation, .done))
            return
        }
        let freeCancels = cooling[renter]?.freeCancels ?? 0
        if wall > award.body.startAt + Self.freeCancelMilliseconds || freeCancels == Self.freeCancelCountMax {
            cool(renter, wall: wall)
        } else {
            cooling[renter, default: Cooling(until: wall, lapses: 0)].freeCancels += 1
            boundCooling()
        }
        drop(lease, for: conversation, into: &outputs)
    }

    mutating func close(_ record: SignedRecord, into outputs: inout [Output]) {
        guard case .leaseState(let state) = record.record.body, state.standing == .closed, state.provider == key,
            let body = facts.leases[state.lease].flatMap(CounterFacts.body), facts.closes[state.lease] == nil,
            record.author == key || record.author == body.renter, record.signatureChecks.allSatisfy(\.holds)
        else { return }
        let ticket = drawTicket()
        pending[ticket] = .close(state.lease)
        outputs.append(.persist(ticket, [.putClose(state.lease, record)]))
        closing[ticket] = record
    }

    /// Whether a lease that was learnt back has a device of an award.
    private func isLeased(_ award: HeldAward, wall: Int64) -> Bool {
        let leased = leasedSlots(of: award.body.marketClass, wall: wall)
        return award.body.slots.contains { leased.contains($0.number) }
    }

    /// Takes a lease into the books that was signed before a backup was restored.
    ///
    /// Awards that stand in its way go back: they bind nobody. What is being signed for one of them is not sent.
    mutating func adopt(
        _ lease: LeaseID,
        _ record: SignedRecord?,
        close: SignedRecord?,
        into outputs: inout [Output]
    ) {
        adopting[lease] = nil
        guard let record, let body = CounterFacts.body(of: record), facts.leases[lease] == nil else { return }
        if facts.awards[lease] != nil { facts.apply(.dropAward(lease)) }
        facts.apply(.putLease(record, sealedTerms: []))
        if let close { facts.apply(.putClose(lease, close)) }
        newest = facts.newest()
        knownRenters.insert(body.renter)
        let slots = Set(body.slots.map(\.number))
        for (other, award) in facts.awards where award.body.marketClass == body.marketClass {
            guard !accepting.contains(other), !slots.isDisjoint(with: award.body.slots.map(\.number)) else { continue }
            drop(other, into: &outputs)
        }
    }

    mutating func persisted(_ ticket: CounterTicket, wall: Int64, into outputs: inout [Output]) {
        switch pending.removeValue(forKey: ticket) {
        case nil: break
        case .award(let award, let conversation, _):
            facts.apply(.putAward(award))
            if withdrawn.remove(award.body.lease) != nil {
                return drop(award.body.lease, for: conversation, into: &outputs)
            }
            guard !isLeased(award, wall: wall) else {
                drop(award.body.lease, into: &outputs)
                outputs.append(.reply(conversation, .refusal(Refusal(.noFreeSlots))))
                return
            }
            outputs.append(.reply(conversation, answer(award)))
        case .drop(let lease, let conversation):
            facts.apply(.dropAward(lease))
            dropping.remove(lease)
            groups[lease] = nil
            if let conversation { outputs.append(.reply(conversation, .done)) }
        case .signing(let award, _, _): preconditionFailure("nothing of \(award.body.lease) was to be stored")
        case .lease(let record, let award, let conversation, let forgotten):
            for lease in forgotten { facts.apply(.dropLease(lease)) }
            facts.apply(.putLease(record, sealedTerms: award.sealedTerms))
            for slot in award.body.slots {
                newest[SlotKey(machine: award.body.machine, slot: slot.number)] = award.body.lease
            }
            accepting.remove(award.body.lease)
            groups[award.body.lease] = nil
            knownRenters.insert(award.body.renter)
            outputs.append(.leased(record, sealedTerms: award.sealedTerms))
            outputs.append(.reply(conversation, .lease(envelope: record.envelope)))
        case .close(let lease):
            if let record = closing.removeValue(forKey: ticket) {
                facts.apply(.putClose(lease, record))
                judge(record, wall: wall)
            }
            reclaiming.remove(lease)
        }
    }

    mutating func failed(_ ticket: CounterTicket, wall: Int64, into outputs: inout [Output]) {
        switch pending.removeValue(forKey: ticket) {
        case nil: break
        case .award(let award, let conversation, _):
            groups[award.body.lease] = nil
            let isWithdrawn = withdrawn.remove(award.body.lease) != nil
            outputs.append(.reply(conversation, isWithdrawn ? .done : .refusal(Refusal(.notDurable))))
        case .drop(let lease, _):
            dropping.remove(lease)
            retryAt = wall + Self.retryInterval.milliseconds
        case .signing(let award, _, let conversation), .lease(_, let award, let conversation, _):
            // Nothing left the house: the award stands, and the renter may ask again while it does.
            accepting.remove(award.body.lease)
            outputs.append(.reply(conversation, .refusal(Refusal(.notDurable, retryMilliseconds: 1_000))))
        case .close: closing[ticket] = nil
        }
    }

    /// Frees what nobody accepted in time, and lets the bidder wait before its next award.
    mutating func release(wall: Int64, into outputs: inout [Output]) {
        if let retryAt, retryAt > wall { return }
        retryAt = nil
        for (lease, award) in facts.awards where award.heldUntil <= wall {
            guard !accepting.contains(lease), !dropping.contains(lease) else { continue }
            drop(lease, into: &outputs)
            // What lapsed long ago, and was found in a home again, says nothing of who bids today.
            if award.heldUntil > wall - Self.coolingMax.milliseconds { cool(award.body.renter, wall: wall) }
        }
    }

    /// Who left a lease unpaid waits as one whose awards lapse, and longer each time; any other end wipes the slate.
    private mutating func judge(_ close: SignedRecord, wall: Int64) {
        guard case .leaseState(let state) = close.record.body,
            let renter = facts.leases[state.lease].flatMap(CounterFacts.body)?.renter
        else { return }
        if state.code == .unpaid { cool(renter, wall: wall) } else { cooling[renter] = nil }
    }

    private mutating func drop(
        _ lease: LeaseID,
        for conversation: CounterConversation? = nil,
        into outputs: inout [Output]
    ) {
        guard dropping.insert(lease).inserted else { return }
        let ticket = drawTicket()
        pending[ticket] = .drop(lease, conversation)
        outputs.append(.persist(ticket, [.dropAward(lease)]))
    }

    private mutating func cool(_ bidder: Ed25519.PublicKey, wall: Int64) {
        let lapses = (cooling[bidder]?.lapses ?? 0) + 1
        let wait = min(policy.coolingDown * (1 << min(lapses - 1, 16)), Self.coolingMax)
        cooling[bidder] = Cooling(until: wall + wait.milliseconds, lapses: lapses)
        boundCooling()
    }

    private mutating func boundCooling() {
        guard cooling.count > Self.coolingCountMax else { return }
        if let first = cooling.min(by: { $0.value.until < $1.value.until })?.key { cooling[first] = nil }
    }

    mutating func announceFreeSlots(wall: Int64, into outputs: inout [Output]) {
        for (offer, served) in offers {
            let free = freeSlots(of: served.body, wall: wall)
            guard free != served.announcedFree else { continue }
            offers[offer]?.announcedFree = free
            outputs.append(.freeSlots(offer, free))
        }
    }
}
