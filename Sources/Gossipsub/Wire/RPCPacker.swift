/// Packs what is to be said to one peer into as few RPCs as their limits allow.
///
/// The limits are those of the strictest receiver that we know, not our own: 64 KiB an RPC and 16 KiB of control are rust's
/// defaults, 100 subscriptions ours and rust's. A single larger message travels alone. Sizes are those of the encoded fields.
struct RPCPacker {
    static let byteCountMax = 64 << 10
    static let controlByteCountMax = 16 << 10
    static let subscriptionCountMax = 100

    private(set) var packed: [GossipRPC] = []
    private var rpc = GossipRPC()
    private var (byteCount, controlByteCount) = (0, 0)

    mutating func add(_ subscription: Subscription) {
        if rpc.subscriptions.count == Self.subscriptionCountMax { close() }
        makeRoom(for: subscription.fieldByteCount)
        rpc.subscriptions.append(subscription)
    }

    mutating func add(_ message: WireMessage) {
        makeRoom(for: message.fieldByteCount)
        rpc.messages.append(message)
    }

    mutating func addGraft(_ topic: Topic) {
        makeRoom(forControl: ControlMessage.graftByteCount(topic))
        rpc.control.graft.append(topic)
    }

    mutating func add(_ prune: Prune) {
        makeRoom(forControl: prune.fieldByteCount)
        rpc.control.prune.append(prune)
    }

    mutating func add(_ notice: GossipNotice) {
        makeRoom(forControl: notice.byteCount)
        switch notice {
        case .ihave(let entry): rpc.control.ihave.append(entry)
        case .iwant(let ids): rpc.control.iwant += ids
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
        if byteCount > 0 { packed.append(rpc) }
        rpc = GossipRPC()
        (byteCount, controlByteCount) = (0, 0)
    }
}
