internal import Market
internal import Primitives

/// When a provider's storefront is to be signed: when what it says changes, and every twelve hours.
struct StorefrontKeeper: Sendable {
    /// How often it is looked at, and the shortest time between two signatures.
    static let interval = Duration.seconds(60)
    /// How soon it is looked at when something has changed: several offers are published in one go.
    static let patience = Duration.seconds(1)
    /// As BEP 44's items are stored again, with room for two failures within its life of 36 hours.
    static let renewal = Duration.seconds(12 * 3_600)
    /// Who stores it takes 36 hours at most, by a clock that may be behind ours.
    static let lifetimeMilliseconds: Int64 = 36 * 3_600_000 - RecordGate.clockToleranceMilliseconds

    private var shown: StorefrontBody?
    private var renewAt: Instant?
    /// No new signature before.
    private var restsUntil: Instant?
    private(set) var nextDeadline: Instant?

    mutating func start(at now: Instant) {
        nextDeadline = now.advanced(by: Self.interval)
    }

    /// What it says may have changed, or somebody has come who can keep it.
    mutating func changed(at now: Instant) {
        guard let due = nextDeadline else { return }
        let soon = now.advanced(by: Self.patience)
        nextDeadline = min(due, max(soon, restsUntil ?? soon))
    }

    /// What should be signed now; `nil` while nothing is to be said, or it has been.
    mutating func due(_ body: StorefrontBody?, at now: Instant) -> StorefrontBody? {
        guard let due = nextDeadline, due <= now else { return nil }
        nextDeadline = now.advanced(by: Self.interval)
        guard let body, body != shown || (renewAt ?? now) <= now else { return nil }
        (shown, renewAt) = (body, now.advanced(by: Self.renewal))
        restsUntil = nextDeadline
        return body
    }
}
