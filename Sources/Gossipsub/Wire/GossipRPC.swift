/// What one RPC of the wire says, as far as we understand it (pubsub specification, "The RPC"; gossipsub 1.0 to 1.3, "Protobuf").
public struct GossipRPC: Hashable, Sendable {
    public var subscriptions: [Subscription]
    public var messages: [WireMessage]
    public var control: ControlMessage

    public init(
        subscriptions: [Subscription] = [],
        messages: [WireMessage] = [],
        control: ControlMessage = ControlMessage()
    ) {
        self.subscriptions = subscriptions
        self.messages = messages
        self.control = control
    }
}

/// Why a peer's RPC is not heard at all.
public enum GossipRPCError: Error, Hashable, Sendable {
    case oversized(byteCount: Int)
    case malformed
}

/// A peer begins or ends its interest in a topic (`SubOpts`).
public struct Subscription: Hashable, Sendable {
    public let topic: Topic
    public let isSubscribed: Bool

    public init(topic: Topic, isSubscribed: Bool) {
        (self.topic, self.isSubscribed) = (topic, isSubscribed)
    }
}

/// A message with its fields as they came: absent and empty differ, because a signature covers the difference.
public struct WireMessage: Hashable, Sendable {
    public var author: [UInt8]?
    public var data: [UInt8]? { didSet { origin = nil } }
    public var sequence: [UInt8]?
    public var topic: Topic
    public var signature: [UInt8]?
    public var key: [UInt8]?
    /// What its publisher in this process knows of `data`; only messages that never became bytes have it.
    private(set) var origin: MessageOrigin?

    public init(
        author: [UInt8]? = nil,
        data: [UInt8]? = nil,
        sequence: [UInt8]? = nil,
        topic: Topic,
        signature: [UInt8]? = nil,
        key: [UInt8]? = nil
    ) {
        (self.author, self.data, self.sequence) = (author, data, sequence)
        (self.topic, self.signature, self.key) = (topic, signature, key)
    }

    /// A message without signature whose publisher knows its data.
    init(data: [UInt8], topic: Topic, origin: MessageOrigin) {
        self.init(data: data, topic: topic)
        self.origin = origin
    }

    public static func == (left: WireMessage, right: WireMessage) -> Bool {
        left.topic == right.topic && left.data == right.data && left.author == right.author
            && left.sequence == right.sequence && left.signature == right.signature && left.key == right.key
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(topic)
        hasher.combine(data)
        hasher.combine(author)
        hasher.combine(sequence)
        hasher.combine(signature)
        hasher.combine(key)
    }
}

/// What the publisher of a message knows of its data, shared by all who get the message within one process: a simulation would
/// otherwise hash and parse the same bytes once for every virtual node.
final class MessageOrigin: Sendable {
    let id: MessageID
    let content: (any GossipContent)?

    init(id: MessageID, content: (any GossipContent)?) {
        (self.id, self.content) = (id, content)
    }
}

/// A message's data as its publisher made it, for receivers in the same process.
public protocol GossipContent: AnyObject, Sendable {}

public struct ControlMessage: Hashable, Sendable {
    public var ihave: [IHave]
    public var iwant: [MessageID]
    public var graft: [Topic]
    public var prune: [Prune]
    public var idontwant: [MessageID]
    /// Whether the peer listed extensions (gossipsub 1.3); we know none and ignore them.
    public var announcesExtensions: Bool

    public init(
        ihave: [IHave] = [],
        iwant: [MessageID] = [],
        graft: [Topic] = [],
        prune: [Prune] = [],
        idontwant: [MessageID] = [],
        announcesExtensions: Bool = false
    ) {
        (self.ihave, self.iwant, self.graft, self.prune) = (ihave, iwant, graft, prune)
        (self.idontwant, self.announcesExtensions) = (idontwant, announcesExtensions)
    }

    public var isEmpty: Bool {
        ihave.isEmpty && iwant.isEmpty && graft.isEmpty && prune.isEmpty && idontwant.isEmpty && !announcesExtensions
    }
}

public struct IHave: Hashable, Sendable {
    public let topic: Topic
    public let ids: [MessageID]

    public init(topic: Topic, ids: [MessageID]) {
        (self.topic, self.ids) = (topic, ids)
    }
}

public struct Prune: Hashable, Sendable {
    public let topic: Topic
    /// Seconds during which the pruned peer must not graft; 0 when unsaid.
    ///
    /// At most `RPCLimits.backoffSecondsMax`.
    public let backoffSeconds: Int
    public let peers: [PeerInfo]

    public init(topic: Topic, backoffSeconds: Int, peers: [PeerInfo]) {
        (self.topic, self.backoffSeconds, self.peers) = (topic, backoffSeconds, peers)
    }
}

/// A peer that a PRUNE recommends: its id and its signed record.
public struct PeerInfo: Hashable, Sendable {
    public let peer: [UInt8]
    public let record: [UInt8]

    public init(peer: [UInt8], record: [UInt8]) {
        (self.peer, self.record) = (peer, record)
    }
}
