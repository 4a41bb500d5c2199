import Primitives

/// Asks now and then whether the peer is alive, and how far away it is.
///
/// Unlike go-yamux, whatever arrives while we wait counts as a sign of life: on a slow link the answer may stand behind
/// megabytes of data. So the verdict is "asked, and then silent", not "asked, and not answered in time".
struct YamuxKeepalive: Sendable {
    private enum State {
        /// Until the first ping.
        case idle
        /// Waits for `until`, then → `waiting`.
        case resting(until: Instant)
        /// Asked at `since`; an answer → `resting`, silence until `until` ends the session.
        case waiting(value: UInt32, since: Instant, until: Instant)
    }

    private let interval: Duration
    private let timeout: Duration
    private var random: SeededRandom
    private var state = State.idle

    init(interval: Duration, timeout: Duration, random: SeededRandom) {
        self.interval = interval
        self.timeout = timeout
        self.random = random
    }

    var deadline: Instant? {
        switch state {
        case .idle: nil
        case .resting(let until), .waiting(_, _, let until): until
        }
    }

    /// The value of the ping that must go out now.
    ///
    /// Random, so that nobody answers before being asked.
    mutating func ask(at now: Instant) -> UInt32 {
        let value = UInt32(truncatingIfNeeded: random.next())
        state = .waiting(value: value, since: now, until: now.advanced(by: timeout))
        return value
    }

    /// The value to send if a ping is due; throws if the last one met silence.
    mutating func deadlineReached(at now: Instant) throws(YamuxEnd) -> UInt32? {
        switch state {
        case .resting(let until) where until <= now: return ask(at: now)
        case .waiting(_, _, let until) where until <= now: throw .keepaliveTimeout
        case .idle, .resting, .waiting: return nil
        }
    }

    /// Notes that something has arrived.
    mutating func heard(at now: Instant) {
        guard case .waiting(let value, let since, _) = state else { return }
        state = .waiting(value: value, since: since, until: now.advanced(by: timeout))
    }

    /// The round trip if this answers our ping; any other answer has no effect.
    mutating func answered(_ value: UInt32, at now: Instant) -> Duration? {
        guard case .waiting(value, let since, _) = state else { return nil }
        state = .resting(until: max(now, since.advanced(by: interval)))
        return since.duration(to: now)
    }
}
