public import Primitives

/// The side of `/ipfs/ping/1.0.0` that answers, on one stream of the peer's: whole payloads go back as they came.
///
/// What keeps this cheap for us is a rate, and a deadline for peers that leave streams lying about. At most 31 bytes are held.
public struct PingResponder: Sendable {
    public enum Input: Hashable, Sendable {
        /// The peer has opened the stream.
        case started
        case received([UInt8])
        case deadlineReached
    }

    public enum Output: Hashable, Sendable {
        /// Echoes of all the payloads of one step.
        case send([UInt8])
        /// The last output: the owner resets the stream.
        case reset(ResetReason)
    }

    public enum ResetReason: Hashable, Sendable {
        case tooManyPings
        case idle
    }

    private enum State {
        /// Before `started`.
        case idle
        case open
        case ended
    }

    private let config: PingResponderConfig
    private var state = State.idle
    private var rate: TokenBucket
    private var reader = PingPayloadReader()

    /// When the owner must next feed `deadlineReached`; `nil` while nothing is due.
    public private(set) var nextDeadline: Instant?

    public init(config: PingResponderConfig) {
        precondition(config.idleTimeout > .zero)
        self.config = config
        rate = config.rate
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        let isDue = nextDeadline.map { $0 <= now } ?? false
        switch (state, input) {
        case (.idle, .started):
            (state, nextDeadline) = (.open, now.advanced(by: config.idleTimeout))
        case (.open, .received(let bytes)):
            echo(bytes, at: now, into: &outputs)
        case (.open, .deadlineReached) where isDue:
            end(.idle, into: &outputs)
        case (_, .started):
            preconditionFailure("started twice")
        case (_, .deadlineReached), (.idle, .received), (.ended, .received):
            break  // A timer that fired early, or the tail of a stream that is closing.
        }
    }

    private mutating func echo(_ bytes: [UInt8], at now: Instant, into outputs: inout [Output]) {
        var echoes: [UInt8] = []
        var isWithinRate = true
        var offset = 0
        while isWithinRate, let payload = reader.next(in: bytes, at: &offset) {
            isWithinRate = rate.take(at: now)
            if isWithinRate { echoes += payload.bytes }
        }
        if !echoes.isEmpty {
            nextDeadline = now.advanced(by: config.idleTimeout)
            outputs.append(.send(echoes))
        }
        if !isWithinRate { end(.tooManyPings, into: &outputs) }
    }

    private mutating func end(_ reason: ResetReason, into outputs: inout [Output]) {
        (state, nextDeadline) = (.ended, nil)
        outputs.append(.reset(reason))
    }

    /// Traps where the machine contradicts itself; free in release builds.
    public func checkInvariants() {
        assert(reader.pendingByteCount < PingPayload.byteCount)
        switch state {
        case .idle, .ended: assert(nextDeadline == nil)
        case .open: assert(nextDeadline != nil)
        }
    }
}
