internal import Identity
internal import Primitives

/// The water marks of a node's connections.
public struct ConnectionTrimmingConfig: Hashable, Sendable {
    /// Down to so many connections a trim goes.
    public var lowWater = 96
    /// Above so many connections a trim happens.
    ///
    /// Index nodes 300/500, light nodes 8/16.
    public var highWater = 160
    /// A connection younger than this is not trimmed: its peer had no chance to be of value yet.
    public var grace: Duration = .seconds(60)
    /// The shortest time between two trims.
    public var silence: Duration = .seconds(10)

    public init() {}
}

/// Chooses which connections end when there are too many.
///
/// Whom we value least goes first, then whom we have known least long. Nothing that a peer does by itself, least of all inbound
/// activity, protects it (CVE-2020-10937): values are the node's own judgement, protection the operator's or the application's.
struct ConnectionTrimming: Sendable {
    /// One established connection.
    struct Candidate: Sendable {
        let id: ConnectionID
        let peer: PeerID
        let openedAt: Instant
        let value: Int
        let isProtected: Bool
    }

    private(set) var config: ConnectionTrimmingConfig
    private var lastTrim: Instant?
    /// When the next trim is worth trying; `nil` while there are few enough connections.
    private(set) var nextDeadline: Instant?

    init(config: ConnectionTrimmingConfig) {
        precondition(0 <= config.lowWater && config.lowWater <= config.highWater)
        self.config = config
    }

    mutating func setMarks(low: Int, high: Int) {
        precondition(0 <= low && low <= high)
        (config.lowWater, config.highWater) = (low, high)
    }

    /// Tells how many connections are established, so that a trim is due when they are too many.
    mutating func counted(_ connectionCount: Int, at now: Instant) {
        guard connectionCount > config.highWater else {
            nextDeadline = nil
            return
        }
        nextDeadline = nextDeadline ?? max(now, lastTrim?.advanced(by: config.silence) ?? now)
    }

    /// The connections to close, the least worthy first; called when `nextDeadline` is reached.
    ///
    /// Young connections neither go nor count: else a flood of them, safe for a minute, would push out all old ones.
    mutating func trim(_ connections: [Candidate], at now: Instant) -> [ConnectionID] {
        nextDeadline = nil
        guard connections.count > config.highWater else { return [] }
        let mature = connections.filter { maturity(of: $0) <= now }
        guard mature.count > config.highWater else {
            nextDeadline = connections.map { maturity(of: $0) }.sorted()[config.highWater]
            return []
        }
        lastTrim = now
        let worst = mature.filter { !$0.isProtected }.sorted { left, right in
            if left.value != right.value { return left.value < right.value }
            if left.openedAt != right.openedAt { return left.openedAt > right.openedAt }
            return left.id < right.id
        }
        return worst.prefix(mature.count - config.lowWater).map(\.id)
    }

    /// From when on a connection counts.
    private func maturity(of connection: Candidate) -> Instant {
        connection.isProtected ? connection.openedAt : connection.openedAt.advanced(by: config.grace)
    }
}
