public import Primitives

/// How many signatures one peer may make us verify: verification is the scarce resource.
public struct VerificationBudget: Hashable, Sendable {
    /// A whole on-connect page at once: about 30 ms of one core.
    public static let burst = 512
    /// 100 per second, twice what a full node's three segments bring: 0.6 % of a core for each peer that abuses it.
    public static let interval = Duration.milliseconds(10)

    private var bucket = TokenBucket(burst: burst, interval: interval)

    public init() {}

    /// Takes what `count` verifications cost, or nothing if the budget does not reach.
    public mutating func spend(_ count: Int, at now: Instant) -> Bool {
        bucket.take(count, at: now)
    }
}
