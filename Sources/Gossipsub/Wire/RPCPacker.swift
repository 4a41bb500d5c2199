/// Packs what is to be said to one peer into as few RPCs as their limits allow.
///
/// The limits are those of the strictest receiver that we know, not our own: 64 KiB an RPC and 16 KiB of control are rust's
/// defaults, 100 subscriptions ours and rust's. A single larger message travels alone. Sizes are those of the encoded fields.
struct RPCPacker {
    static let byteCountMax = 64 << 10
    static let controlByteCountMax = 16 << 10
    static let subscriptionCountMax = 100

    private(set) var packed: [GossipRPC] = []
    private var subscriptions: [Subscription] = []
    private var messages: [WireMessage] = []
    private var control = ControlMessage()
    private var (byteCount, controlByteCount) = (0, 0)

    mutating func add(_ subscription: Subscription) {
        if subscriptions.count == Self.subscriptionCountMax { close() }
        makeRoom(for: subscription.fieldByteCount)
        subscriptions.append(subscription)
    }

    mutating func add(_ message: WireMessage) {
        makeRoom(for: message.fieldByteCount)
        messages.append(message)
    }

    mutating func addGraft(_ topic: Topic) {
        makeRoom(forControl: ControlMessage.graftByteCount(topic))
        control.graft.append(topic)
    }

    mutating func add(_ prune: Prune) {
        makeRoom(forControl: prune.fieldByteCount)
        control.prune.append(prune)
    }

    mutating func addChoke(_ topic: Topic, _ isChoked: Bool) {
        makeRoom(forControl: ControlMessage.chokeByteCount(topic))
        if isChoked { control.choke.append(topic) } else { control.unchoke.append(topic) }
    }

    mutating func add(_ extensions: GossipExtensions) {
        makeRoom(forControl: ControlMessage(extensions: extensions).fieldsByteCount)
        control.extensions = extensions
    }

    mutating func add(_ notice: GossipNotice) {
        makeRoom(forControl: notice.byteCount)
        switch notice {
        case .ihave(let entry): control.ihave.append(entry)
        case .iwant(let ids): control.iwant += ids
        }
    }

    mutating func finish() -> [GossipRPC] {
        close()
        return packed
    }

    private mutating func makeRoom(forControl count: Int) {
        if controlByteCount > 0 && controlByteCount + count > Self.controlByteCountMax { close() }
        makeRoom(for: count)
        controlByteCount += count
    }

    private mutating func makeRoom(for count: Int) {
        if byteCount > 0 && byteCount + count > Self.byteCountMax { close() }
        byteCount += count
    }

    private mutating func close() {
        if byteCount > 0 {
            packed.append(GossipRPC(subscriptions: subscriptions, messages: messages, control: control))
        }
        (subscriptions, messages, control) = ([], [], ControlMessage())
        (byteCount, controlByteCount) = (0, 0)
    }
}
