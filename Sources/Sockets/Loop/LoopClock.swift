internal import Glibc
package import Primitives

/// The two clocks of a machine: one that only runs on, one that says what day it is.
package struct LoopClock {
    /// A smaller difference is the two readings' own, or the time service's gentle correction.
    static let stepMillisecondsMin: Int64 = 1_000

    private var last = Instant.zero
    /// Wall time minus monotonic time, in milliseconds, when the machine was last told.
    private var offset: Int64?

    package init() {}

    /// Time since the machine was started, sleep included, so that a deadline does not wait longer because a laptop was closed.
    package mutating func now() -> Instant {
        last = max(last, Instant(nanoseconds: Self.nanoseconds(of: CLOCK_BOOTTIME)))
        return last
    }

    package static func unixMilliseconds() -> Int64 {
        nanoseconds(of: CLOCK_REALTIME) / 1_000_000
    }

    /// Notes what the machine is told.
    package mutating func tell(_ unixMilliseconds: Int64, at now: Instant) {
        offset = unixMilliseconds - now.nanoseconds / 1_000_000
    }

    /// Whether wall time is not where the machine believes it to be.
    package func hasStepped(_ unixMilliseconds: Int64, at now: Instant) -> Bool {
        guard let offset else { return true }
        let difference = unixMilliseconds - now.nanoseconds / 1_000_000 - offset
        return difference.magnitude > Self.stepMillisecondsMin.magnitude
    }

    private static func nanoseconds(of clock: clockid_t) -> Int64 {
        var time = timespec()
        let status = unsafe clock_gettime(clock, &time)
        precondition(status == 0, "Linux has this clock since 2.6.39")
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
