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
        /// The workload answers: from here on ticks are believed.
        case ready
        case tick(SignedTick)
        case persisted(Voucher)
        case persistFailed(Voucher)
        case close
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

        public init() {}
    }

    public let lease: LeaseBody
    let key: Ed25519.PrivateKey
    let network: String
    public private(set) var state: MeterState
    private var clock = WallClock()
    private var pending: Voucher?
    /// The newest voucher that is stored: sent again when a tick shows that it was lost.
    private var newest: Voucher?
    private var lastTickAt: Instant?
    private var isClosed = false
    private var hasStopped = false

    public init(lease: LeaseBody, key: Ed25519.PrivateKey, network: String, state: MeterState = MeterState()) {
        (self.lease, self.key, self.network, self.state) = (lease, key, network, state)
    }

    public var nextDeadline: Instant? {
        guard !isClosed, !hasStopped, let lastTickAt else { return nil }
        return lastTickAt.advanced(by: .seconds(lease.meterSeconds * Self.silentIntervalsMax))
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .clock(let unixMilliseconds): _ = clock.set(unixMilliseconds: unixMilliseconds, at: now)
        case .ready:
            if state.readyAt == nil { state.readyAt = clock.unixMilliseconds(at: now) }
            if lastTickAt == nil { lastTickAt = now }
        case .tick(let tick): take(tick, at: now, into: &outputs)
        case .persisted(let voucher):
            guard voucher == pending else { return }
            pending = nil
            newest = voucher
            outputs.append(.send(voucher.signed(network: network, by: key)))
        case .persistFailed(let voucher):
            if voucher == pending { pending = nil }
        case .close: isClosed = true
        case .deadlineReached:
            guard let due = nextDeadline, due <= now else { return }
            stop(.unreachable, into: &outputs)
        }
    }

    private mutating func take(_ signed: SignedTick, at now: Instant, into outputs: inout [Output]) {
        let tick = signed.tick
        guard !isClosed, pending == nil, tick.lease == lease.lease, tick.number > state.lastTick,
            signed.isSigned(by: lease.provider, network: network)
        else { return }
        let wall = clock.unixMilliseconds(at: now)
        lastTickAt = now
        guard let readyAt = state.readyAt else { return }
        let fair = lease.cost(ofMilliseconds: min(wall, lease.endAt) - readyAt + Self.toleranceMilliseconds)
        guard tick.owedMicros <= max(fair, state.promisedMicros), tick.owedMicros <= lease.capMicros else {
            stop(.notAsDescribed, into: &outputs)
            return
        }
        state.lastTick = tick.number
        guard tick.owedMicros > state.promisedMicros else {
            if let newest { outputs.append(.send(newest.signed(network: network, by: key))) }
            return
        }
        state.lastNonce = max(state.lastNonce + 1, UInt64(clamping: wall))
        state.promisedMicros = tick.owedMicros
        let voucher = Voucher(
            lease: lease.lease,
            nonce: state.lastNonce,
            amountMicros: tick.owedMicros,
            tickHash: tick.hash(network: network)
        )
        pending = voucher
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
