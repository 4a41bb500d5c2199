public import Cryptography
public import Primitives

/// The provider's side of a running lease: counts ready time, tells it, and stops when too much is unpaid.
///
/// Everything is cumulative, so lost and repeated messages cost nothing. A voucher counts when it is durable: what was paid is
/// never forgotten, and the highest amount counts whatever the order. Metering starts when the renter has heard that it can use the GPUs: not at
/// the award, and not at a word that nobody heard.
public struct ProviderMeter: Sendable {
    public enum Input: Sendable {
        case clock(unixMilliseconds: Int64)
        /// The renter knows that the GPUs can be used: what follows is use.
        case ready
        case suspend
        case resume
        case voucher(SignedVoucher)
        case persisted(SignedVoucher)
        case persistFailed(SignedVoucher)
        case close(CloseCode)
        case deadlineReached
    }

    public enum Output: Sendable {
        case send(SignedTick)
        /// Comes back as `persisted` or `persistFailed`.
        case persist(SignedVoucher, MeterState)
        /// Close the lease: its time is over, or more than its exposure limit is unpaid.
        case stop(CloseCode)
        /// The lease is over; what its receipt says.
        case closed(ReceiptBody)
    }

    /// What survives a restart; the owner stores it with each voucher, and when the lease becomes ready or is suspended.
    public struct MeterState: Hashable, Sendable {
        public var readyAt: Int64?
        /// Ready time up to `countedAt`, in milliseconds.
        public var activeMilliseconds: Int64 = 0
        /// Wall time up to which it was counted.
        public var countedAt: Int64?
        public var lastNumber: UInt64 = 0
        public var best: SignedVoucher?

        public init() {}
    }

    public let lease: LeaseBody
    let key: Ed25519.PrivateKey
    let network: String
    public private(set) var state: MeterState
    private var phase = Phase.running
    private var clock = WallClock()
    private var nextTickAt: Instant?
    private var hasStopped = false
    /// What waits for the disk; only what promises more under a newer nonce is stored.
    private var storing: (amountMicros: Int64, nonce: UInt64) = (-1, 0)

    private enum Phase { case running, closed }

    /// Restores the meter.
    ///
    /// Between the last stored moment and now nothing is charged: nobody watched.
    public init(lease: LeaseBody, key: Ed25519.PrivateKey, network: String, state: MeterState = MeterState()) {
        (self.lease, self.key, self.network) = (lease, key, network)
        self.state = state
        self.state.countedAt = nil
    }

    public var owedMicros: Int64 { lease.cost(ofMilliseconds: state.activeMilliseconds) }
    public var paidMicros: Int64 { state.best?.voucher.amountMicros ?? 0 }
    public var unpaidMicros: Int64 { max(0, owedMicros - paidMicros) }
    public var isClosed: Bool { phase == .closed }
    /// Whether a voucher waits for the disk: its write says more than `state`.
    public var isStoring: Bool { storing.amountMicros > paidMicros }

    public var nextDeadline: Instant? { phase == .running ? nextTickAt : nil }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        if case .clock(let unixMilliseconds) = input {
            // What was used until now is counted by the clock that it was used under: a step of the clock is not use.
            if phase == .running, state.countedAt != nil { count(to: clock.unixMilliseconds(at: now)) }
            _ = clock.set(unixMilliseconds: unixMilliseconds, at: now)
            if state.countedAt != nil { state.countedAt = unixMilliseconds }
            return
        }
        guard phase == .running else { return }
        let wall = clock.unixMilliseconds(at: now)
        count(to: wall)
        switch input {
        case .clock: break
        case .ready, .resume:
            guard state.countedAt == nil else { return }
            if state.readyAt == nil { state.readyAt = wall }
            state.countedAt = wall
            nextTickAt = now.advanced(by: interval)
        case .suspend:
            state.countedAt = nil
            tick(wall: wall, into: &outputs)
        case .voucher(let voucher): take(voucher, into: &outputs)
        case .persisted(let voucher): paid(voucher)
        case .persistFailed: storing = (paidMicros, state.best?.voucher.nonce ?? 0)
        case .close(let code):
            phase = .closed
            outputs.append(.closed(receipt(code)))
        case .deadlineReached:
            guard let due = nextTickAt, due <= now else { return }
            nextTickAt = state.countedAt == nil ? nil : now.advanced(by: interval)
            tick(wall: wall, into: &outputs)
            stopIfDue(wall: wall, into: &outputs)
        }
    }

    private var interval: Duration { .seconds(lease.meterSeconds) }

    private mutating func count(to wall: Int64) {
        guard let since = state.countedAt else { return }
        let end = min(wall, lease.endAt)
        state.activeMilliseconds += max(0, end - since)
        state.countedAt = max(wall, since)
    }

    private mutating func tick(wall: Int64, into outputs: inout [Output]) {
        state.lastNumber = max(state.lastNumber + 1, UInt64(clamping: wall))
        let tick = MeterTick(
            lease: lease.lease,
            number: state.lastNumber,
            activeMilliseconds: state.activeMilliseconds,
            owedMicros: owedMicros
        )
        outputs.append(.send(tick.signed(network: network, by: key)))
    }

    private mutating func stopIfDue(wall: Int64, into outputs: inout [Output]) {
        guard !hasStopped else { return }
        if wall >= lease.endAt {
            hasStopped = true
            outputs.append(.stop(.expired))
        } else if unpaidMicros > lease.exposureMicros {
            hasStopped = true
            outputs.append(.stop(.unpaid))
        }
    }

    private mutating func take(_ voucher: SignedVoucher, into outputs: inout [Output]) {
        guard voucher.voucher.lease == lease.lease, (0...lease.capMicros).contains(voucher.voucher.amountMicros),
            voucher.voucher.amountMicros > max(paidMicros, storing.amountMicros),
            // The books tell bookings of a lease apart by the nonce: a promise that they would not take is none.
            voucher.voucher.nonce > max(state.best?.voucher.nonce ?? 0, storing.nonce),
            voucher.voucher.nonce < CreditEntry.lastNonce, voucher.voucher.tickHash.count == 32,
            voucher.isSigned(by: lease.renter, network: network)
        else { return }
        storing = (voucher.voucher.amountMicros, voucher.voucher.nonce)
        outputs.append(.persist(voucher, holding(voucher)))
    }

    /// The state with a voucher.
    ///
    /// If more was promised than we remember to have told, the use that it pays for was ours to count, before a backup was restored.
    private func holding(_ voucher: SignedVoucher) -> MeterState {
        var held = state
        held.best = voucher
        let amount = voucher.voucher.amountMicros
        if amount > owedMicros {
            held.activeMilliseconds = max(held.activeMilliseconds, lease.milliseconds(for: amount))
        }
        return held
    }

    private mutating func paid(_ voucher: SignedVoucher) {
        guard voucher.voucher.amountMicros > paidMicros else { return }
        state = holding(voucher)
    }

    private func receipt(_ code: CloseCode) -> ReceiptBody {
        let ready = state.readyAt.map { max(0, $0 - lease.startAt) / 1_000 } ?? 0
        let secondsMax = Int64(ReceiptBody.Bounds.secondsMax)
        return ReceiptBody(
            lease: lease.lease,
            marketClass: lease.marketClass,
            renter: lease.renter,
            readySeconds: Int(min(ready, secondsMax)),
            activeSeconds: Int(min(state.activeMilliseconds / 1_000, secondsMax)),
            unit: lease.price.unit,
            owedMicros: owedMicros,
            paidMicros: paidMicros,
            code: code,
            voucherHash: paidMicros == 0 ? [] : state.best?.voucher.hash(network: network) ?? [],
            settlement: lease.settlement
        )
    }

    /// Checks what must always hold; for tests and the simulator.
    public func checkInvariants() {
        precondition(paidMicros <= lease.capMicros && owedMicros <= lease.capMicros)
        precondition(state.activeMilliseconds >= 0)
    }
}
