public import Cryptography
public import Identity
internal import OrderedCollections
public import Primitives

/// A publish–subscribe router over meshes of peers: gossipsub 1.0 to 1.3, and floodsub peers.
///
/// Pure: the owner feeds inputs with their instant, carries out the outputs in order, then arms one timer at `nextDeadline`. It owns
/// the streams: one that we open to a peer and write on, one that the peer opens and we read from, both carrying RPCs
/// (``GossipRPC``) with a varint length in front. Encoding and decoding is the owner's too, so that one who delivers RPCs as they
/// are need not do either.
///
/// Sources: libp2p/specs, pubsub (README, gossipsub v1.0 to v1.3).
public struct GossipsubMachine: Sendable {
    /// What happened.
    public enum Input: Sendable {
        /// A connected peer lists this protocol or opened a stream with it; `address` is the remote end of its connection.
        ///
        /// The first one counts. What a peer says before it is lost, its subscriptions for good.
        indirect case peerConnected(PeerID, protocolName: String, isOutbound: Bool, address: IPAddress)
        /// The stream that `openStream` asked for is open.
        case streamReady(PeerID)
        /// The peer has opened its stream to us, the first or a new one in its place; while this is unsaid, it is as if it had opened
        /// one with the protocol of `peerConnected`.
        case streamAccepted(PeerID, protocolName: String)
        /// The stream that `openStream` asked for could not be opened, or is gone.
        case streamClosed(PeerID)
        /// The peer reads more slowly than we write; and it caught up.
        case congested(PeerID)
        case drained(PeerID)
        /// The last connection is gone.
        case peerDisconnected(PeerID)
        /// The signed record that the peer gave of itself, already verified: what PRUNE may recommend.
        case peerRecord(PeerID, [UInt8])
        /// One whole RPC, decoded within the limits of the configuration.
        case received(PeerID, GossipRPC)
        /// What the peer sent could not be decoded: it is charged.
        case receivedUnreadable(PeerID, GossipRPCError)
        indirect case subscribe(Topic, TopicConfig)
        case unsubscribe(Topic)
        /// `content` is for receivers that get the message as it is; it must be what the data says.
        case publish(Topic, [UInt8], content: (any GossipContent)? = nil)
        /// Answers `verify`.
        case verified(ValidationID, Bool)
        /// Answers `validate`.
        case validated(ValidationID, Validation)
        case setApplicationScore(PeerID, Double)
        /// The operator vouches for the connected peer, or no longer does: its recommendations are followed.
        case setPinned(PeerID, Bool)
        case deadlineReached
    }

    /// What the owner must do or may tell.
    public enum Output: Hashable, Sendable {
        /// Open a stream with the peer's protocol; answer with `streamReady` or `streamClosed`.
        case openStream(PeerID)
        /// Close the stream that we opened to the peer.
        case closeStream(PeerID)
        /// Write one RPC on our stream to the peer.
        case send(PeerID, GossipRPC)
        /// Check a message's signature; answer with `verified`.
        indirect case verify(ValidationID, SignatureCheck)
        /// Judge a message; answer with `validated`. Accepted messages are forwarded without more ado.
        indirect case validate(ValidationID, GossipMessage)
        case published(Topic, MessageID)
        case publishRefused(Topic, PublishRefusal)
        case peerSubscribed(PeerID, Topic)
        case peerUnsubscribed(PeerID, Topic)
        case meshJoined(PeerID, Topic)
        case meshLeft(PeerID, Topic)
        /// Peers of a topic that a trusted peer recommended, with verified records; dial them as limits allow.
        case connect([PeerExchangeEntry])
        case misbehaved(PeerID, Misbehaviour)
    }

    public enum PublishRefusal: Hashable, Sendable {
        /// The same data went through this topic a short time ago.
        case duplicate
        case tooLong
    }

    /// What a peer did that no honest node does; for logs, the score knows already.
    public enum Misbehaviour: Hashable, Sendable {
        case oversizedRPC(byteCount: Int)
        case malformedRPC
        case graftDuringBackoff(Topic)
        /// Extensions listed a second time on a stream, or behind its first RPC.
        case lateExtensions
        case brokenPromises(Int)
        /// Author, sequence number, signature or key where there must be none, or none where there must be.
        case wrongSignaturePolicy(Topic)
        case forgedSignature(Topic)
        case rejectedMessage(Topic)
        case forgedRecord
    }

    private let rules: GossipsubRules
    var config: GossipsubConfig { rules.config }
    let identity: PeerID
    let key: Ed25519.PrivateKey
    var random: SeededRandom
    /// The last sequence number that we signed with.
    var sequence: UInt64

    var peers: OrderedDictionary<PeerID, GossipPeer> = [:]
    /// Those of the peers that know no mesh: usually none, so that forwarding need not look for them.
    var floodsubPeers = PeerSet()
    var topics: OrderedDictionary<Topic, JoinedTopic> = [:]
    var fanout: OrderedDictionary<Topic, FanoutTopic> = [:]
    var scores: PeerScoreBook
    var gater = PeerGater()
    var backoffs: Backoffs
    var promises = Promises()
    var log: MessageLog
    var takenPlaces = PlaceSet()
    var recent = RecentData()
    var pending: PendingValidations
    var heartbeatCount = 0
    /// What this step says to each peer; empty between steps.
    var outbox: OrderedDictionary<PeerID, RPCParts> = [:]

    /// When the owner must next feed `deadlineReached`; `nil` before the first input.
    public private(set) var nextDeadline: Instant?

    /// A router without peers.
    ///
    /// `firstSequence` starts the sequence numbers of signed messages; Unix nanoseconds, as in go, keep them rising over restarts.
    public init(config: GossipsubConfig, key: Ed25519.PrivateKey, firstSequence: UInt64, random: SeededRandom) {
        config.check()
        rules = .sharing(config)
        self.key = key
        self.random = random
        identity = PeerID(publicKey: key.publicKey)
        sequence = firstSequence
        scores = PeerScoreBook(params: config.score)
        backoffs = Backoffs(
            slack: config.heartbeatInterval * config.backoffSlackHeartbeats,
            countMax: config.backoffCountMax
        )
        log = MessageLog(limits: config.logLimits)
        pending = PendingValidations(
            countMax: config.pendingCountMax,
            byteCountMax: config.pendingByteCountMax,
            countPerPeerMax: config.pendingPerPeerMax
        )
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        if nextDeadline == nil { nextDeadline = now.advanced(by: config.firstHeartbeat) }
        switch input {
        case .peerConnected(let peer, let protocolName, let isOutbound, let address):
            connect(peer, protocolName: protocolName, isOutbound: isOutbound, address: address, into: &outputs)
        case .streamReady(let peer): streamReady(peer, into: &outputs)
        case .streamAccepted(let peer, let name): streamAccepted(peer, protocolName: name)
        case .streamClosed(let peer): streamClosed(peer, at: now, into: &outputs)
        case .congested(let peer): congested(peer)
        case .drained(let peer): drained(peer)
        case .peerDisconnected(let peer): disconnect(peer, at: now, into: &outputs)
        case .peerRecord(let peer, let record): keepRecord(record, of: peer)
        case .received(let peer, let rpc): receive(rpc, from: peer, at: now, into: &outputs)
        case .receivedUnreadable(let peer, let error): receiveUnreadable(error, from: peer, into: &outputs)
        case .subscribe(let topic, let topicConfig): join(topic, topicConfig, at: now, into: &outputs)
        case .unsubscribe(let topic): leave(topic, at: now, into: &outputs)
        case .publish(let topic, let data, let content):
            publish(data, content, in: topic, at: now, into: &outputs)
        case .verified(let id, let holds): verified(id, holds, at: now, into: &outputs)
        case .validated(let id, let verdict): validated(id, verdict, at: now, into: &outputs)
        case .setApplicationScore(let peer, let score): scores.setApplicationScore(peer, score)
        case .setPinned(let peer, let isPinned): peers[peer]?.isPinned = isPinned
        case .deadlineReached: deadlineReached(at: now, into: &outputs)
        }
        flush(into: &outputs)
    }

    private mutating func deadlineReached(at now: Instant, into outputs: inout [Output]) {
        guard let due = nextDeadline, due <= now else { return }
        heartbeat(at: now, into: &outputs)
        // A machine that slept through heartbeats does one, not all of them.
        let next = due.advanced(by: config.heartbeatInterval)
        nextDeadline = next > now ? next : now.advanced(by: config.heartbeatInterval)
    }

    // MARK: Queries

    func isKnown(_ peer: PeerID) -> Bool { peers.index(forKey: peer) != nil }

    /// Whether what we say to the peer can arrive soon.
    func isReachable(_ peer: PeerID) -> Bool {
        guard let index = peers.index(forKey: peer) else { return false }
        return peers.values[index].isReachable
    }

    func hasMesh(_ peer: PeerID) -> Bool {
        guard let index = peers.index(forKey: peer) else { return false }
        return peers.values[index].version.hasMesh
    }

    func isOutbound(_ peer: PeerID) -> Bool {
        guard let index = peers.index(forKey: peer) else { return false }
        return peers.values[index].isOutbound
    }

    /// The topics that we are subscribed to, in the order of joining.
    public var joinedTopics: [Topic] { Array(topics.keys) }

    /// The topics that we publish to without being subscribed, the longest unused first.
    public var fanoutTopics: [Topic] { Array(fanout.keys) }

    /// The peers of a topic's mesh, ascending.
    public func mesh(of topic: Topic) -> [PeerID] { topics[topic].map { Array($0.mesh) } ?? [] }

    /// The peers of a topic's mesh that we asked to name messages instead of sending them, ascending.
    public func choked(in topic: Topic) -> [PeerID] { topics[topic].map { Array($0.choked) } ?? [] }

    /// The connected peers that are subscribed to a topic of ours, ascending.
    public func subscribers(of topic: Topic) -> [PeerID] { Array(subscriberSet(of: topic)) }

    /// The topics that a peer is subscribed to, in the order in which it said so.
    public func topics(of peer: PeerID) -> [Topic] { peers[peer].map { Array($0.topics) } ?? [] }

    /// How many messages a peer asked us not to send.
    public func unwantedCount(of peer: PeerID) -> Int { peers[peer]?.unwanted.count ?? 0 }

    /// What we think of a peer now; 0 for a stranger.
    public func score(of peer: PeerID) -> Double { scores.score(of: peer) }

    /// Messages that wait for a verdict.
    public var pendingCount: Int { pending.count }

    /// What waits for a congested peer, in bytes.
    public func queuedByteCount(for peer: PeerID) -> Int { peers[peer]?.queue.byteCount ?? 0 }
}
