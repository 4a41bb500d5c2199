/// The parameters of the router (gossipsub 1.0 to 1.2, "Parameters").
public struct GossipsubConfig: Hashable, Sendable {
    // MARK: Mesh

    /// D, D_lo, D_hi: peers of a mesh that we aim for, and bounds that are tolerated.
    public var meshCount = 6
    public var meshCountMin = 5
    public var meshCountMax = 10
    /// D_score: peers that an oversubscribed mesh keeps by score.
    public var meshScoreCount = 4
    /// D_out: peers of a mesh that we ourselves dialled; an attacker can dial us but cannot make us dial it.
    public var meshOutboundCount = 2
    public var heartbeatInterval = Duration.seconds(1)
    public var firstHeartbeat = Duration.milliseconds(100)
    public var pruneBackoff = Duration.seconds(60)
    public var unsubscribeBackoff = Duration.seconds(10)
    /// Heartbeats that we wait beyond a backoff, and heartbeats between two clearings.
    public var backoffSlackHeartbeats = 2
    public var backoffClearHeartbeats = 15
    /// A GRAFT so soon after a PRUNE costs twice.
    public var graftFloodThreshold = Duration.seconds(10)
    public var opportunisticGraftHeartbeats = 60
    public var opportunisticGraftCount = 2

    // MARK: Choking

    /// Mesh peers of a topic that go on sending when the others are asked to name messages only.
    ///
    /// Three, so that one that fails or lies leaves two; more would be copies that nobody needs.
    public var eagerCountMin = 3
    /// Messages that a peer must have brought lately, first or not, before it is choked; half of it proves that it still sends.
    public var chokeDeliveriesMin = 8.0

    // MARK: Gossip

    /// D_lazy and the share of the other subscribers that hear of messages.
    public var gossipCount = 6
    public var gossipFactor = 0.1
    public var cacheWindowCount = 5
    public var gossipWindowCount = 2
    /// Per peer and heartbeat: RPCs with IHAVE that are heard, and ids that are asked for.
    public var ihaveMessageCountMax = 10
    public var ihaveIDCountMax = 500
    /// Ids that a peer may ask for in a heartbeat: what the implementations of gossipsub announce at most.
    public var iwantIDCountMax = 5_000
    /// Sendings of one message to one peer by IWANT, and bytes per peer and heartbeat that IWANT may cause.
    public var retransmissionCountMax = 3
    public var iwantByteCountMax = 1 << 20
    public var promiseTimeout = Duration.seconds(3)
    /// Per peer and heartbeat: RPCs with IDONTWANT that are heard; ids of each; heartbeats that an id lasts.
    public var idontwantMessageCountMax = 1000
    public var idontwantIDCountMax = 10
    public var idontwantHeartbeats = 3

    // MARK: Publishing

    public var fanoutTimeToLive = Duration.seconds(60)
    /// Whether own messages go to all subscribers at once, at most to `floodCountMax` of them.
    public var floodsOwnMessages = true
    public var floodCountMax = 32
    public var exchangesPeers = true
    /// How soon a peer that is pruned again is told again of others in the topic: it knows them, and their records take as many bytes as
    /// ten messages.
    public var exchangeInterval = Duration.seconds(600)
    /// How topics are run that we publish to without having joined them.
    public var unjoinedTopic = TopicConfig(score: nil)

    // MARK: Limits

    public var rpc = RPCLimits()
    /// Topics that one peer's subscriptions are remembered of.
    public var topicsPerPeerMax = 512
    /// Topics of our own to publish to without having joined them; the longest unused gives way.
    public var fanoutTopicCountMax = 64
    /// Beyond the connection limits of every kind of node.
    public var peerCountMax = 1024
    /// Five minutes of memory at most.
    ///
    /// So long that a message cannot return after its copies have died out; from 400 messages a second on the count
    /// limits first. About 24 bytes each.
    public var seenTimeToLive = Duration.seconds(300)
    public var seenCountMax = 131_072
    public var cachedCountMax = 8192
    public var cachedByteCountMax = 16 << 20
    public var backoffCountMax = 8192
    /// Messages that wait for a verdict: one burst of a thousand from a peer, eight of them in all, and their bytes.
    public var pendingPerPeerMax = 1024
    public var pendingCountMax = 8192
    public var pendingByteCountMax = 16 << 20
    /// What waits for a congested peer.
    public var queueCountMax = 64
    public var queueByteCountMax = 256 << 10
    /// How often our stream to a peer is opened again after it closed, and the first pause, which doubles.
    public var reopenCountMax = 6
    public var reopenPause = Duration.seconds(1)
    /// After so many heartbeats one loss is forgotten: a connection lives for months.
    public var reopenForgiveHeartbeats = 300

    public var score = PeerScoreParams()

    public init() {}

    var logLimits: MessageLog.Limits {
        MessageLog.Limits(
            timeToLive: seenTimeToLive,
            countMax: seenCountMax,
            windowCount: cacheWindowCount,
            gossipWindowCount: gossipWindowCount,
            cachedCountMax: cachedCountMax,
            cachedByteCountMax: cachedByteCountMax
        )
    }

    /// Stops unless the numbers fit together (gossipsub 1.1, "Outbound Mesh Quotas": D_out < D_lo and D_out ≤ D / 2).
    func check() {
        precondition(meshOutboundCount < meshCountMin && meshOutboundCount <= meshCount / 2)
        precondition(meshCountMin <= meshCount && meshCount <= meshCountMax && meshScoreCount <= meshCount)
        precondition(eagerCountMin > 0 && chokeDeliveriesMin > 0)
        precondition(
            heartbeatInterval > .zero && firstHeartbeat >= .zero && backoffClearHeartbeats > 0
                && reopenForgiveHeartbeats > 0
        )
        precondition(opportunisticGraftHeartbeats > 0 && floodCountMax >= meshCount)
        precondition(unsubscribeBackoff >= .seconds(1) && pruneBackoff <= .seconds(RPCLimits.backoffSecondsMax))
        precondition((try? score.validate(topics: [])) != nil, "the score parameters do not fit together")
    }
}

/// A configuration by reference: it is many numbers, and nearly all routers of a process share one.
final class GossipsubRules: Sendable {
    static let standard = GossipsubRules(GossipsubConfig())

    let config: GossipsubConfig

    private init(_ config: GossipsubConfig) { self.config = config }

    /// The standard rules themselves if these are equal to them.
    static func sharing(_ config: GossipsubConfig) -> GossipsubRules {
        config == standard.config ? standard : GossipsubRules(config)
    }
}
