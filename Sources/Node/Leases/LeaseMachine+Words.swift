internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// What is said about a lease: decided, signed, written, then told; and what the other party says.
extension LeaseMachine {
    /// Takes up what is next for a lease, and arms its deadline.
    mutating func advance(_ id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        settle(id, at: now, into: &outputs)
        settleByProgram(id, at: now, into: &outputs)
        guard let lease = leases[id] else { return }
        if !lease.isBusy, lease.retryAt.map({ $0 <= now }) ?? true {
            leases[id]?.retryAt = nil
            if let step = lease.nextStep(at: now) { begin(step, of: id, at: now, into: &outputs) }
        }
        for duty in leases[id]?.duties ?? [] where duty.dueAt <= now {
            ask(duty.kind, of: id, at: now, into: &outputs)
        }
        guard let lease = leases[id] else { return }
        if lease.duties.isEmpty { owing.remove(id) } else { owing.append(id) }
        deadlines.arm(id, at: lease.nextDeadline(clock))
    }

    /// What failed is tried again a little later.
    mutating func postpone(_ id: LeaseID, at now: Instant) {
        guard leases[id] != nil else { return }
        leases[id]?.isBusy = false
        leases[id]?.retryAt = now.advanced(by: LeaseLimits.retryInterval)
        deadlines.arm(id, at: leases[id]?.nextDeadline(clock))
    }

    /// What time alone decides.
    mutating func limit(_ id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id], !lease.isClosed, lease.closing == nil else { return }
        let wall = wall(now)
        if let (code, at) = lease.reclaim, at <= wall, lease.isProvider {
            // Who was to have it may have gone meanwhile: then the renter keeps it.
            guard code == .outbid, !counter.isWanted(id) else { return decide(id, code, at: now, into: &outputs) }
            leases[id]?.reclaim = nil
            leases[id]?.fulfil(.notice)
            leases[id]?.owe(.notice, at: now)
            counter.keep(id)
        }
        if lease.isProvider {
            if lease.body.endAt <= wall {
                decide(id, .expired, at: now, into: &outputs)
            } else if let end = lease.heardBy, end <= now {
                decide(id, .unreachable, at: now, into: &outputs)
            }
        } else if lease.renterLimit.at <= wall {
            decide(id, lease.renterLimit.code, at: now, into: &outputs)
        }
    }

    /// Closes a lease from our side.
    mutating func decide(_ id: LeaseID, _ code: CloseCode, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id], !lease.isClosed, lease.closing == nil else { return }
        leases[id]?.closing = code
        advance(id, at: now, into: &outputs)
    }

    // MARK: Our own words

    private mutating func begin(
        _ step: HeldLease.Step,
        of id: LeaseID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let lease = leases[id] else { return }
        leases[id]?.isBusy = true
        let body: RecordBody
        switch step {
        case .active: body = .leaseState(LeaseStateBody(of: lease.body, standing: .active))
        case .close(let code): body = .leaseState(LeaseStateBody(of: lease.body, standing: .closed, code: code))
        case .receipt(let receipt): body = .receipt(receipt)
        case .countersign(let receipt):
            guard let countersignature = CountersignatureBody(receipt) else { return }
            body = .countersignature(countersignature)
        }
        sign(body, for: .step(id), expiresAt: body.expiryMax(issuedAt: wall(now)), into: &outputs)
    }

    /// A word of ours is signed: it is written before anybody hears it.
    mutating func write(_ record: SignedRecord, of id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id] else { return }
        if lease.isProvider, case .leaseState(let state) = record.record.body, state.standing == .closed {
            // The counter writes it with its own books, and then the devices are free.
            guard !counter.hasClosed(id) else {
                leases[id]?.isBusy = false
                return
            }
            return stepCounter(.closed(record), at: now, into: &outputs)
        }
        persist(changes(saying: record, of: lease), for: .step(id, record), into: &outputs)
    }

    func changes(saying record: SignedRecord, of lease: HeldLease) -> [StoreChange] {
        switch record.record.body {
        case .receipt: return rows(of: record, for: lease.body).map(StoreChange.putRow)
        case .countersignature(let body):
            return rows(of: body.receipt, countersignature: record, for: lease.body).map(StoreChange.putRow)
        default:
            let stored =
                switch lease.meter {
                case .provider(let meter): meter.state.stored
                case .renter(let meter): meter.state.stored
                }
            return [
                .putRow(StoredRow(saying: record, of: lease.id)),
                .putRow(StoredRow(.vouchers, key: lease.id.bytes, value: stored)),
            ]
        }
    }

    /// A receipt as it is kept; once both have signed it settles the books, in the same write.
    func rows(
        of receipt: SignedRecord,
        countersignature: SignedRecord? = nil,
        for body: LeaseBody
    ) -> [StoredRow] {
        let stored = StoredReceipt(receipt: receipt, countersignature: countersignature)
        var rows = [StoredRow(.receipts, key: body.lease.bytes, value: stored.stored)]
        if countersignature != nil, let entry = lastBooking(of: receipt, for: body) {
            rows.append(StoredRow(.credit, key: body.lease.bytes, value: entry.stored))
        }
        return rows
    }

    /// A word is durable: ours is told to everybody, and the other party until it says that it knows.
    mutating func said(_ record: SignedRecord, of id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id] else { return }
        if case .leaseState(let state) = record.record.body, state.standing == .closed {
            return closed(id, by: record, at: now, into: &outputs)
        }
        if record.author == key.publicKey {
            leases[id]?.isBusy = false
            outputs.append(.publish(record))
        }
        switch record.record.body {
        case .leaseState:
            leases[id]?.active = record
            // Nothing is counted before the renter has heard it.
            if lease.isProvider { awaitHearing(of: id, at: now) }
        case .receipt:
            leases[id]?.receipt = record
            leases[id]?.owe(.receipt, at: now)
        case .countersignature(let body):
            let wasClosed = lease.isClosed
            leases[id]?.receipt = body.receipt
            leases[id]?.countersignature = record
            if let entry = lastBooking(of: body.receipt, for: lease.body) { ledger.apply(entry) }
            leases[id]?.offeredReceipt = nil
            leases[id]?.fulfil(.receipt)
            if !wasClosed, let lease = leases[id] { outputs.append(.event(.leaseEnded(lease.summary))) }
            if !lease.isProvider {
                leases[id]?.fulfil(.close)
                answerReceipt(of: id, with: record, at: now, into: &outputs)
            }
            release(lease.counterparty, into: &outputs)
        default: break
        }
        if let lease = leases[id] { outputs.append(.event(.leaseChanged(lease.summary))) }
        advance(id, at: now, into: &outputs)
    }

    /// A close is durable, whoever's it is.
    mutating func closed(_ id: LeaseID, by record: SignedRecord, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id] else { return }
        let isOwn = record.author == key.publicKey
        if isOwn {
            leases[id]?.isBusy = false
            leases[id]?.owe(.close, at: now)
            outputs.append(.publish(record))
        } else if let conversation = closeReplies.removeValue(forKey: id) {
            stepStreams(.reply(conversation, .done), at: now, into: &outputs)
        }
        if record.author == lease.body.provider {
            leases[id]?.providerClose = record
        } else {
            leases[id]?.renterClose = record
        }
        leases[id]?.closing = nil
        leases[id]?.fulfil(.active)
        leases[id]?.fulfil(.notice)
        stepMeter(of: id, .closed(at: leases[id]?.closedAt ?? wall(now)), at: now, into: &outputs)
        if !lease.isClosed, let lease = leases[id] {
            outputs.append(.event(.leaseEnded(lease.summary)))
            for command in closeWaiters.removeValue(forKey: id) ?? [] {
                outputs.append(.answer(command, .lease(lease.summary)))
            }
        }
        advance(id, at: now, into: &outputs)
    }

    private mutating func answerReceipt(
        of id: LeaseID,
        with countersignature: SignedRecord,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let conversation = leases[id]?.receiptReply else { return }
        leases[id]?.receiptReply = nil
        let content = MarketMessage.Content.countersignature(envelope: countersignature.envelope)
        stepStreams(.reply(conversation, content), at: now, into: &outputs)
    }

    /// The renter is told that it can use the GPUs, until it says that it has heard.
    mutating func awaitHearing(of id: LeaseID, at now: Instant) {
        guard let lease = leases[id] else { return }
        leases[id]?.owe(.active, at: now)
        leases[id]?.heardBy = now.advanced(by: lease.hearingTimeout)
    }

    /// The renter knows that it can use the GPUs: from here on their use is counted.
    mutating func renterHeard(of id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id], !lease.isClosed, lease.heardBy != nil else { return }
        leases[id]?.heardBy = nil
        stepMeter(of: id, .ready(at: wall(now)), at: now, into: &outputs)
        if let lease = leases[id] { outputs.append(.event(.leaseChanged(lease.summary))) }
    }

    /// Whether a lease between the two is not under both signatures yet.
    func isOpen(with party: Ed25519.PublicKey) -> Bool {
        leases.values.contains { $0.counterparty == party && $0.countersignature == nil }
    }

    /// A party with whom no lease is left may be trimmed again.
    private func release(_ party: Ed25519.PublicKey, into outputs: inout [Output]) {
        guard !isOpen(with: party) else { return }
        outputs.append(.swarm(.protect(PeerID(publicKey: party), false)))
    }

    // MARK: The other party's words

    /// A record about one of our leases, from a stream or from the market.
    mutating func heard(
        _ record: SignedRecord,
        in conversation: CounterConversation?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        if let id = record.record.body.lease, leases[id] == nil,
            adoptions[id] != nil || expects(id)
        {
            early[id] = (record, conversation)
            return
        }
        guard let id = record.record.body.lease, let lease = leases[id], record.author == lease.counterparty,
            record.record.network == network, conversation == nil || record.signatureChecks.allSatisfy(\.holds)
        else { return refuse(conversation, at: now, into: &outputs) }
        switch record.record.body {
        case .leaseState(let state) where state.standing == .closed && state.provider == lease.body.provider:
            guard lease.isProvider ? lease.renterClose == nil : lease.providerClose == nil else { break }
            guard lease.isProvider else {
                return persist(
                    [.putRow(StoredRow(saying: record, of: id))],
                    for: .heard(id, record, conversation),
                    into: &outputs
                )
            }
            // Closed already by us: the counter has its one close, and the renter's adds nothing.
            guard lease.providerClose == nil else { break }
            if let conversation { closeReplies[id] = conversation }
            return stepCounter(.closed(record), at: now, into: &outputs)
        case .leaseState(let state) where state.standing == .active && !lease.isProvider:
            guard lease.active == nil, !lease.isClosed else { break }
            // Whatever time the word gives itself: nobody has used what it had not heard of.
            stepMeter(of: id, .ready(at: wall(now)), at: now, into: &outputs)
            guard let heard = leases[id] else { return }
            return persist(changes(saying: record, of: heard), for: .heard(id, record, conversation), into: &outputs)
        case .receipt where !lease.isProvider: return consider(record, of: id, conversation, at: now, into: &outputs)
        case .countersignature(let body) where lease.isProvider:
            guard lease.countersignature == nil, isOwn(body.receipt, of: lease) else { break }
            return persist(changes(saying: record, of: lease), for: .heard(id, record, conversation), into: &outputs)
        default: return refuse(conversation, at: now, into: &outputs)
        }
        if let conversation { stepStreams(.reply(conversation, .done), at: now, into: &outputs) }
    }

    /// The receipt that we hold, or one that we signed before a backup was restored.
    private func isOwn(_ receipt: SignedRecord, of lease: HeldLease) -> Bool {
        guard receipt != lease.receipt else { return true }
        guard case .receipt(let body) = receipt.record.body else { return false }
        return receipt.author == key.publicKey && body.lease == lease.id && receipt.signatureChecks.allSatisfy(\.holds)
    }

    /// What the other party said is durable.
    mutating func stored(
        heard record: SignedRecord,
        of id: LeaseID,
        _ conversation: CounterConversation?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        said(record, of: id, at: now, into: &outputs)
        if let conversation { stepStreams(.reply(conversation, .done), at: now, into: &outputs) }
    }

    /// The provider wants its receipt countersigned: it may say no more than was promised.
    private mutating func consider(
        _ receipt: SignedRecord,
        of id: LeaseID,
        _ conversation: CounterConversation?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let lease = leases[id], case .renter(let meter) = lease.meter else { return }
        if let countersignature = lease.countersignature {
            guard let conversation else { return }
            let content = MarketMessage.Content.countersignature(envelope: countersignature.envelope)
            return stepStreams(.reply(conversation, content), at: now, into: &outputs)
        }
        guard meter.agrees(with: receipt), lease.agrees(withCodeOf: receipt, at: wall(now)) else {
            return refuse(conversation, at: now, into: &outputs)
        }
        leases[id]?.offeredReceipt = receipt
        if let conversation { leases[id]?.receiptReply = conversation }
        advance(id, at: now, into: &outputs)
    }

    /// A word that reached the book: of the other party, or our own that comes back to a home that was restored.
    mutating func seen(_ record: SignedRecord, at now: Instant, into outputs: inout [Output]) {
        guard record.author == key.publicKey else { return heard(record, in: nil, at: now, into: &outputs) }
        if let id = record.record.body.lease { learn(record, of: id, at: now, into: &outputs) }
    }

    /// A word about a lease that is held, from whoever has kept it.
    ///
    /// What we said ourselves before a backup was restored is our word still.
    mutating func learn(_ word: SignedRecord, of id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id], !lease.words.contains(word) else { return }
        guard word.author == key.publicKey else { return heard(word, in: nil, at: now, into: &outputs) }
        let isNews: Bool
        switch word.record.body {
        case .leaseState(let state) where state.standing == .closed:
            guard lease.isProvider else {
                isNews = lease.renterClose == nil
                break
            }
            guard lease.providerClose == nil, !counter.hasClosed(id) else { return }
            return stepCounter(.closed(word), at: now, into: &outputs)
        case .leaseState: isNews = lease.isProvider && lease.active == nil && !lease.isClosed
        case .receipt: isNews = lease.isProvider && lease.receipt == nil
        case .countersignature: isNews = !lease.isProvider && lease.countersignature == nil
        default: isNews = false
        }
        guard isNews else { return }
        persist(changes(saying: word, of: lease), for: .heard(id, word, nil), into: &outputs)
    }

    /// It is about no lease of ours, or not the other party's to say.
    private mutating func refuse(
        _ conversation: CounterConversation?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let conversation else { return }
        stepStreams(.reply(conversation, .refusal(Refusal(.expired))), at: now, into: &outputs)
    }

    // MARK: Commands

    mutating func close(
        _ id: LeaseID,
        _ code: CloseCode,
        for command: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let lease = leases[id] else { return outputs.append(.answer(command, .failed(.unknownLease))) }
        guard !lease.isClosed else { return outputs.append(.answer(command, .failed(.leaseClosed))) }
        let thousand = code.rawValue / 1_000
        guard thousand == 3 || thousand == (lease.isProvider ? 2 : 1) else {
            return outputs.append(.answer(command, .failed(.notOurs)))
        }
        if code == .reclaimed {
            // Only what was let as interruptible may be taken back, and not before its notice.
            guard lease.body.mode == .interruptible else {
                return outputs.append(.answer(command, .failed(.onDemand)))
            }
            let at = wall(now) + Int64(lease.body.noticeSeconds) * 1_000
            let row = StoredRow(noticeOf: id, at: at)
            return persist([.putRow(row)], for: .notice(id, at: at, command), into: &outputs)
        }
        closeWaiters[id, default: []].append(command)
        decide(id, code, at: now, into: &outputs)
    }

    mutating func becomeReady(_ id: LeaseID, for command: CommandID, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id] else { return outputs.append(.answer(command, .failed(.unknownLease))) }
        guard lease.isProvider else { return outputs.append(.answer(command, .failed(.notOurs))) }
        guard !lease.isClosed else { return outputs.append(.answer(command, .failed(.leaseClosed))) }
        leases[id]?.isReadyWanted = true
        outputs.append(.answer(command, .done))
        advance(id, at: now, into: &outputs)
    }
}

extension LeaseStateBody {
    fileprivate init(of lease: LeaseBody, standing: LeaseStanding, code: CloseCode? = nil) {
        self.init(
            lease: lease.lease,
            marketClass: lease.marketClass,
            provider: lease.provider,
            standing: standing,
            code: code,
            endAt: lease.endAt
        )
    }
}

extension RecordBody {
    /// The lease that a state, a receipt or a countersignature speaks of.
    fileprivate var lease: LeaseID? {
        switch self {
        case .leaseState(let body): body.lease
        case .receipt(let body): body.lease
        case .countersignature(let body): body.body.lease
        case .machine, .offer, .presence, .withdrawal, .conflict, .request, .bid, .lease, .attestation, .proof,
            .storefront:
            nil
        }
    }
}
