/// An allowance that refills with time: `burst` at once, then one every `interval`.
public struct TokenBucket: Hashable, Sendable {
    private let burst: Int
    private let interval: Duration
    private var tokens: Int
    private var refilledAt: Instant?

    /// A full bucket; `burst` and `interval` must be positive.
    public init(burst: Int, interval: Duration) {
        precondition(burst > 0 && interval > .zero)
        (self.burst, self.interval, tokens) = (burst, interval, burst)
    }

    /// Takes one token if there is one.
    public mutating func take(at now: Instant) -> Bool {
        take(1, at: now)
    }

    /// Takes `count` tokens if there are as many, else none.
    public mutating func take(_ count: Int, at now: Instant) -> Bool {
        refill(at: now)
        guard tokens >= count else { return false }
        tokens -= count
        return true
    }

    /// When there will be a token; now if there is one.
    public func nextToken(at now: Instant) -> Instant {
        var copy = self
        copy.refill(at: now)
        return copy.tokens > 0 ? now : max(now, (copy.refilledAt ?? now).advanced(by: interval))
    }

    /// Whether nothing is missing: such a bucket need not be remembered.
    public func isFull(at now: Instant) -> Bool {
        var copy = self
        copy.refill(at: now)
        return copy.tokens == burst
    }

    private mutating func refill(at now: Instant) {
        guard let since = refilledAt else {
            refilledAt = now
            return
        }
        let earned = since.duration(to: now).saturatedNanoseconds / interval.saturatedNanoseconds
        guard earned > 0 else { return }
        let added = Int(min(earned, Int64(burst)))
        tokens = min(burst, tokens + added)
        // What was earned beyond the brim is lost; the remainder of an interval is not.
        refilledAt = tokens == burst ? now : since.advanced(by: interval * Int(earned))
    }
}
