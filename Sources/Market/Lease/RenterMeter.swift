public import Cryptography
public import Primitives

/// The renter's side of a running lease: pays what its own clock agrees with, and countersigns what it paid.
///
/// A voucher is durable before it is sent, so no restart makes a second one with its nonce or forgets what was promised. What is
/// paid beyond the service received is at most the time that a tick may run ahead: the exposure limit bounds it.
public struct RenterMeter: Sendable {
    /// A provider's clock and ours may run apart by this much before a tick is refused.
    public static let toleranceMilliseconds: Int64 = 5_000
    /// Without a tick for so many intervals the provider counts as gone.
    public static let silentIntervalsMax = 10

    public enum Input: Sendable {
        case clock(unixMilliseconds: Int64)
        /// When we heard that the GPUs can be used, in milliseconds since the Unix epoch: from there on ticks are believed.
        case ready(at: Int64)
        case tick(SignedTick)
        /// A voucher of ours that the provider has kept: more than we remember, if a backup was restored.
        case shown(SignedVoucher)
        case persisted(Voucher)
        case persistFailed(Voucher)
        /// The lease was closed at this time, in milliseconds since the Unix epoch; only what was used until then is paid.
        case close(at: Int64)
        case deadlineReached
    }

    public enum Output: Sendable {
        /// Comes back as `persisted` or `persistFailed`.
        case persist(Voucher, MeterState)
        case send(SignedVoucher)
        /// Close the lease: overcharged, silent or over.
        case stop(CloseCode)
    }

    public struct MeterState: Hashable, Sendable {
        public var readyAt: Int64?
        public var lastTick: UInt64 = 0
        public var lastNonce: UInt64 = 0
        /// What was promised so far, cumulative.
        public var promisedMicros: Int64 = 0
        /// The newest voucher: sent again when a tick shows that it was lost.
        public var newest: Voucher?

        public init() {}
    }

    public let lease: LeaseBody
    let key: Ed25519.PrivateKey
    let network: String
    public private(set) var state: MeterState
    private var clock = WallClock()
    /// A voucher that waits for the disk, and what the meter goes back to if it does not get there.
    private var pending: (voucher: Voucher, before: MeterState)?
    private var lastTickAt: Instant?
    /// When the lease was closed: later use costs nothing, but what came before may still be asked for.
    private var closedAt: Int64?
    private var hasStopped = false

    public init(lease: LeaseBody, key: Ed25519.PrivateKey, network: String, state: MeterState = MeterState()) {
        (self.lease, self.key, self.network, self.state) = (lease, key, network, state)
    }

    public var nextDeadline: Instant? {
        guard closedAt == nil, !hasStopped, let lastTickAt else { return nil }
        return lastTickAt.advanced(by: .seconds(lease.meterSeconds * Self.silentIntervalsMax))
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .clock(let unixMilliseconds):
            // A step of the clock is not use, and no lack of it.
            let step = clock.set(unixMilliseconds: unixMilliseconds, at: now)
            if let readyAt = state.readyAt { state.readyAt = max(0, readyAt.subtractingSaturated(0 &- step)) }
        case .ready(let at):
            if state.readyAt == nil { state.readyAt = min(at, clock.unixMilliseconds(at: now)) }
            if lastTickAt == nil { lastTickAt = now }
        case .tick(let tick): take(tick, at: now, into: &outputs)
        case .shown(let voucher): remember(voucher, into: &outputs)
        case .persisted(let voucher):
            guard voucher == pending?.voucher else { return }
            pending = nil
            outputs.append(.send(voucher.signed(network: network, by: key)))
        case .persistFailed(let voucher):
            guard let failed = pending, voucher == failed.voucher else { return }
            (state, pending) = (failed.before, nil)
        case .close(let at): closedAt = min(at, closedAt ?? at)
        case .deadlineReached:
            guard let due = nextDeadline, due <= now else { return }
            stop(.unreachable, into: &outputs)
        }
    }

    private mutating func take(_ signed: SignedTick, at now: Instant, into outputs: inout [Output]) {
        let tick = signed.tick
        guard pending == nil, tick.lease == lease.lease, tick.number > state.lastTick,
            signed.isSigned(by: lease.provider, network: network)
        else { return }
        let wall = clock.unixMilliseconds(at: now)
        lastTickAt = now
        guard let readyAt = state.readyAt else { return }
        let until = min(wall, lease.endAt, closedAt ?? wall)
        let fair = lease.cost(ofMilliseconds: until - readyAt + Self.toleranceMilliseconds)
        guard tick.owedMicros <= max(fair, state.promisedMicros) || closedAt != nil else {
            stop(.notAsDescribed, into: &outputs)
            return
        }
        let before = state
        state.lastTick = tick.number
        // A provider that heard of the close late has counted on; what it may have is what was used.
        let amount = min(tick.owedMicros, max(fair, state.promisedMicros))
        guard amount > state.promisedMicros else {
            if let newest = state.newest { outputs.append(.send(newest.signed(network: network, by: key))) }
            return
        }
        state.lastNonce = max(state.lastNonce + 1, UInt64(clamping: wall))
        state.promisedMicros = amount
        let voucher = Voucher(
            lease: lease.lease,
            nonce: state.lastNonce,
            amountMicros: amount,
            tickHash: tick.hash(network: network)
        )
        state.newest = voucher
        pending = (voucher, before)
        outputs.append(.persist(voucher, state))
    }

    /// What we have signed we have promised, whoever shows it.
    private mutating func remember(_ signed: SignedVoucher, into outputs: inout [Output]) {
        let voucher = signed.voucher
        guard pending == nil, voucher.lease == lease.lease, voucher.amountMicros > state.promisedMicros,
            voucher.amountMicros <= lease.capMicros, voucher.nonce < CreditEntry.lastNonce,
            signed.isSigned(by: lease.renter, network: network)
        else { return }
        let before = state
        state.lastNonce = max(state.lastNonce, voucher.nonce)
        (state.promisedMicros, state.newest) = (voucher.amountMicros, voucher)
        pending = (voucher, before)
        outputs.append(.persist(voucher, state))
    }

    private mutating func stop(_ code: CloseCode, into outputs: inout [Output]) {
        guard !hasStopped else { return }
        hasStopped = true
        outputs.append(.stop(code))
    }

    /// Whether the renter may sign under a receipt: it is this lease's and says no more than was promised.
    public func agrees(with receipt: SignedRecord) -> Bool {
        guard case .receipt(let body) = receipt.record.body, receipt.author == lease.provider,
            receipt.record.network == network, body.lease == lease.lease, body.renter == lease.renter,
            body.unit == lease.price.unit, body.paidMicros <= state.promisedMicros,
            receipt.signatureChecks.allSatisfy(\.holds)
        else { return false }
        return true
    }
}
