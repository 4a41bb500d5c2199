internal import Cryptography
internal import Market
internal import OrderedCollections
internal import Primitives

// Squaring up by a program or by hand, once: written as due before the program is called, and as done before anybody is told.
extension LeaseMachine {
    /// Takes up the settlement of a lease that is over, if its rail is a program.
    mutating func settleByProgram(_ id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        if case .until(let end)? = leases[id]?.receiptWait, end <= now { leases[id]?.receiptWait = .over }
        guard let lease = leases[id], lease.body.settlement == SettlementRail.exec.rawValue,
            lease.settling.isIdle, lease.settling.retry?.dueAt ?? now <= now
        else { return }
        guard let settlement = lease.settlement else {
            guard let due = dueSettlement(of: lease) else { return }
            leases[id]?.receiptWait = .until(now.advanced(by: LeaseLimits.settlementWait))
            return write(due, of: id, into: &outputs)
        }
        if !settlement.isSettled { order(id, isRepeated: true, at: now, into: &outputs) }
    }

    /// What a lease that is over comes to; `nil` while it is not, or if nothing is to be settled.
    private func dueSettlement(of lease: HeldLease) -> Settlement? {
        guard let voucher = lease.bestVoucher(network, key), let amount = lease.settledMicros, amount > 0 else {
            return nil
        }
        if case .receipt(let receipt)? = lease.receipt?.record.body {
            // A receipt from before a backup was restored: what it names is settled, and a promise older than it was another key.
            let isCurrent =
                lease.isProvider
                ? receipt.reference.isEmpty && receipt.voucherHash == voucher.voucher.hash(network: network)
                : voucher.voucher.amountMicros >= receipt.paidMicros
            guard isCurrent else { return nil }
        }
        let key = SettlementKey(lease: lease.id, nonce: voucher.voucher.nonce)
        return Settlement(key: key, amountMicros: amount)
    }

    private mutating func write(_ settlement: Settlement, of id: LeaseID, into outputs: inout [Output]) {
        leases[id]?.settling.isWriting = true
        let row = StoredRow(.settlements, key: id.bytes, value: settlement.stored)
        persist([.putRow(row)], for: .settlement(id, settlement), into: &outputs)
    }

    private mutating func order(_ id: LeaseID, isRepeated: Bool, at now: Instant, into outputs: inout [Output]) {
        leases[id]?.settling.isOrdered = true
        guard let lease = leases[id], let settlement = lease.settlement, let voucher = lease.bestVoucher(network, key)
        else { return }
        if lease.receiptWait == .notBegun {
            leases[id]?.receiptWait = .until(now.advanced(by: LeaseLimits.settlementWait))
        }
        let order = SettlementOrder(
            lease: lease.summary,
            settlement: settlement,
            voucher: voucher,
            isRepeated: isRepeated
        )
        outputs.append(.event(.settlementDue(order)))
    }

    mutating func settlementStored(
        _ id: LeaseID,
        _ settlement: Settlement,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let isFirst = leases[id]?.settlement == nil
        leases[id]?.settling.isWriting = false
        if leases[id]?.settlement?.isSettled != true { leases[id]?.settlement = settlement }
        if isFirst, !settlement.isSettled, settlement.failureCount == 0 {
            order(id, isRepeated: false, at: now, into: &outputs)
        } else {
            settled(id, settlement, at: now, into: &outputs)
        }
        advance(id, at: now, into: &outputs)
    }

    private mutating func settled(
        _ id: LeaseID,
        _ settlement: Settlement,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        if let reference = settlement.reference {
            leases[id]?.settling.retry = nil
            // A receipt that is not signed yet names what the rail calls it.
            if leases[id]?.receipt == nil { leases[id]?.finalReceipt?.reference = reference }
        } else {
            var retry = leases[id]?.settling.retry ?? Repetition(at: now)
            retry.asked(at: now)
            leases[id]?.settling.retry = retry
        }
        guard let lease = leases[id] else { return }
        outputs.append(.event(.leaseChanged(lease.summary)))
        for command in lease.settling.waiters { outputs.append(.answer(command, .lease(lease.summary))) }
        leases[id]?.settling.waiters = []
    }

    mutating func settlementNotStored(_ id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        leases[id]?.settling.isWriting = false
        var retry = leases[id]?.settling.retry ?? Repetition(at: now)
        retry.asked(at: now)
        leases[id]?.settling.retry = retry
        for command in leases[id]?.settling.waiters ?? [] {
            outputs.append(.answer(command, .failed(.notDurable(.inputOutput("the settlement was not written")))))
        }
        leases[id]?.settling.waiters = []
        advance(id, at: now, into: &outputs)
    }

    /// What a program, or the operator, says of a settlement; `nonce` is `nil` from the operator.
    mutating func settle(
        _ id: LeaseID,
        nonce: UInt64?,
        _ outcome: Settlement.Outcome,
        for command: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let lease = leases[id] else { return outputs.append(.answer(command, .failed(.unknownLease))) }
        if nonce != nil { leases[id]?.settling.isOrdered = false }
        guard lease.body.settlement != SettlementRail.credit.rawValue,
            let known = lease.settlement ?? dueSettlement(of: lease)
        else {
            return outputs.append(.answer(command, .failed(.nothingToSettle)))
        }
        if let nonce, nonce != known.key.nonce {
            return outputs.append(.answer(command, .failed(.nothingToSettle)))
        }
        if let reference = known.reference {
            // The first word stands: said again it changes nothing, and another is not taken.
            let isSame = outcome == .settled(reference: reference)
            outputs.append(.answer(command, isSame ? .lease(lease.summary) : .failed(.alreadySettled)))
            return
        }
        guard !lease.settling.isWriting else { return outputs.append(.answer(command, .failed(.busy))) }
        guard let next = known.after(outcome) else {
            return outputs.append(.answer(command, .failed(.unfitReference)))
        }
        leases[id]?.settling.waiters.append(command)
        write(next, of: id, into: &outputs)
    }
}

/// How long a receipt waits for the name of its settlement.
enum ReceiptWait: Hashable, Sendable {
    case notBegun
    case until(Instant)
    case over
}

/// What is under way about the settlement of a lease.
struct Settling: Sendable {
    /// On its way to the disk.
    var isWriting = false
    /// The program has been asked and has not answered.
    var isOrdered = false
    /// When it is called again after it failed.
    var retry: Repetition?
    var waiters: [CommandID] = []

    var isIdle: Bool { !isWriting && !isOrdered }
}

extension HeldLease {
    /// What both agreed on as paid; `nil` before that.
    var settledMicros: Int64? {
        if isProvider { return finalReceipt?.paidMicros ?? paidByReceipt }
        return countersignature == nil ? nil : paidByReceipt
    }

    private var paidByReceipt: Int64? {
        guard case .receipt(let body)? = receipt?.record.body else { return nil }
        return body.paidMicros
    }

    /// The highest promise: the one that was received or, as the renter's own, given.
    func bestVoucher(_ network: String, _ key: Ed25519.PrivateKey) -> SignedVoucher? {
        switch meter {
        case .provider(let meter): meter.state.best
        case .renter(let meter): meter.state.newest?.signed(network: network, by: key)
        }
    }

    /// Whether the receipt is held back so that it can name what the rail calls the settlement.
    var awaitsSettlement: Bool {
        guard body.settlement == SettlementRail.exec.rawValue, finalReceipt?.paidMicros ?? 0 > 0 else { return false }
        if let settlement, settlement.isSettled || settlement.failureCount > 0 { return false }
        return receiptWait != .over
    }
}
