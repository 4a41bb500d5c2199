/// What one RPC of the wire says, as far as we understand it (pubsub specification, "The RPC"; gossipsub 1.0 to 1.3, "Protobuf").
struct RPC: Hashable, Sendable {
    var subscriptions: [Subscription] = []
    var messages: [WireMessage] = []
    var control = ControlMessage()
}

/// A peer begins or ends its interest in a topic (`SubOpts`).
struct Subscription: Hashable, Sendable {
    let topic: Topic
    let isSubscribed: Bool
}

/// A message with its fields as they came: absent and empty differ, because a signature covers the difference.
struct WireMessage: Hashable, Sendable {
    var author: [UInt8]?
    var data: [UInt8]?
    var sequence: [UInt8]?
    var topic: Topic
    var signature: [UInt8]?
    var key: [UInt8]?
}

struct ControlMessage: Hashable, Sendable {
    var ihave: [IHave] = []
    var iwant: [MessageID] = []
    var graft: [Topic] = []
    var prune: [Prune] = []
    var idontwant: [MessageID] = []
    /// Whether the peer listed extensions (gossipsub 1.3); we know none and ignore them.
    var announcesExtensions = false

    var isEmpty: Bool {
        ihave.isEmpty && iwant.isEmpty && graft.isEmpty && prune.isEmpty && idontwant.isEmpty && !announcesExtensions
    }
}

struct IHave: Hashable, Sendable {
    let topic: Topic
    let ids: [MessageID]
}

struct Prune: Hashable, Sendable {
    let topic: Topic
    /// Seconds during which the pruned peer must not graft; 0 when unsaid.
    ///
    /// At most `RPCLimits.backoffSecondsMax`.
    let backoffSeconds: Int
    let peers: [PeerInfo]
}

struct PeerInfo: Hashable, Sendable {
    let peer: [UInt8]
    let record: [UInt8]
}

/// The bounds of one RPC.
///
/// What lies beyond a count is left out, not punished: a foreign node may know other limits.
public struct RPCLimits: Hashable, Sendable {
    /// Our records have at most 4 KiB and a reply at most 64 KiB of them; foreign networks use 1 MiB.
    public var byteCountMax = 256 << 10
    /// Rust's default, and how we split our own.
    public var subscriptionCountMax = 100
    /// As many of the smallest records as fill an RPC; keeps empty messages from multiplying memory.
    public var messageCountMax = 2048
    /// IHAVE, IWANT and IDONTWANT together; ids beyond it are left out.
    public var gossipByteCountMax = 16 << 10
    /// GRAFTs, and PRUNEs: a peer can hold no more topics than this.
    public var meshControlCountMax = 512
    /// Peers of one PRUNE.
    public var exchangeCountMax = 16
    /// A signed record of eight addresses has about 500 bytes.
    public var recordByteCountMax = 4 << 10
    /// Default ids have 46 bytes and ours 20; longer ones are left out.
    public var idByteCountMax = 128

    /// A stranger's backoff in seconds is cut to an hour as it is read, before any arithmetic.
    static let backoffSecondsMax = 3600

    public init() {}
}
