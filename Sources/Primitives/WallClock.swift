/// Wall time as the machine knows it: what the driver last said, carried on by the monotonic clock.
///
/// Never adjusted from peers. A simulator skews a node by what it says here.
public struct WallClock: Hashable, Sendable {
    private var unixMillisecondsAtOrigin: Int64?

    public init() {}

    /// Notes the driver's wall time and returns by how much it stepped against the monotonic clock, in milliseconds.
    public mutating func set(unixMilliseconds: Int64, at now: Instant) -> Int64 {
        let origin = unixMilliseconds.subtractingSaturated(now.nanoseconds / 1_000_000)
        defer { unixMillisecondsAtOrigin = origin }
        guard let previous = unixMillisecondsAtOrigin else { return 0 }
        return origin.subtractingSaturated(previous)
    }

    /// When wall time will be, or was, `unixMilliseconds`; the driver must have told the time before.
    public func instant(atUnixMilliseconds unixMilliseconds: Int64) -> Instant {
        guard let origin = unixMillisecondsAtOrigin else { preconditionFailure("the driver has not told the time yet") }
        return .zero.advanced(by: .milliseconds(unixMilliseconds.subtractingSaturated(origin)))
    }

    /// Unix time in milliseconds; the driver must have told the time before.
    public func unixMilliseconds(at now: Instant) -> Int64 {
        guard let origin = unixMillisecondsAtOrigin else { preconditionFailure("the driver has not told the time yet") }
        return origin.addingSaturated(now.nanoseconds / 1_000_000)
    }
}

extension Int64 {
    fileprivate func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    /// The difference, or the nearest number there is.
    package func subtractingSaturated(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }
}
