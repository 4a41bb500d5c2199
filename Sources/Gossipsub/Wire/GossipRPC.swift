/// What one RPC of the wire says, as far as we understand it (pubsub specification, "The RPC"; gossipsub 1.0 to 1.3, "Protobuf").
///
/// Two words wide: nearly every RPC is messages and nothing else, and a simulation copies millions of them.
public struct GossipRPC: Hashable, Sendable {
    public var messages: [WireMessage]
    /// Everything else; `nil` when there is nothing else.
    private var rest: Rest?

    /// Subscriptions and control, never both empty.
    private final class Rest: Hashable, Sendable {
        let subscriptions: [Subscription]
        let control: ControlMessage
        /// Its length on the wire: asked by whoever sends it and by whoever gets it.
        let byteCount: Int

        init?(_ subscriptions: [Subscription], _ control: ControlMessage) {
            if subscriptions.isEmpty && control.isEmpty { return nil }
            (self.subscriptions, self.control) = (subscriptions, control)
            var count = 0
            for subscription in subscriptions { count += subscription.fieldByteCount }
            let inner = control.fieldsByteCount
            byteCount = inner == 0 ? count : count + ProtobufSize.field(of: inner)
        }

        static func == (left: Rest, right: Rest) -> Bool {
            left === right || left.subscriptions == right.subscriptions && left.control == right.control
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(subscriptions)
            hasher.combine(control)
        }
    }

    public init(
        subscriptions: [Subscription] = [],
        messages: [WireMessage] = [],
        control: ControlMessage = ControlMessage()
    ) {
        self.messages = messages
        rest = Rest(subscriptions, control)
    }

    /// An RPC of messages alone.
    public init(messages: [WireMessage]) { (self.messages, rest) = (messages, nil) }

    /// Each change copies all that is not messages: whoever adds many gathers them first.
    public var subscriptions: [Subscription] {
        get { rest?.subscriptions ?? [] }
        set { rest = Rest(newValue, control) }
    }

    /// As for `subscriptions`.
    public var control: ControlMessage {
        get { rest?.control ?? ControlMessage() }
        set { rest = Rest(subscriptions, newValue) }
    }

    /// The length of all that is not messages, encoded.
    var restByteCount: Int { rest?.byteCount ?? 0 }

    /// Whether it says nothing but messages.
    public var isMessagesAlone: Bool { rest == nil }
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
    public var data: [UInt8]? { didSet { origin = nil } }
    public var topic: Topic
    /// What its publisher in this process knows of `data`; only messages that never became bytes have it.
    private(set) var origin: MessageOrigin?
    /// Who wrote it, as it says; `nil` for the many messages that do not say.
    private var authorship: Authorship?

    /// The fields of a signed message, by reference: ours have none of them.
    private final class Authorship: Hashable, Sendable {
        let author: [UInt8]?
        let sequence: [UInt8]?
        let signature: [UInt8]?
        let key: [UInt8]?

        init?(author: [UInt8]?, sequence: [UInt8]?, signature: [UInt8]?, key: [UInt8]?) {
            if author == nil && sequence == nil && signature == nil && key == nil { return nil }
            (self.author, self.sequence, self.signature, self.key) = (author, sequence, signature, key)
        }

        static func == (left: Authorship, right: Authorship) -> Bool {
            left === right
                || left.author == right.author && left.sequence == right.sequence
                    && left.signature == right.signature && left.key == right.key
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(author)
            hasher.combine(sequence)
            hasher.combine(signature)
            hasher.combine(key)
        }
    }

    public init(
        author: [UInt8]? = nil,
        data: [UInt8]? = nil,
        sequence: [UInt8]? = nil,
        topic: Topic,
        signature: [UInt8]? = nil,
        key: [UInt8]? = nil
    ) {
        (self.data, self.topic) = (data, topic)
        authorship = Authorship(author: author, sequence: sequence, signature: signature, key: key)
    }

    /// A message without signature whose publisher knows its data.
    init(data: [UInt8], topic: Topic, origin: MessageOrigin) {
        (self.data, self.topic, self.origin) = (data, topic, origin)
    }

    public var author: [UInt8]? {
        get { authorship?.author }
        set { authorship = Authorship(author: newValue, sequence: sequence, signature: signature, key: key) }
    }

    public var sequence: [UInt8]? {
        get { authorship?.sequence }
        set { authorship = Authorship(author: author, sequence: newValue, signature: signature, key: key) }
    }

    public var signature: [UInt8]? {
        get { authorship?.signature }
        set { authorship = Authorship(author: author, sequence: sequence, signature: newValue, key: key) }
    }

    public var key: [UInt8]? {
        get { authorship?.key }
        set { authorship = Authorship(author: author, sequence: sequence, signature: signature, key: newValue) }
    }

    /// Whether it says nothing of who wrote it.
    var isAnonymous: Bool { authorship == nil }

    public static func == (left: WireMessage, right: WireMessage) -> Bool {
        left.topic == right.topic && left.data == right.data && left.authorship == right.authorship
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(topic)
        hasher.combine(data)
        hasher.combine(authorship)
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
    /// Topics of which the peer wants messages named instead of sent, and those of which it wants them sent again.
    public var choke: [Topic]
    public var unchoke: [Topic]
    /// The extensions that the peer listed (gossipsub 1.3); `nil` when it listed none.
    public var extensions: GossipExtensions?

    public init(
        ihave: [IHave] = [],
        iwant: [MessageID] = [],
        graft: [Topic] = [],
        prune: [Prune] = [],
        idontwant: [MessageID] = [],
        choke: [Topic] = [],
        unchoke: [Topic] = [],
        extensions: GossipExtensions? = nil
    ) {
        (self.ihave, self.iwant, self.graft, self.prune) = (ihave, iwant, graft, prune)
        (self.idontwant, self.choke, self.unchoke, self.extensions) = (idontwant, choke, unchoke, extensions)
    }

    public var isEmpty: Bool {
        ihave.isEmpty && iwant.isEmpty && graft.isEmpty && prune.isEmpty && idontwant.isEmpty && choke.isEmpty
            && unchoke.isEmpty && extensions == nil
    }
}

/// What a peer can do beyond its version, said once in its first RPC (gossipsub 1.3, "Extensions Control Message").
public struct GossipExtensions: Hashable, Sendable {
    /// Whether it heeds CHOKE and UNCHOKE.
    public var choke: Bool

    public init(choke: Bool = false) { self.choke = choke }
}

/// The numbers of our experimental fields, in the range that gossipsub 1.3 leaves to experiments: above 0x200000.
///
/// CHOKE and UNCHOKE are a topic each, as in the draft that libp2p discusses (libp2p/specs, pull request 681).
enum ChokeField {
    /// In `ControlExtensions`, a boolean.
    static let isKnown = 0x21_5254
    /// In `ControlMessage`.
    static let choke = 0x21_5255
    static let unchoke = 0x21_5256
    /// A tag of any of them: 25 bits of number and wire type in groups of seven.
    static let tagByteCount = 4
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
