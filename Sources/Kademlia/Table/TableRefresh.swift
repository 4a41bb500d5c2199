internal import Primitives

/// When the table is filled anew, and what of a round is still to be done.
///
/// A round searches for ourselves and then for a random key of every bucket that no search has touched for an interval, one search
/// after the other (libp2p/specs, kad-dht, "Bootstrap process"); and at its end for ourselves again, with all that it has brought:
/// the first search knew only what a seed told.
struct TableRefresh: Sendable {
    enum Target: Hashable, Sendable {
        case own
        case bucket(Int)
    }

    /// When the next round begins; `nil` before the first peer is known and while a round runs.
    private(set) var deadline: Instant?
    private(set) var isRunning = false
    private var beganAt: Instant?
    private var targets: [Target] = []
    /// By bucket.
    private var searchedAt: [Instant?] = Array(repeating: nil, count: KademliaLimits.refreshedBucketCountMax)

    /// A search in this bucket has ended.
    mutating func searched(bucket: Int, at now: Instant) {
        if bucket < searchedAt.count { searchedAt[bucket] = now }
    }

    /// The table is small and has grown or shrunk: the next round comes soon.
    mutating func hurry(at now: Instant) {
        guard !isRunning else { return }
        let soon = beganAt.map { max(now, $0.advanced(by: KademliaLimits.hurriedInterval)) } ?? now
        deadline = min(deadline ?? soon, soon)
    }

    mutating func begin(bucketCount: Int, interval: Duration, at now: Instant) {
        (isRunning, deadline, beganAt) = (true, nil, now)
        let stale = (0..<min(bucketCount, searchedAt.count)).filter { bucket in
            searchedAt[bucket].map { $0.duration(to: now) >= interval / 2 } ?? true
        }
        targets = [.own] + stale.reversed().map(Target.bucket) + [.own]
    }

    mutating func nextTarget() -> Target? { targets.popLast() }

    mutating func end(next: Instant) {
        (isRunning, deadline, targets) = (false, next, [])
    }
}
