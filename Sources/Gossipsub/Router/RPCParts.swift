internal import OrderedCollections

/// What is to be said to one peer, before it is packed into RPCs.
///
/// Subscriptions, GRAFT and PRUNE state what is, so the newest of a topic replaces an older one and all of them together are
/// bounded by our own topics; so are CHOKE and UNCHOKE. Messages and gossip pile up and are bounded by the owner.
struct RPCParts: Sendable {
    enum MeshControl: Hashable, Sendable { case graft, prune(Prune) }

    var subscriptions: OrderedDictionary<Topic, Bool> = [:]
    var meshControl: OrderedDictionary<Topic, MeshControl> = [:]
    /// Whether the peer is to name messages of a topic or to send them.
    var chokes: OrderedDictionary<Topic, Bool> = [:]
    var messages: [WireMessage] = []
    var gossip: [GossipNotice] = []
    /// Only in the first RPC of a stream.
    var extensions: GossipExtensions?

    var isEmpty: Bool {
        subscriptions.isEmpty && meshControl.isEmpty && chokes.isEmpty && messages.isEmpty && gossip.isEmpty
            && extensions == nil
    }

    mutating func announce(_ topic: Topic, isSubscribed: Bool) {
        subscriptions[topic] = isSubscribed
    }

    /// A link that begins or ends is choked no longer.
    mutating func setMeshControl(_ control: MeshControl, _ topic: Topic) {
        meshControl[topic] = control
        if !chokes.isEmpty { chokes[topic] = nil }
    }

    /// Adds what is said later; the later word on a topic stands.
    mutating func merge(_ later: RPCParts) {
        if !later.subscriptions.isEmpty { subscriptions.merge(later.subscriptions) { _, newer in newer } }
        if !later.meshControl.isEmpty { meshControl.merge(later.meshControl) { _, newer in newer } }
        if !later.chokes.isEmpty { chokes.merge(later.chokes) { _, newer in newer } }
        messages += later.messages
        gossip += later.gossip
        if let later = later.extensions { extensions = later }
    }

    /// The RPCs that say all of it: state first, since a GRAFT means nothing before its subscription.
    func pack(_ send: (GossipRPC) -> Void) {
        let isMessagesAlone = subscriptions.isEmpty && meshControl.isEmpty && chokes.isEmpty && gossip.isEmpty
        if isMessagesAlone && extensions == nil && messages.count == 1 { return send(GossipRPC(messages: messages)) }
        var packer = RPCPacker()
        if let extensions { packer.add(extensions) }
        for (topic, isSubscribed) in subscriptions {
            packer.add(Subscription(topic: topic, isSubscribed: isSubscribed))
        }
        for (topic, control) in meshControl {
            switch control {
            case .graft: packer.addGraft(topic)
            case .prune(let prune): packer.add(prune)
            }
        }
        for (topic, isChoked) in chokes { packer.addChoke(topic, isChoked) }
        for message in messages { packer.add(message) }
        for gossip in gossip { packer.add(gossip) }
        for rpc in packer.finish() { send(rpc) }
    }
}

/// One entry of gossip: what passed lately, or what we lack of it.
enum GossipNotice: Hashable, Sendable {
    case ihave(IHave)
    case iwant([MessageID])

    /// Its length on the wire.
    var byteCount: Int {
        switch self {
        case .ihave(let entry): entry.fieldByteCount
        case .iwant(let ids): ControlMessage.idsByteCount(ids)
        }
    }
}

/// What waits for a peer that cannot take it now.
struct OutboundQueue: Sendable {
    private(set) var parts = RPCParts()
    private(set) var byteCount = 0
    private(set) var droppedCount = 0

    /// Messages and gossip entries that wait.
    var count: Int { parts.messages.count + parts.gossip.count }

    /// Adds parts within the limits: over them the oldest gossip goes first, then the oldest messages; state never does.
    mutating func add(_ added: RPCParts, countMax: Int, byteCountMax: Int) {
        parts.merge(added)
        byteCount =
            parts.messages.reduce(0) { $0 + $1.fieldByteCount } + parts.gossip.reduce(0) { $0 + $1.byteCount }
        while count > countMax || byteCount > byteCountMax {
            if !parts.gossip.isEmpty {
                byteCount -= parts.gossip.removeFirst().byteCount
            } else if !parts.messages.isEmpty {
                byteCount -= parts.messages.removeFirst().fieldByteCount
            } else {
                return
            }
            droppedCount += 1
        }
    }

    /// Takes everything out.
    mutating func take() -> RPCParts {
        defer { (parts, byteCount) = (RPCParts(), 0) }
        return parts
    }

    /// Forgets subscriptions, because a hello is about to state all of them.
    mutating func dropSubscriptions() {
        parts.subscriptions = [:]
    }
}
