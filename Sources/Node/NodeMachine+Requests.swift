internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives

// The reverse auction as its renter sees it: providers bid on what it asks for, and the best bid at the deadline becomes a bid on its
// provider's offer, which the provider's counter takes as any other.
extension NodeMachine {
    // MARK: The renter

    mutating func publishRequest(_ draft: RequestDraft, _ id: CommandID, at now: Instant, into outputs: inout [Output])
    {
        let wall = wall.unixMilliseconds(at: now)
        guard Set(draft.alternatives.map(\.marketClass)).count == 1 else {
            return outputs.append(.answer(id, .failed(.refused(.mixedClasses))))
        }
        guard requests.openCount < RequestPlan.countMax else {
            return outputs.append(.answer(id, .failed(.tooMany(limit: RequestPlan.countMax))))
        }
        let request = RequestID(random: &random)
        let body = draft.body(request, sealingKey: desk.sealingKey, at: wall)
        let plan = RequestPlan(
            request: request,
            deadline: body.deadline,
            isAutomatic: draft.isAutomatic,
            terms: draft.terms
        )
        requests.own[request] = RequestDesk.Own(plan: plan)
        requests.planned[request] = (body, id)
        // Whoever is asked to run something must know after a crash what it was.
        outputs.append(.persist(tickets.draw(for: .request(request)), [storedRequests]))
    }

    /// After a start: what was asked before, as far as the book still holds it.
    mutating func restoreRequests() {
        for request in requests.own.keys {
            requests.own[request]?.record = book.current(.request(request, of: key.publicKey))
        }
    }

    private var storedRequests: StoreChange { .setFact(name: RequestDesk.factName, value: requests.stored) }

    /// A plan is durable: now the market may hear of it, or a bid be placed.
    mutating func requestPersisted(_ request: RequestID, at now: Instant, into outputs: inout [Output]) {
        if let wish = requests.chosen.removeValue(forKey: request) {
            return carryOut(.placeBid(wish, waits: true), requests.accept(request), at: now, into: &outputs)
        }
        guard let (body, command) = requests.planned.removeValue(forKey: request) else { return }
        let expiresAt = body.deadline + RequestDesk.slackMilliseconds
        state(.request(body), expiresAt: expiresAt, for: .request(request, command))
    }

    mutating func requestPersistFailed(
        _ request: RequestID,
        _ failure: StoreFailure,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        if requests.chosen.removeValue(forKey: request) != nil {
            requests.own[request]?.plan.isDecided = false
            let accepting = requests.own[request]?.accepting
            requests.own[request]?.accepting = nil
            if let waiter = accepting?.waiter { outputs.append(.answer(waiter, .failed(.notDurable(failure)))) }
            // Whoever chooses by itself tries again, within its attempts.
            if let accepting { note(.notPlaced(.notDurable(failure)), by: accepting, on: request, at: now) }
            return
        }
        requests.own[request] = nil
        guard let planned = requests.planned.removeValue(forKey: request) else { return }
        outputs.append(.answer(planned.command, .failed(.notDurable(failure))))
    }

    mutating func withdrawRequest(
        _ request: RequestID,
        _ id: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let own = requests.own[request], own.outcome == .open, requests.planned[request] == nil else {
            return outputs.append(.answer(id, .failed(.unknownRequest)))
        }
        // A bid that is being accepted may be a lease already.
        guard own.accepting == nil else { return outputs.append(.answer(id, .failed(.busy))) }
        endRequest(request, .withdrawn, at: now)
        outputs.append(.answer(id, .done))
    }

    mutating func acceptRequest(
        _ request: RequestID,
        _ bid: BidID?,
        _ id: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let own = requests.own[request], own.outcome == .open, own.record != nil else {
            return outputs.append(.answer(id, .failed(.unknownRequest)))
        }
        guard own.accepting == nil else { return outputs.append(.answer(id, .failed(.busy))) }
        let candidates = candidates(for: own, at: now).filter { $0.shortfall == nil }
        let wanted = candidates.first { candidate in bid.map { candidate.body.bid == $0 } ?? true }
        guard let wanted else { return outputs.append(.answer(id, .failed(.noFittingBid))) }
        accept(wanted, of: request, waiter: id, at: now, into: &outputs)
    }

    /// Places the bid that the provider has promised to award.
    private mutating func accept(
        _ candidate: RequestChoice.Candidate,
        of request: RequestID,
        waiter: CommandID?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let own = requests.own[request], let listing = candidate.listing else { return }
        var wish = BidWish(
            offer: listing.id,
            count: candidate.body.count,
            gpuHourMicros: candidate.body.gpuHourMicros,
            durationSeconds: candidate.body.durationSeconds,
            terms: own.plan.terms
        )
        // The offer may change until the bid is placed; what was bid is in this unit.
        wish.unit = candidate.body.unit
        let provider = candidate.record.author
        if waiter == nil {
            wish.patienceMilliseconds = RequestDesk.patienceMilliseconds
            let hasTime = own.silent.contains(provider) || leases.first?.paidProviders.contains(provider) == true
            wish.answerMilliseconds = hasTime ? nil : RequestDesk.answerMilliseconds
        }
        let network = network(of: provider, own)
        requests.own[request]?.accepting = (provider, network, waiter)
        guard !own.plan.isDecided else {
            return carryOut(.placeBid(wish, waits: true), requests.accept(request), at: now, into: &outputs)
        }
        // Before the bid leaves: a life that begins in between must not choose once more.
        requests.own[request]?.plan.isDecided = true
        requests.chosen[request] = wish
        outputs.append(.persist(tickets.draw(for: .request(request)), [storedRequests]))
    }

    /// A bid that accepts a promise has come to something.
    private mutating func accepted(
        _ command: CommandID,
        _ answer: NodeAnswer,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let request = requests.acceptances.removeValue(forKey: command),
            let accepting = requests.own[request]?.accepting
        else { return }
        requests.own[request]?.accepting = nil
        if let waiter = accepting.waiter { outputs.append(.answer(waiter, answer)) }
        switch answer {
        case .bid(let status):
            if case .leased(let lease) = status.outcome {
                requests.forgive(accepting.network)
                return endRequest(request, .leased(lease), at: now)
            }
            var failure = BidFailure.noAnswer
            if case .failed(let reason) = status.outcome { failure = reason }
            note(.bid(failure), by: accepting, on: request, at: now)
            guard failure == .uncertain else { return }
            // Who may have a lease already takes no second one beside it: the renter is to say, or it is given up.
            guard accepting.waiter == nil else { return endRequest(request, .failed, at: now) }
            work.append(.leases(.forsake(status.bid)))
        case .failed(let failure): note(.notPlaced(failure), by: accepting, on: request, at: now)
        default: note(.bid(.noAnswer), by: accepting, on: request, at: now)
        }
    }

    private mutating func note(
        _ answer: RequestStatus.Attempt.Answer,
        by accepting: (provider: Ed25519.PublicKey, network: UInt64, waiter: CommandID?),
        on request: RequestID,
        at now: Instant
    ) {
        let attempt = RequestStatus.Attempt(provider: accepting.provider, answer: answer)
        requests.note(attempt, of: accepting.network, on: request, at: wall.unixMilliseconds(at: now))
    }

    /// Takes what became of acceptances out of a step's outputs; says whether there was any.
    mutating func takeAcceptances(_ outputs: inout [Output], at now: Instant) -> Bool {
        guard !requests.acceptances.isEmpty else { return false }
        var answers: [(CommandID, NodeAnswer)] = []
        var kept: [Output] = []
        for output in outputs {
            if case .answer(let command, let answer) = output, RequestDesk.owns(command) {
                answers.append((command, answer))
            } else {
                kept.append(output)
            }
        }
        guard !answers.isEmpty else { return false }
        outputs = kept
        for (command, answer) in answers { accepted(command, answer, at: now, into: &outputs) }
        return true
    }

    /// Decides what is due: the best bid, or that there is none.
    mutating func decideRequests(at now: Instant, into outputs: inout [Output]) {
        let wall = wall.unixMilliseconds(at: now)
        guard case .running = phase, let due = requests.dueAt, due <= wall else { return }
        for (request, own) in requests.own where own.outcome == .open && own.accepting == nil {
            guard requests.decidesItself(own), own.plan.deadline <= wall else {
                if own.plan.deadline + RequestDesk.slackMilliseconds <= wall { endRequest(request, .failed, at: now) }
                continue
            }
            guard own.attemptCount < RequestDesk.attemptCountMax, let best = next(for: own, at: now) else {
                endRequest(request, .failed, at: now)
                continue
            }
            accept(best, of: request, waiter: nil, at: now, into: &outputs)
        }
    }

    private mutating func endRequest(_ request: RequestID, _ outcome: RequestStatus.Outcome, at now: Instant) {
        guard let own = requests.own[request] else { return }
        let shortage = outcome == .failed ? shortage(of: own, at: now) : nil
        requests.own[request]?.shortage = shortage
        requests.own[request]?.outcome = outcome
        cacheChanges.append(storedRequests)
        requests.forgetPast()
        guard let record = own.record, case .request(let body) = record.record.body else { return }
        let withdrawal = WithdrawalBody(
            subject: .request(request),
            marketClass: body.classes.first ?? .other,
            reason: 0
        )
        state(.withdrawal(withdrawal), expiresAt: record.record.expiresAt, for: .announcement)
    }

    /// A provider's private bid on a request of ours; says why not if it is not taken.
    mutating func hear(_ record: SignedRecord, from network: UInt64, at now: Instant) -> Refusal? {
        guard case .bid(let body) = record.record.body, case .request(let request) = body.target,
            let own = requests.own[request], own.outcome == .open, own.record?.id == body.targetRecord,
            wall.unixMilliseconds(at: now) <= own.plan.deadline
        else { return Refusal(.expired) }
        guard !leaseSeat.policy.counter.blockedPeers.contains(record.author) else { return Refusal(.blocked) }
        let choice = own.record.flatMap {
            RequestChoice(
                of: $0,
                culprits: [],
                blockedPeers: [],
                context: SearchContext(now: wall.unixMilliseconds(at: now))
            )
        }
        // What is no use takes no place from what is.
        switch choice?.shortfall(of: record, listing: { book.listing(for: $0) }) {
        case nil, .filters, .proven, .blocked:
            return requests.keep(record, from: network, on: request) { leases.first?.paidProviders ?? [] }
        // The offer may be on its way.
        case .unknownOffer: return Refusal(.unknownOffer, retryMilliseconds: LeaseLimits.dutyRetryMin.milliseconds)
        case .expired, .notForThisRequest: return Refusal(.expired)
        case .otherUnit: return Refusal(.wrongUnit)
        case .tooDear: return Refusal(.outbid)
        case .wrongDuration: return Refusal(.durationOutOfBounds)
        // They may become free before the deadline.
        case .wrongGPUs: return Refusal(.noFreeSlots, retryMilliseconds: LeaseLimits.dutyRetryMin.milliseconds)
        }
    }

    /// The newest first.
    func requestStatuses(at now: Instant) -> [RequestStatus] {
        requests.own.values.reversed().map { own in
            RequestStatus(
                request: own.plan.request,
                record: own.record,
                isAutomatic: own.plan.isAutomatic,
                deadline: own.plan.deadline,
                outcome: own.outcome,
                candidates: candidates(for: own, at: now),
                attempts: own.attempts,
                shortage: own.shortage
            )
        }
    }

    // MARK: Signatures

    /// A request of ours is signed, or nobody would take it.
    mutating func requestSigned(
        _ request: RequestID,
        _ command: CommandID,
        _ result: Result<SignedRecord, DeskRefusal>,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch result {
        case .success(let record):
            requests.own[request]?.record = record
            publishStatement(record, at: now)
            outputs.append(.answer(command, .statement(record)))
        case .failure(let refusal):
            requests.own[request] = nil
            cacheChanges.append(storedRequests)
            outputs.append(.answer(command, .failed(.refused(refusal))))
        }
    }
}
