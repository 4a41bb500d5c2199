/// A point on a monotonic clock, in nanoseconds since an arbitrary origin.
///
/// `ContinuousClock.Instant` cannot be built from a number, so a simulator could not invent one; this type can be. Arithmetic
/// saturates: a deadline that a peer pushed beyond the end of time is "never", not a trap.
public struct Instant: InstantProtocol, Hashable, Sendable {
    public typealias Duration = Swift.Duration

    public let nanoseconds: Int64

    /// The origin: where every simulation starts.
    public static let zero = Instant(nanoseconds: 0)

    /// The end of time: later than every deadline that anyone arms.
    public static let distantFuture = Instant(nanoseconds: .max)

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    public func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.saturatedNanoseconds)
        guard overflow else { return Instant(nanoseconds: sum) }
        return Instant(nanoseconds: duration < .zero ? .min : .max)
    }

    public func duration(to other: Instant) -> Duration {
        let (difference, overflow) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
        guard overflow else { return .nanoseconds(difference) }
        return .nanoseconds(other > self ? Int64.max : Int64.min)
    }

    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

extension Duration {
    /// The length in whole nanoseconds, clamped to what 64 bits hold (about 292 years).
    public var saturatedNanoseconds: Int64 {
        // Up to 78 minutes one division of 64 bits does: 10⁹ is 2⁹ · 5⁹. Deadlines are reckoned too often for one of 128.
        let shifted = attoseconds >> 9
        if shifted >= 0 && shifted <= Int128(Int64.max) { return Int64(truncatingIfNeeded: shifted) / 1_953_125 }
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        guard !carried else { return seconds < 0 ? .min : .max }
        return sum
    }

    /// The length in whole milliseconds, clamped to what 64 bits hold.
    public var milliseconds: Int64 {
        saturatedNanoseconds / 1_000_000
    }
}

/// The earlier of two optional deadlines; `nil` while neither is armed.
public func earliest(_ left: Instant?, _ right: Instant?) -> Instant? {
    guard let left else { return right }
    guard let right else { return left }
    return min(left, right)
}

/// The earliest of several optional deadlines; `nil` while none of them is armed.
public func earliest(_ deadlines: Instant?...) -> Instant? {
    deadlines.compactMap(\.self).min()
}
