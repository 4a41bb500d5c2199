internal import Primitives

/// Something that the other party of a lease must be told, until it says that it knows.
///
/// The one place where the node says things again: at once, then after two seconds, doubling up to five minutes, and at once when the
/// party is connected again.
struct LeaseDuty: Hashable, Sendable {
    enum Kind: UInt8, Hashable, Sendable {
        /// The GPUs can be used.
        case active
        /// The lease is to be reclaimed.
        case notice
        case close
        /// The receipt wants a countersignature.
        case receipt
    }

    let kind: Kind
    private var attempts = 0
    private(set) var dueAt: Instant

    init(_ kind: Kind, at now: Instant) {
        (self.kind, dueAt) = (kind, now)
    }

    mutating func asked(at now: Instant) {
        let wait = LeaseLimits.dutyRetryMin * (1 << min(attempts, 10))
        dueAt = now.advanced(by: min(wait, LeaseLimits.dutyRetryMax))
        attempts += 1
    }

    /// The party is there again.
    mutating func renew(at now: Instant) {
        (attempts, dueAt) = (0, now)
    }
}
