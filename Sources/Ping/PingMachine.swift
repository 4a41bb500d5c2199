public import Primitives

/// Liveness of one peer, by the libp2p protocol `/ipfs/ping/1.0.0`: the side that asks, on one stream of its own.
///
/// Like a knock on the wall: 32 random bytes go out, the neighbour knocks the same back, and the time between is the round
/// trip. Only one knock is under way. A miss sends no second one, because the stream is ordered and the echo, if it comes,
/// still answers the first.
///
/// Pure: the owner feeds each input with its instant, carries out the outputs in order, then arms one timer.
public struct PingMachine: Sendable {
    public static let protocolName = "/ipfs/ping/1.0.0"

    public enum Input: Hashable, Sendable {
        /// The stream is open.
        case started
        /// Bytes of the echo, split in any way.
        case received([UInt8])
        case deadlineReached
    }

    public enum Output: Hashable, Sendable {
        case send([UInt8])
        /// The round trip.
        case measured(Duration)
        /// The last output: the peer is gone or no ping peer.
        case disconnect(DisconnectReason)
    }

    public enum DisconnectReason: Hashable, Sendable {
        case unresponsive
        case wrongEcho
    }

    private enum State {
        /// Before `started`.
        case idle
        /// A ping is under way; its echo → `resting`, too many misses or another echo → `ended`.
        case waiting(PingPayload, since: Instant)
        /// Nothing is under way; the deadline → `waiting`, bytes → `ended`.
        case resting
        case ended
    }

    private let config: PingConfig
    private var random: SeededRandom
    private var state = State.idle
    private var reader = PingPayloadReader()
    private var misses = 0

    /// When the owner must next feed `deadlineReached`; `nil` while nothing is due.
    public private(set) var nextDeadline: Instant?

    public init(config: PingConfig, random: SeededRandom) {
        precondition(config.missesMax > 0 && config.timeout > .zero && config.interval > .zero)
        self.config = config
        self.random = random
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        let isDue = nextDeadline.map { $0 <= now } ?? false
        switch (state, input) {
        case (.idle, .started):
            ping(at: now, into: &outputs)
        case (.resting, .deadlineReached) where isDue:
            ping(at: now, into: &outputs)
        case (.waiting, .deadlineReached) where isDue:
            misses += 1
            nextDeadline = now.advanced(by: config.timeout)
            if misses == config.missesMax { end(.unresponsive, into: &outputs) }
        case (.waiting, .received(let bytes)), (.resting, .received(let bytes)):
            receive(bytes, at: now, into: &outputs)
        case (_, .started):
            preconditionFailure("started twice")
        case (_, .deadlineReached), (.idle, .received), (.ended, .received):
            break  // A timer that fired early, or the tail of a stream that is closing.
        }
    }

    private mutating func receive(_ bytes: [UInt8], at now: Instant, into outputs: inout [Output]) {
        var offset = 0
        while let echo = reader.next(in: bytes, at: &offset) {
            guard case .waiting(echo, let since) = state else { return end(.wrongEcho, into: &outputs) }
            (state, misses) = (.resting, 0)
            nextDeadline = max(now, since.advanced(by: config.interval))
            outputs.append(.measured(since.duration(to: now)))
        }
        // An echo cannot begin before its ping.
        if case .resting = state, reader.pendingByteCount > 0 { end(.wrongEcho, into: &outputs) }
    }

    private mutating func ping(at now: Instant, into outputs: inout [Output]) {
        let payload = PingPayload(random: &random)
        (state, nextDeadline) = (.waiting(payload, since: now), now.advanced(by: config.timeout))
        outputs.append(.send(payload.bytes))
    }

    private mutating func end(_ reason: DisconnectReason, into outputs: inout [Output]) {
        (state, nextDeadline) = (.ended, nil)
        outputs.append(.disconnect(reason))
    }

    /// Traps where the machine contradicts itself; free in release builds.
    public func checkInvariants() {
        assert(reader.pendingByteCount < PingPayload.byteCount)
        assert(misses < config.missesMax || nextDeadline == nil)
        switch state {
        case .idle, .ended: assert(nextDeadline == nil)
        case .waiting: assert(nextDeadline != nil)
        case .resting: assert(nextDeadline != nil && reader.pendingByteCount == 0 && misses == 0)
        }
    }
}
