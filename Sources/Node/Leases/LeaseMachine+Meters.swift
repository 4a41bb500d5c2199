internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives

// What runs: ticks, vouchers, and the money that they mean.
extension LeaseMachine {
    /// What a meter is told, whichever party's it is.
    enum MeterEvent: Sendable {
        case clock(Int64)
        /// The renter heard then that the GPUs can be used, in milliseconds since the Unix epoch.
        case ready(at: Int64)
        /// Nothing is counted from now on; the provider tells what it came to.
        case pause
        case tick(SignedTick)
        case voucher(SignedVoucher)
        case stored(SignedVoucher)
        case notStored(SignedVoucher)
        case promised(Voucher)
        case notPromised(Voucher)
        case closed(at: Int64)
        /// The last voucher came, or will not come.
        case settled(CloseCode)
        case deadlineReached
    }

    mutating func stepMeter(of id: LeaseID, _ event: MeterEvent, at now: Instant, into outputs: inout [Output]) {
        switch leases[id]?.meter {
        case .provider(var meter):
            guard let input = ProviderMeter.Input(event) else { return }
            var said: [ProviderMeter.Output] = []
            meter.handle(input, at: now, into: &said)
            leases[id]?.meter = .provider(meter)
            for output in said { follow(output, of: id, at: now, into: &outputs) }
        case .renter(var meter):
            guard let input = RenterMeter.Input(event) else { return }
            var said: [RenterMeter.Output] = []
            meter.handle(input, at: now, into: &said)
            leases[id]?.meter = .renter(meter)
            for output in said { follow(output, of: id, at: now, into: &outputs) }
        case nil: break
        }
    }

    private mutating func follow(
        _ output: ProviderMeter.Output,
        of id: LeaseID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let lease = leases[id] else { return }
        switch output {
        case .send(let tick): ask(.statement, .tick(tick), of: lease.body.renter, at: now, into: &outputs)
        case .persist(let voucher, let state):
            let entry = booking(of: voucher.voucher, for: lease.body, at: now)
            persist(rows(of: id, state.stored, entry), for: .voucher(id, voucher, entry), into: &outputs)
        case .stop(let code): decide(id, code, at: now, into: &outputs)
        case .closed(var receipt):
            receipt.reference = lease.settlement?.reference ?? ""
            leases[id]?.finalReceipt = receipt
        }
    }

    private mutating func follow(
        _ output: RenterMeter.Output,
        of id: LeaseID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let lease = leases[id] else { return }
        switch output {
        case .send(let voucher): ask(.statement, .voucher(voucher), of: lease.body.provider, at: now, into: &outputs)
        case .persist(let voucher, let state):
            let entry = booking(of: voucher, for: lease.body, at: now)
            persist(rows(of: id, state.stored, entry), for: .promise(id, voucher, entry), into: &outputs)
        case .stop(let code): decide(id, code, at: now, into: &outputs)
        }
    }

    /// What both have signed is what the books say in the end.
    func lastBooking(of receipt: SignedRecord, for body: LeaseBody) -> CreditEntry? {
        guard body.settlement == SettlementRail.credit.rawValue, case .receipt(let said) = receipt.record.body else {
            return nil
        }
        return ledger.booking(of: said, for: body, by: key.publicKey, at: receipt.record.issuedAt)
    }

    /// Mutual credit is one way to settle; others keep their own books.
    private func booking(of voucher: Voucher, for body: LeaseBody, at now: Instant) -> CreditEntry? {
        guard body.settlement == SettlementRail.credit.rawValue else { return nil }
        return ledger.booking(of: voucher, for: body, by: key.publicKey, at: wall(now))
    }

    /// The voucher and its booking are one write: what is paid is booked, and booked once.
    private func rows(of lease: LeaseID, _ state: [UInt8], _ entry: CreditEntry?) -> [StoreChange] {
        var rows = [StoredRow(.vouchers, key: lease.bytes, value: state)]
        if let entry { rows.append(StoredRow(.credit, key: lease.bytes, value: entry.stored)) }
        return rows.map(StoreChange.putRow)
    }

    mutating func voucherStored(
        _ id: LeaseID,
        _ voucher: SignedVoucher,
        _ entry: CreditEntry?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        if let entry { ledger.apply(entry) }
        stepMeter(of: id, .stored(voucher), at: now, into: &outputs)
        advance(id, at: now, into: &outputs)
    }

    mutating func promiseStored(
        _ id: LeaseID,
        _ voucher: Voucher,
        _ entry: CreditEntry?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        if let entry { ledger.apply(entry) }
        stepMeter(of: id, .promised(voucher), at: now, into: &outputs)
        advance(id, at: now, into: &outputs)
    }

    /// The end of a provider's lease: the last tick is told, the last voucher waited for, then the meter is closed.
    mutating func settle(_ id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id], lease.isClosed, lease.receipt == nil, lease.finalReceipt == nil,
            case .provider(let meter) = lease.meter
        else { return }
        guard let settleBy = lease.settleBy else {
            leases[id]?.settleBy = now.advanced(by: LeaseLimits.settleTimeout)
            leases[id]?.tickAgainAt = now.advanced(by: LeaseLimits.retryInterval)
            if meter.owedMicros > 0 || meter.state.countedAt != nil {
                stepMeter(of: id, .pause, at: now, into: &outputs)
            }
            return settle(id, at: now, into: &outputs)
        }
        // A voucher on its way to the disk still counts, or not: the end of its write calls again.
        guard !meter.isStoring else { return }
        // What was once to be settled stands: after a crash no later voucher makes it another amount.
        guard meter.unpaidMicros == 0 || lease.settlement != nil || settleBy <= now else {
            // The last tick, or its voucher, may have been lost.
            if lease.tickAgainAt ?? now <= now {
                leases[id]?.tickAgainAt = now.advanced(by: LeaseLimits.retryInterval)
                stepMeter(of: id, .pause, at: now, into: &outputs)
            }
            return
        }
        stepMeter(of: id, .settled(lease.providerCode ?? lease.renterCode ?? .expired), at: now, into: &outputs)
    }
}

extension ProviderMeter.Input {
    fileprivate init?(_ event: LeaseMachine.MeterEvent) {
        switch event {
        case .clock(let unixMilliseconds): self = .clock(unixMilliseconds: unixMilliseconds)
        case .ready: self = .ready
        case .pause: self = .suspend
        case .voucher(let voucher): self = .voucher(voucher)
        case .stored(let voucher): self = .persisted(voucher)
        case .notStored(let voucher): self = .persistFailed(voucher)
        case .settled(let code): self = .close(code)
        case .deadlineReached: self = .deadlineReached
        case .tick, .promised, .notPromised, .closed: return nil
        }
    }
}

extension RenterMeter.Input {
    fileprivate init?(_ event: LeaseMachine.MeterEvent) {
        switch event {
        case .clock(let unixMilliseconds): self = .clock(unixMilliseconds: unixMilliseconds)
        case .ready(let at): self = .ready(at: at)
        case .tick(let tick): self = .tick(tick)
        case .promised(let voucher): self = .persisted(voucher)
        case .notPromised(let voucher): self = .persistFailed(voucher)
        case .closed(let at): self = .close(at: at)
        case .deadlineReached: self = .deadlineReached
        case .voucher(let voucher): self = .shown(voucher)
        case .pause, .stored, .notStored, .settled: return nil
        }
    }
}
