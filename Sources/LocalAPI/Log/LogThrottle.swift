internal import Primitives

/// Lets one line of a kind through at a time, and so many of all kinds, so that nobody can fill the disk by misbehaving.
struct LogThrottle: Sendable {
    /// The shortest time between two lines of one key.
    static let interval = Duration.seconds(10)
    /// Keys that are remembered; beyond them the one that spoke longest ago is forgotten.
    static let keyCountMax = 1_024

    /// Lines of all keys together at once, and then one for each interval: a megabyte in five minutes at worst.
    static let burst = 100
    static let lineInterval = Duration.milliseconds(100)

    private struct Entry: Sendable {
        var spokeAt: Instant
        var suppressed = 0
    }

    private var entries: [String: Entry] = [:]
    private var allowance = TokenBucket(burst: Self.burst, interval: Self.lineInterval)
    /// Lines of new keys that were left out for want of allowance.
    private var leftOutCount = 0

    var keyCount: Int { entries.count }

    /// How many lines of this key, or of new keys, were left out since the last one, if this one may be written.
    mutating func admit(_ key: String, at now: Instant) -> Int? {
        if let entry = entries[key] {
            guard entry.spokeAt.advanced(by: Self.interval) <= now, allowance.take(at: now) else {
                entries[key]?.suppressed += 1
                return nil
            }
            entries[key] = Entry(spokeAt: now)
            return entry.suppressed
        }
        guard allowance.take(at: now) else {
            leftOutCount += 1
            return nil
        }
        if entries.count >= Self.keyCountMax { forgetOldest() }
        entries[key] = Entry(spokeAt: now)
        defer { leftOutCount = 0 }
        return leftOutCount
    }

    private mutating func forgetOldest() {
        let oldest = entries.min { ($0.value.spokeAt, $0.key) < ($1.value.spokeAt, $1.key) }
        if let oldest { entries[oldest.key] = nil }
    }
}
