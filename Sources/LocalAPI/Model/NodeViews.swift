internal import Identity
internal import Market
internal import Node
internal import Primitives
internal import Swarm

/// Who the node is.
public struct IdentityView: Codable, Hashable, Sendable {
    public let peer: String
    public let addresses: [String]
    public let network: String
}

/// The state of the node in numbers; sizes in bytes, times in seconds.
public struct StatusView: Codable, Hashable, Sendable {
    public let peer: String
    public let network: String
    public let addresses: [String]
    public let uptimeSeconds: Int64
    public let inboundPeers: Int
    public let outboundPeers: Int
    public let records: Int
    public let listings: Int
    public let ownOffers: Int
    /// Whether the node signs; `false` while it catches up, or when its key is in use elsewhere.
    public let signing: Bool
    /// `signing`, `catching_up`, `stopped` or `clock_doubted`.
    public let signingState: String
    public let storeFailure: String?
    public let health: HealthView
    /// How many peers are configured to be in touch with for ever.
    public let seeds: Int
    /// The median of how far outbound peers' clocks are ahead of ours; absent while none has told its time.
    public let clockOffsetSeconds: Double?
    public let clockPeers: Int
    /// How long ago the loop last turned.
    public let loopIdleSeconds: Double
    public let connections: Int
    public let streams: Int
    public let memoryBytes: Int
    /// Absent if the node has no part in the distributed hash table.
    public let dht: TableView?
    /// The segments that the node follows; absent if it follows the whole market.
    public let segments: [SegmentView]?

    init(_ status: NodeStatus, health: HealthView, shell: NodeShell) {
        peer = status.peer.description
        network = status.network
        addresses = status.addresses.map(\.description)
        uptimeSeconds = status.uptime.components.seconds
        (inboundPeers, outboundPeers) = (status.inboundPeerCount, status.outboundPeerCount)
        (records, listings, ownOffers) = (status.recordCount, status.listingCount, status.ownOfferCount)
        signing = status.isSigning
        signingState = status.signing.label
        storeFailure = status.storeFailure?.sentence
        self.health = health
        seeds = status.seedCount
        clockOffsetSeconds = status.clockOffset.map { $0 / .seconds(1) }
        clockPeers = status.clockSampleCount
        loopIdleSeconds = shell.facts().sinceLastTurn / .seconds(1)
        connections = status.resources.inboundConnections + status.resources.outboundConnections
        streams = status.resources.inboundStreams + status.resources.outboundStreams
        memoryBytes = status.resources.memoryBytes
        dht = status.table.map(TableView.init)
        segments = status.segments.isEmpty ? nil : status.segments.map(SegmentView.init)
    }
}

/// A followed part of the market.
public struct SegmentView: Codable, Hashable, Sendable {
    /// The class and the number of its sub-shard: `nvidia-consumer/2`.
    public let segment: String
    /// `interest`: the settings say so; `dealings`: an offer, a lease, a request or a watched search of this node; `custody`: for the
    /// sake of all, another one each week.
    public let reason: String

    init(_ followed: NodeStatus.FollowedSegment) {
        (segment, reason) = (followed.segment.name, followed.reason.rawValue)
    }
}

/// One connected peer.
public struct PeerView: Codable, Hashable, Sendable {
    public let peer: String
    /// `inbound` or `outbound`: who opened the oldest connection.
    public let direction: String
    public let address: String
    public let agent: String?
    public let roundTripMilliseconds: Double?
    public let score: Double
    public let meshTopics: Int
    public let connections: Int

    init(_ peer: NodePeer) {
        let first = peer.summary.connections.first
        self.peer = peer.summary.peer.description
        direction = first?.direction == .inbound ? "inbound" : "outbound"
        address = first?.remote.description ?? ""
        agent = peer.summary.description?.agentVersion
        roundTripMilliseconds = peer.summary.roundTrip.map { $0 / .milliseconds(1) }
        score = peer.score
        meshTopics = peer.meshTopicCount
        connections = peer.summary.connections.count
    }
}

/// Where to find a peer: all addresses are of one peer.
public struct ConnectRequest: Codable, Hashable, Sendable {
    public let addresses: [String]

    public init(addresses: [String]) {
        self.addresses = addresses
    }
}

/// Names a peer.
public struct PeerReference: Codable, Hashable, Sendable {
    public let peer: String
}

/// What was done, where there is nothing else to tell.
public struct Outcome: Codable, Hashable, Sendable {
    public let done: Bool

    public init() {
        done = true
    }
}
