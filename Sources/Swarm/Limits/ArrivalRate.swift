internal import Primitives

/// How often each of many keys may do something: a burst at once, then one per interval.
///
/// The generic cell rate algorithm: one instant per key, at which its bucket is full again. A key whose instant has passed is
/// forgotten, so the table holds only keys that were active a short while ago, at most `keyCountMax` of them.
struct ArrivalRate<Key: Hashable & Comparable & Sendable>: Sendable {
    let interval: Duration
    let burst: Int
    let keyCountMax: Int
    private var fullAt: [Key: Instant] = [:]

    init(interval: Duration, burst: Int, keyCountMax: Int) {
        precondition(interval > .zero && burst > 0 && keyCountMax > 0)
        self.interval = interval
        self.burst = burst
        self.keyCountMax = keyCountMax
    }

    var keyCount: Int { fullAt.count }

    /// Whether `key` may act now, without counting it.
    func admits(_ key: Key, at now: Instant) -> Bool {
        guard let full = fullAt[key] else { return true }
        return now.duration(to: full) <= interval * (burst - 1)
    }

    /// Counts one act of `key`, and says whether it was within the rate; an act beyond the rate is not counted.
    mutating func count(_ key: Key, at now: Instant) -> Bool {
        guard admits(key, at: now) else { return false }
        if fullAt[key] == nil && fullAt.count >= keyCountMax { makeRoom(at: now) }
        fullAt[key] = max(fullAt[key] ?? now, now).advanced(by: interval)
        return true
    }

    /// Forgets the keys whose buckets are full, and if there is none the one that is nearest to it: it gains least.
    private mutating func makeRoom(at now: Instant) {
        fullAt = fullAt.filter { $0.value > now }
        guard fullAt.count >= keyCountMax else { return }
        let fullest = fullAt.min { ($0.value, $0.key) < ($1.value, $1.key) }
        if let fullest { fullAt[fullest.key] = nil }
    }
}
