internal import Primitives

/// Something that the other party of a lease must be told, until it says that it knows.
///
/// It is said again as `Repetition` has it, and at once when the party is connected again.
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
    var repetition: Repetition

    init(_ kind: Kind, at now: Instant) {
        (self.kind, repetition) = (kind, Repetition(at: now))
    }

    var dueAt: Instant { repetition.dueAt }
}
