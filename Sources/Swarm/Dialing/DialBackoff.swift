internal import Identity
internal import Primitives

/// How long an address that failed is left alone.
public struct DialBackoffConfig: Hashable, Sendable {
    /// The first wait; the n-th is `base + n² · step`, as go-libp2p does.
    public var base: Duration = .seconds(5)
    public var step: Duration = .seconds(1)
    public var limit: Duration = .seconds(300)
    /// Addresses that are remembered at once.
    public var addressCountMax = 4096

    public init() {}
}

/// Which addresses failed lately, for whom, and when they may be dialled again.
///
/// An address fails for the peer it was dialled for: a liar who names somebody else's address keeps nobody from dialling it.
struct DialBackoff: Sendable {
    struct Target: Hashable, Comparable, Sendable {
        /// `nil` where any peer was welcome.
        let peer: PeerID?
        let endpoint: Endpoint

        static func < (left: Target, right: Target) -> Bool {
            let (first, second) = (left.endpoint, right.endpoint)
            if first != second { return (first.address, first.port) < (second.address, second.port) }
            return (left.peer?.bytes ?? []).lexicographicallyPrecedes(right.peer?.bytes ?? [])
        }
    }

    private struct Failure: Sendable {
        var count: Int
        var until: Instant
    }

    let config: DialBackoffConfig
    private var failures: [Target: Failure] = [:]
    /// When each failure is forgotten: after as long again as it was waited for.
    private var forgetting = DeadlineQueue<Target>()

    init(config: DialBackoffConfig) {
        self.config = config
    }

    var addressCount: Int { failures.count }

    /// Whether the address must not be dialled yet.
    func isWaiting(_ target: Target, at now: Instant) -> Bool {
        failures[target].map { now < $0.until } ?? false
    }

    mutating func failed(_ target: Target, at now: Instant) {
        forget(at: now)
        if failures[target] == nil, failures.count >= config.addressCountMax, let oldest = forgetting.first {
            failures[oldest] = nil
            forgetting.arm(oldest, at: nil)
        }
        let count = failures[target]?.count ?? 0
        let squared = min(count, 1000) * min(count, 1000)
        let wait = min(config.base + config.step * squared, config.limit)
        failures[target] = Failure(count: min(count + 1, 1000), until: now.advanced(by: wait))
        forgetting.arm(target, at: now.advanced(by: wait * 2))
    }

    mutating func succeeded(_ target: Target) {
        failures[target] = nil
        forgetting.arm(target, at: nil)
    }

    func checkInvariants() {
        assert(failures.count <= config.addressCountMax && failures.count == forgetting.count)
        forgetting.checkInvariants()
    }

    private mutating func forget(at now: Instant) {
        while let target = forgetting.popDue(at: now) { failures[target] = nil }
    }
}
