internal import Market
internal import Primitives

/// When a provider's storefront is to be signed: when what it says changes, and every twelve hours.
struct StorefrontKeeper: Sendable {
    /// How often it is looked at, and so the shortest time between two signatures.
    static let interval = Duration.seconds(60)
    /// As BEP 44's items are stored again, with room for two failures within its life of 36 hours.
    static let renewal = Duration.seconds(12 * 3_600)
    static let lifetimeMilliseconds: Int64 = 36 * 3_600_000

    private var shown: StorefrontBody?
    private var renewAt: Instant?
    private(set) var nextDeadline: Instant?

    mutating func start(at now: Instant) {
        nextDeadline = now.advanced(by: Self.interval)
    }

    /// What should be signed now; `nil` while nothing is to be said, or it has been.
    mutating func due(_ body: StorefrontBody?, at now: Instant) -> StorefrontBody? {
        guard let due = nextDeadline, due <= now else { return nil }
        nextDeadline = now.advanced(by: Self.interval)
        guard let body, body != shown || (renewAt ?? now) <= now else { return nil }
        (shown, renewAt) = (body, now.advanced(by: Self.renewal))
        return body
    }
}
