internal import Primitives

/// When something is said again that nobody has confirmed: after two seconds, doubling up to five minutes.
struct Repetition: Hashable, Sendable {
    private var attempts = 0
    private(set) var dueAt: Instant

    init(at now: Instant) {
        dueAt = now
    }

    mutating func asked(at now: Instant) {
        let wait = LeaseLimits.dutyRetryMin * (1 << min(attempts, 10))
        dueAt = now.advanced(by: min(wait, LeaseLimits.dutyRetryMax))
        attempts += 1
    }

    /// The party is there again: it is said at once.
    mutating func renew(at now: Instant) {
        (attempts, dueAt) = (0, now)
    }
}
