internal import Cryptography
internal import Market
internal import Primitives

/// Everything that this node holds of one lease: who said what, the meter of our side, and what is still to be done.
struct HeldLease: Sendable {
    /// Which party we are, with the meter that belongs to it.
    enum Meter: Sendable {
        case provider(ProviderMeter)
        case renter(RenterMeter)
    }

    /// What we decided to say next; one at a time is signed and written.
    enum Step: Hashable, Sendable {
        case active
        case close(CloseCode)
        case receipt(ReceiptBody)
        case countersign(SignedRecord)
    }

    let record: SignedRecord
    let body: LeaseBody
    /// The lease's id, which costs a digest to ask the body for.
    let id: LeaseID
    let terms: LeaseTerms?
    var meter: Meter
    /// The provider's word that the GPUs can be used.
    var active: SignedRecord?
    var providerClose: SignedRecord?
    var renterClose: SignedRecord?
    var receipt: SignedRecord?
    var countersignature: SignedRecord?

    /// Whether the operator, or the policy, says that the GPUs can be used (provider).
    var isReadyWanted = false
    /// By when the renter is to have said that it knows that it can use the GPUs (provider).
    var heardBy: Instant?
    /// Decided and not yet durable.
    var closing: CloseCode?
    /// What an interruptible lease yields to, and when.
    var reclaim: (code: CloseCode, at: Int64)?
    /// What the meter came to, once it is closed (provider).
    var finalReceipt: ReceiptBody?
    /// What the provider wants signed (renter).
    var offeredReceipt: SignedRecord?
    /// Who waits for the countersignature (renter).
    var receiptReply: CounterConversation?
    /// Until when the last voucher is waited for, and when it is asked for again (provider).
    var settleBy: Instant?
    var tickAgainAt: Instant?
    /// When the other party was last shown the lease.
    var shownAt: Instant?
    /// How it was settled, or is to be, if its rail is not credit.
    var settlement: Settlement?
    var settling = Settling()
    /// Whether the receipt waits for what the rail calls the settlement (provider).
    var receiptWait = ReceiptWait.notBegun
    /// Whether a step is being signed or written.
    var isBusy = false
    /// When a step that failed is tried again.
    var retryAt: Instant?
    var duties: [LeaseDuty] = []

    init(record: SignedRecord, body: LeaseBody, terms: LeaseTerms?, meter: Meter) {
        (self.record, self.body, self.terms, self.meter) = (record, body, terms, meter)
        id = body.lease
    }

    var isProvider: Bool {
        if case .provider = meter { true } else { false }
    }

    /// Whether a voucher of the renter's waits for the disk (provider).
    var isStoringVoucher: Bool {
        if case .provider(let meter) = meter { meter.isStoring } else { false }
    }

    var counterparty: Ed25519.PublicKey { isProvider ? body.renter : body.provider }

    /// Over, whoever ended it; a receipt says so too.
    var isClosed: Bool { providerClose != nil || renterClose != nil || receipt != nil }
    /// Nothing is left to say: both have signed what it came to.
    var isFinished: Bool { countersignature != nil && duties.isEmpty }

    /// What its parties have said of it; a countersignature holds the receipt.
    var words: [SignedRecord] { [active, providerClose, renterClose, countersignature ?? receipt].compactMap { $0 } }

    var ownClose: SignedRecord? { isProvider ? providerClose : renterClose }

    /// When it was closed, in milliseconds since the Unix epoch: the earliest word counts.
    var closedAt: Int64? {
        [providerClose, renterClose, receipt].compactMap { $0?.record.issuedAt }.min()
    }

    var providerCode: CloseCode? { Self.code(of: providerClose) ?? receiptCode(of: 2_000) }
    var renterCode: CloseCode? { Self.code(of: renterClose) ?? receiptCode(of: 1_000) }

    /// A receipt repeats the code that ended the lease; its thousand says whose it was.
    private func receiptCode(of thousand: Int) -> CloseCode? {
        guard providerClose == nil, renterClose == nil, case .receipt(let body)? = receipt?.record.body else {
            return nil
        }
        let isRenters = body.code.rawValue / 1_000 == 1
        return isRenters == (thousand == 1_000) ? body.code : nil
    }

    /// Whether a receipt repeats how the lease ended, as the renter has said or heard it; one that has heard of no end takes the
    /// provider's word for one, but none that it would have to say itself, and none for an end that has not come.
    func agrees(withCodeOf receipt: SignedRecord, at wall: Int64) -> Bool {
        guard case .receipt(let said) = receipt.record.body else { return false }
        let known = [Self.code(of: providerClose), Self.code(of: renterClose)].compactMap { $0 }
        guard known.isEmpty else { return known.contains(said.code) }
        if said.code == .expired { return body.endAt <= wall + RecordGate.clockToleranceMilliseconds }
        return said.code.rawValue / 1_000 != 1
    }

    private static func code(of close: SignedRecord?) -> CloseCode? {
        guard case .leaseState(let state)? = close?.record.body else { return nil }
        return state.code
    }

    /// What is to be said next, if anything is.
    func nextStep(at now: Instant) -> Step? {
        if let closing, !isClosed { return .close(closing) }
        guard isProvider else {
            guard countersignature == nil, let offeredReceipt else { return nil }
            return .countersign(offeredReceipt)
        }
        if isReadyWanted, active == nil, !isClosed { return .active }
        guard receipt == nil, let finalReceipt, !awaitsSettlement else { return nil }
        return .receipt(finalReceipt)
    }

    /// When something is due of its own accord.
    func nextDeadline(_ clock: WallClock) -> Instant? {
        var deadline = duties.map(\.dueAt).min()
        deadline = earliest(deadline, retryAt)
        if settling.isIdle, settlement?.isSettled != true, body.settlement == SettlementRail.exec.rawValue {
            deadline = earliest(deadline, settling.retry?.dueAt)
        }
        if case .until(let end) = receiptWait { deadline = earliest(deadline, end) }
        if finalReceipt == nil, !isClosed || receipt == nil, !isStoringVoucher {
            deadline = earliest(deadline, earliest(settleBy, tickAgainAt))
        }
        guard !isClosed else { return deadline }
        if let reclaim, isProvider { deadline = earliest(deadline, clock.instant(atUnixMilliseconds: reclaim.at)) }
        switch meter {
        case .provider(let meter):
            deadline = earliest(deadline, earliest(meter.nextDeadline, heardBy))
            deadline = earliest(deadline, clock.instant(atUnixMilliseconds: body.endAt))
        case .renter(let meter):
            deadline = earliest(deadline, meter.nextDeadline)
            deadline = earliest(deadline, clock.instant(atUnixMilliseconds: renterLimit.at))
        }
        return closing == nil ? deadline : earliest(duties.map(\.dueAt).min(), retryAt)
    }

    /// When a renter gives up waiting for the provider's word, and why.
    var renterLimit: (at: Int64, code: CloseCode) {
        let end = body.endAt + LeaseLimits.endSlackMilliseconds
        guard active == nil else { return (end, .expired) }
        let ready = body.startAt + LeaseLimits.readyMilliseconds
        return ready < end ? (ready, .tooSlow) : (end, .expired)
    }

    /// How long a renter may have the GPUs and not say that it knows: what its exposure limit pays for, and an interval at least.
    ///
    /// No use is counted meanwhile, so that silence would be a way not to pay.
    var hearingTimeout: Duration {
        guard body.price.gpuHourMicros > 0 else { return .milliseconds(LeaseLimits.readyMilliseconds) }
        let risked = max(body.milliseconds(for: body.exposureMicros), Int64(body.meterSeconds) * 1_000)
        return .milliseconds(min(risked, LeaseLimits.readyMilliseconds))
    }

    mutating func owe(_ kind: LeaseDuty.Kind, at now: Instant) {
        if !duties.contains(where: { $0.kind == kind }) { duties.append(LeaseDuty(kind, at: now)) }
    }

    mutating func fulfil(_ kind: LeaseDuty.Kind) { duties.removeAll { $0.kind == kind } }

    /// Whether a program, or the operator, has not squared up yet.
    var isToBeSettled: Bool { settlement?.isSettled == false }

    /// Until when the lease may be spoken of, in milliseconds since the Unix epoch.
    var rememberedUntil: Int64 { record.record.expiresAt }

    /// The lease as its owner looks at it.
    var summary: LeaseSummary {
        let (owed, paid, readyAt): (Int64, Int64, Int64?) =
            switch meter {
            case .provider(let meter): (meter.owedMicros, meter.paidMicros, meter.state.readyAt)
            case .renter(let meter): (meter.state.promisedMicros, meter.state.promisedMicros, meter.state.readyAt)
            }
        return LeaseSummary(
            record: record,
            body: body,
            isProvider: isProvider,
            standing: isClosed ? .closed : active == nil ? .reserved : .active,
            providerCode: providerCode,
            renterCode: renterCode,
            readyAt: readyAt,
            closedAt: closedAt,
            reclaimAt: isClosed ? nil : reclaim?.at,
            owedMicros: owed,
            paidMicros: paid,
            terms: terms,
            settlement: settlement,
            receipt: receipt,
            countersignature: countersignature
        )
    }
}
