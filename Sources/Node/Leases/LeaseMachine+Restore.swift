internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// Back from the disk, and on from there.
extension LeaseMachine {
    mutating func restore(_ restored: RestoredLeases) {
        for (id, row) in restored.leases {
            let body = row.body
            let isProvider = body.provider == key.publicKey
            guard isProvider || body.renter == key.publicKey else { continue }
            var terms = row.stored.terms
            let meter: HeldLease.Meter
            if isProvider {
                let box = row.stored.sealedTerms
                terms = opened(box, bid: body.bid, from: body.renter, hash: body.termsHash)
                let state = row.meter.flatMap { try? ProviderMeter.MeterState(stored: $0) }
                if row.meter != nil, state == nil { damagedCount += 1 }
                meter = .provider(
                    ProviderMeter(lease: body, key: key, network: network, state: state ?? ProviderMeter.MeterState())
                )
            } else {
                let state = row.meter.flatMap { try? RenterMeter.MeterState(stored: $0) }
                if row.meter != nil, state == nil { damagedCount += 1 }
                meter = .renter(
                    RenterMeter(lease: body, key: key, network: network, state: state ?? RenterMeter.MeterState())
                )
            }
            var lease = HeldLease(record: row.stored.record, body: body, terms: terms, meter: meter)
            lease.active = row.words[.active]
            lease.providerClose = row.words[.providerClose]
            lease.renterClose = row.words[.renterClose]
            lease.settlement = row.settlement
            lease.reclaim = row.reclaimAt.map { (.reclaimed, $0) }
            lease.receipt = row.receipt?.receipt
            lease.countersignature = row.receipt?.countersignature
            leases[id] = lease
        }
        for bid in restored.bids {
            if leases[bid.lease] == nil {
                recoveries[bid.lease] = Recovery(bid: bid, repetition: Repetition(at: .zero))
            } else if bid.isForsaken {
                givenUp.insert(bid.lease)
            }
        }
        for entry in restored.credit { ledger.apply(entry) }
        isDamaged = restored.unreadableCount > 0
        damagedCount += restored.damagedCount
        unreadableAwards = restored.unreadableAwards
    }

    /// The first time that the clock is known: what a crash left half done goes on.
    mutating func resume(at now: Instant, into outputs: inout [Output]) {
        if isDamaged {
            // A provider that cannot read whom its devices are let to lets them to nobody.
            stepCounter(.shutdown, at: now, into: &outputs)
            outputs.append(.event(.storeFailed(.corrupt("leases cannot be read: no bids are taken"))))
        }
        if damagedCount > 0 {
            let what =
                "\(damagedCount) rows about leases cannot be read: what they said of vouchers, receipts or credit is gone"
            outputs.append(.event(.storeFailed(.corrupt(what))))
        }
        if !unreadableAwards.isEmpty {
            // Whoever was awarded by them has no lease, and holds nothing any more.
            persist(unreadableAwards.map { .deleteRow(.awards, key: $0) }, for: .housekeeping, into: &outputs)
            unreadableAwards = []
        }
        forgetPast(at: now, into: &outputs)
        for id in leases.keys {
            tellAgain(of: id, at: now, into: &outputs)
            takeUp(id, at: now, into: &outputs)
            if givenUp.contains(id) { reject(id, at: now, into: &outputs) }
        }
        givenUp = []
        for id in recoveries.keys { recover(id, at: now, into: &outputs) }
    }

    /// Programs that start and stop what runs may not have been called before the crash: they are called again.
    ///
    /// They queue behind each other, so that a receipt may be signed long before them.
    private func tellAgain(of id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id], lease.isProvider else { return }
        let isRecent = lease.closedAt.map { wall(now) < $0 + LeaseLimits.hookMilliseconds } ?? true
        guard lease.receipt == nil || isRecent else { return }
        outputs.append(.event(lease.isClosed ? .leaseEnded(lease.summary) : .leaseStarted(lease.summary)))
    }

    /// Goes on with a lease from what is on the disk.
    mutating func takeUp(_ id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id] else { return }
        if lease.countersignature == nil {
            outputs.append(.swarm(.protect(PeerID(publicKey: lease.counterparty), true)))
        }
        stepMeter(of: id, .clock(wall(now)), at: now, into: &outputs)
        if lease.isClosed {
            if !lease.isProvider, let active = lease.active {
                stepMeter(of: id, .ready(at: active.record.issuedAt), at: now, into: &outputs)
            }
            stepMeter(of: id, .closed(at: lease.closedAt ?? wall(now)), at: now, into: &outputs)
            if lease.ownClose != nil, lease.countersignature == nil { leases[id]?.owe(.close, at: now) }
            if lease.isProvider, lease.receipt != nil, lease.countersignature == nil {
                leases[id]?.owe(.receipt, at: now)
            }
        } else {
            switch (lease.active, lease.meter) {
            case (nil, _): break
            case (let active?, .provider(let meter)) where meter.state.readyAt != nil:
                // The renter has heard, and goes on: this is only said again.
                leases[id]?.owe(.active, at: now)
                stepMeter(of: id, .ready(at: active.record.issuedAt), at: now, into: &outputs)
            case (_?, .provider): awaitHearing(of: id, at: now)
            case (let active?, .renter):
                // What was heard and when is on the disk; a home that was restored believes the word.
                stepMeter(of: id, .ready(at: active.record.issuedAt), at: now, into: &outputs)
            }
            if lease.isProvider, lease.reclaim != nil { leases[id]?.owe(.notice, at: now) }
            leases[id]?.isReadyWanted = lease.isProvider && !policy.awaitsReady
        }
        advance(id, at: now, into: &outputs)
    }

    /// Leases that nobody will speak of any more, unless their slots' chains still need them.
    mutating func forgetPast(at now: Instant, into outputs: inout [Output]) {
        let wall = wall(now)
        forgetAt = now.advanced(by: LeaseLimits.forgetInterval)
        forgetRenounced(at: now, into: &outputs)
        let past = leases.filter { id, lease in
            lease.isClosed && lease.rememberedUntil <= wall && !lease.isToBeSettled && !counter.needs(id, at: wall)
        }
        forget(Array(past.keys), at: now, into: &outputs)
        guard let fold = ledger.fold(at: wall, unless: { leases[$0] != nil }) else { return }
        let carried = fold.carried.map { StoredRow(.credit, key: $0.key.lease.bytes, value: $0.stored) }
        let changes = carried.map(StoreChange.putRow) + fold.folded.map { .deleteRow(.credit, key: $0.bytes) }
        persist(changes, for: .fold(fold), into: &outputs)
    }

    /// The books are full: of what is over the oldest goes, first what both have signed under, then what a renter left unsigned.
    mutating func makeRoom(at now: Instant, into outputs: inout [Output]) {
        let wall = wall(now)
        let over = leases.filter { id, lease in
            lease.isClosed && lease.receipt != nil && !lease.isToBeSettled && !counter.needs(id, at: wall)
        }
        let finished = over.filter { $1.isFinished }
        let past = (finished.isEmpty ? over : finished).prefix(LeaseLimits.forgottenAtOnce)
        let shown = past.lazy.map(\.value).filter { $0.isProvider && $0.record.record.expiresAt > wall }
        forgottenUntil = max(forgottenUntil, shown.map(\.record.record.issuedAt).max() ?? .min)
        forget(past.map(\.key), at: now, into: &outputs)
    }

    private mutating func forget(_ past: [LeaseID], at now: Instant, into outputs: inout [Output]) {
        var changes: [StoreChange] = []
        for id in past {
            leases[id] = nil
            owing.remove(id)
            deadlines.arm(id, at: nil)
            stepCounter(.forget(id), at: now, into: &outputs)
            let tables = [OwnTable.leases, .awards, .vouchers, .receipts, .settlements]
            changes += tables.map { .deleteRow($0, key: id.bytes) }
            for word in LeaseWord.allCases { changes.append(.deleteRow(.leaseStates, key: id.bytes + [word.rawValue])) }
        }
        if !changes.isEmpty { persist(changes, for: .housekeeping, into: &outputs) }
    }

    // MARK: The end of a write

    mutating func persisted(_ ticket: LeaseTicket, at now: Instant, into outputs: inout [Output]) {
        switch writes.removeValue(forKey: ticket) {
        case .counter(let ticket, let changes): counterPersisted(ticket, changes, at: now, into: &outputs)
        case .bid(let bid, _): stepDesk(.persisted(bid), at: now, into: &outputs)
        case .recovered(let lease, let record): recovered(lease, record, at: now, into: &outputs)
        case .step(let lease, let record): said(record, of: lease, at: now, into: &outputs)
        case .heard(let lease, let record, let conversation):
            stored(heard: record, of: lease, conversation, at: now, into: &outputs)
        case .voucher(let lease, let voucher, let entry):
            voucherStored(lease, voucher, entry, at: now, into: &outputs)
        case .promise(let lease, let voucher, let entry):
            promiseStored(lease, voucher, entry, at: now, into: &outputs)
        case .settlement(let lease, let settlement):
            settlementStored(lease, settlement, at: now, into: &outputs)
        case .notice(let lease, let at, let command):
            reclaim(lease, .reclaimed, at: at, now: now, into: &outputs)
            if let lease = leases[lease] { outputs.append(.answer(command, .lease(lease.summary))) }
        case .adopted(let lease): adopted(lease, at: now, into: &outputs)
        case .fold(let fold): ledger.apply(fold)
        case .housekeeping, nil: break
        }
    }

    mutating func persistFailed(_ ticket: LeaseTicket, at now: Instant, into outputs: inout [Output]) {
        switch writes.removeValue(forKey: ticket) {
        case .counter(let ticket, let changes): counterFailed(ticket, changes, at: now, into: &outputs)
        case .bid(let bid, let changes): bidNotPersisted(bid, changes, at: now, into: &outputs)
        case .step(let lease, _): postpone(lease, at: now)
        case .voucher(let lease, let voucher, _):
            stepMeter(of: lease, .notStored(voucher), at: now, into: &outputs)
            advance(lease, at: now, into: &outputs)
        case .promise(let lease, let voucher, _): stepMeter(of: lease, .notPromised(voucher), at: now, into: &outputs)
        case .settlement(let lease, _): settlementNotStored(lease, at: now, into: &outputs)
        case .notice(_, _, let command):
            outputs.append(.answer(command, .failed(.notDurable(.inputOutput("the notice was not written")))))
        case .adopted(let lease): notAdopted(lease, at: now, into: &outputs)
        // Who said it says it again; who recovers asks again; what is swept is swept at the next start.
        case .heard, .recovered, .fold, .housekeeping, nil: break
        }
    }
}
