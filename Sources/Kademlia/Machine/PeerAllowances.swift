internal import Identity
internal import OrderedCollections
internal import Primitives

/// How much each peer may still ask of us.
struct PeerAllowances: Sendable {
    private let burst: Int
    private let interval: Duration
    private var buckets: OrderedDictionary<PeerID, TokenBucket> = [:]

    init(burst: Int, interval: Duration) {
        (self.burst, self.interval) = (burst, interval)
    }

    mutating func take(_ peer: PeerID, _ count: Int = 1, at now: Instant) -> Bool {
        if buckets[peer] == nil && buckets.count >= KademliaLimits.allowanceCountMax {
            buckets.removeAll { $0.value.isFull(at: now) }
            // All are busy: the one who began longest ago starts anew.
            if buckets.count >= KademliaLimits.allowanceCountMax { buckets.removeFirst() }
        }
        return buckets[peer, default: TokenBucket(burst: burst, interval: interval)].take(count, at: now)
    }

    func checkInvariants() {
        precondition(buckets.count <= KademliaLimits.allowanceCountMax)
    }
}
