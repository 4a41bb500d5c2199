internal import Identity
internal import OrderedCollections
internal import Primitives

/// What we know of one connected peer.
struct GossipPeer: Sendable {
    /// Our stream to the peer: we write only on it, the peer writes only on its own.
    enum OutboundStream: Hashable, Sendable {
        /// Asked for; becomes `flowing` or `closed`.
        case opening
        case flowing
        /// Its buffers are full; becomes `flowing` or `closed`.
        case congested
        /// Lost; opened again at the instant, or never.
        case closed(reopenAt: Instant?)
    }

    /// The peer's stream to us.
    ///
    /// Extensions are of a stream, not of a connection: they stand "in the first message on the stream" (gossipsub 1.3), and go, too,
    /// forgets them with the stream (go-libp2p-pubsub since its commit d8037f3).
    struct InboundStream: Sendable {
        let version: GossipsubVersion
        /// Whether an RPC came on it: only the first may list extensions.
        var hasSpoken = false
        /// What the first one listed.
        var extensions = GossipExtensions()
    }

    /// Its number in the log of messages.
    let place: PeerPlace
    let version: GossipsubVersion
    /// Whether we dialled the connection.
    let isOutbound: Bool
    var stream = OutboundStream.opening
    var reopenCount = 0
    var queue = OutboundQueue()
    var topics: OrderedSet<Topic> = []
    var inbound: InboundStream
    var unwanted = UnwantedMessages()
    /// Whether the operator vouches for it.
    var isPinned = false
    /// The peer's own signed record, to recommend it to others.
    var record: [UInt8]?
    /// When it was last told of others, of each topic that we have joined; asked, never iterated.
    var recommendedAt: [Topic: Instant] = [:]

    // Counters of this heartbeat.
    var ihaveMessageCount = 0
    var askedIDCount = 0
    var iwantIDCount = 0
    var iwantByteCount = 0
    var idontwantMessageCount = 0

    init(place: PeerPlace, version: GossipsubVersion, isOutbound: Bool) {
        self.place = place
        self.version = version
        self.isOutbound = isOutbound
        // Unless it says otherwise, it proposes the best protocol that both speak.
        inbound = InboundStream(version: version)
    }

    /// Whether what we say to the peer can arrive soon.
    var isReachable: Bool {
        switch stream {
        case .opening, .flowing, .congested: true
        case .closed: false
        }
    }

    mutating func beginHeartbeat(_ heartbeat: Int) {
        (ihaveMessageCount, askedIDCount, iwantIDCount, iwantByteCount, idontwantMessageCount) = (0, 0, 0, 0, 0)
        unwanted.expire(at: heartbeat)
    }
}

/// A topic that we subscribed to.
struct JoinedTopic: Sendable {
    let signatures: SignaturePolicy
    /// The topic's number in the book of scores; `nil` while it has none.
    var scoreSlot: Int?
    private(set) var mesh = PeerSet()
    /// Mesh peers that choked us: they get the names of messages, all others the messages.
    private(set) var choking = PeerSet()
    /// Mesh peers that we choked: they name messages instead of sending them.
    private(set) var choked = PeerSet()
    /// Connected peers that are subscribed, the mesh included.
    var subscribers: PeerSet
    /// When a recommendation of other peers was last followed.
    var followedAt: Instant?

    init(signatures: SignaturePolicy, subscribers: PeerSet) {
        (self.signatures, self.subscribers) = (signatures, subscribers)
    }

    /// Whether the peer is new in the mesh; then both send.
    mutating func graft(_ peer: PeerID) -> Bool {
        mesh.insert(peer)
    }

    /// Whether the peer was in the mesh.
    mutating func prune(_ peer: PeerID) -> Bool {
        guard mesh.remove(peer) else { return false }
        choking.remove(peer)
        choked.remove(peer)
        return true
    }

    /// A mesh peer choked us, or no longer does.
    mutating func heardChoke(_ isChoked: Bool, from peer: PeerID) {
        guard mesh.contains(peer) else { return }
        if isChoked { choking.insert(peer) } else { choking.remove(peer) }
    }

    /// We choke a mesh peer, or no longer do.
    mutating func setChoked(_ isChoked: Bool, _ peer: PeerID) {
        guard mesh.contains(peer) else { return }
        if isChoked { choked.insert(peer) } else { choked.remove(peer) }
    }
}

/// A topic that we publish to without being subscribed (gossipsub 1.0, "Fanout").
struct FanoutTopic: Sendable {
    var peers = PeerSet()
    var lastPublished: Instant
}
