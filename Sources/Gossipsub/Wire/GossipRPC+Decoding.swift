internal import Primitives

extension GossipRPC {
    /// Reads one RPC.
    ///
    /// Unknown fields are skipped and what passes a limit is left out; only an RPC that is too long, bytes that are no protobuf, or
    /// a known field of the wrong wire type throw. Four fixed levels of nesting, no recursion.
    public init(decoding bytes: [UInt8], limits: RPCLimits) throws(GossipRPCError) {
        guard bytes.count <= limits.byteCountMax else { throw .oversized(byteCount: bytes.count) }
        do { try self.init(reading: bytes.span, limits: limits) } catch { throw .malformed }
    }

    private init(reading source: Span<UInt8>, limits: RPCLimits) throws(ProtobufError) {
        var (subscriptions, messages, control): ([Subscription], [WireMessage], ControlMessage) = ([], [], .init())
        var gossipBudget = limits.gossipByteCountMax
        var reader = ProtobufReader(source)
        while let field = try reader.next() {
            switch field.number {
            case 1 where subscriptions.count < limits.subscriptionCountMax:
                let range = try field.range(byteCountMax: source.count)
                if let subscription = try Subscription(parsing: source.extracting(range)) {
                    subscriptions.append(subscription)
                }
            case 2 where messages.count < limits.messageCountMax:
                let range = try field.range(byteCountMax: source.count)
                if let message = try WireMessage(parsing: source.extracting(range)) { messages.append(message) }
            case 3:
                let range = try field.range(byteCountMax: source.count)
                try control.merge(source.extracting(range), limits: limits, gossipBudget: &gossipBudget)
            default:
                break
            }
        }
        self.init(subscriptions: subscriptions, messages: messages, control: control)
    }
}

extension Subscription {
    /// `nil` when the topic is missing or not one of ours to keep.
    fileprivate init?(parsing source: Span<UInt8>) throws(ProtobufError) {
        var (topic, isSubscribed): (Topic?, Bool) = (nil, false)
        var reader = ProtobufReader(source)
        while let field = try reader.next() {
            switch field.number {
            case 1: isSubscribed = try field.bool()
            case 2: topic = try field.topic(of: source)
            default: break
            }
        }
        guard let topic else { return nil }
        self.init(topic: topic, isSubscribed: isSubscribed)
    }
}

extension WireMessage {
    /// `nil` when the topic is missing or too long for us to have joined.
    fileprivate init?(parsing source: Span<UInt8>) throws(ProtobufError) {
        var (author, data, sequence): ([UInt8]?, [UInt8]?, [UInt8]?)
        var (signature, key): ([UInt8]?, [UInt8]?)
        var topic: Topic?
        var reader = ProtobufReader(source)
        while let field = try reader.next() {
            switch field.number {
            case 1: author = try field.bytes(of: source, byteCountMax: source.count)
            case 2: data = try field.bytes(of: source, byteCountMax: source.count)
            case 3: sequence = try field.bytes(of: source, byteCountMax: source.count)
            case 4: topic = try field.topic(of: source)
            case 5: signature = try field.bytes(of: source, byteCountMax: source.count)
            case 6: key = try field.bytes(of: source, byteCountMax: source.count)
            default: break
            }
        }
        guard let topic else { return nil }
        self.init(author: author, data: data, sequence: sequence, topic: topic, signature: signature, key: key)
    }
}

extension ControlMessage {
    /// Adds what one control field says; a sender may split its control over several.
    fileprivate mutating func merge(
        _ source: Span<UInt8>,
        limits: RPCLimits,
        gossipBudget: inout Int
    ) throws(ProtobufError) {
        var reader = ProtobufReader(source)
        while let field = try reader.next() {
            guard
                (1...6).contains(field.number) || field.number == ChokeField.choke || field.number == ChokeField.unchoke
            else { continue }
            let nested = source.extracting(try field.range(byteCountMax: source.count))
            switch field.number {
            case 1:
                let (topic, ids) = try Self.ids(in: nested, field: 2, limits: limits, budget: &gossipBudget)
                if let topic, !ids.isEmpty { ihave.append(IHave(topic: topic, ids: ids)) }
            case 2:
                iwant += try Self.ids(in: nested, field: 1, limits: limits, budget: &gossipBudget).ids
            case 3:
                if graft.count < limits.meshControlCountMax, let topic = try Self.topic(in: nested) {
                    graft.append(topic)
                }
            case 4:
                if prune.count < limits.meshControlCountMax, let entry = try Prune(parsing: nested, limits: limits) {
                    prune.append(entry)
                }
            case 5:
                idontwant += try Self.ids(in: nested, field: 1, limits: limits, budget: &gossipBudget).ids
            case 6:
                extensions = try GossipExtensions(parsing: nested)
            case ChokeField.choke:
                if choke.count < limits.meshControlCountMax, let topic = try Self.topic(in: nested) {
                    choke.append(topic)
                }
            default:
                if unchoke.count < limits.meshControlCountMax, let topic = try Self.topic(in: nested) {
                    unchoke.append(topic)
                }
            }
        }
    }

    /// The message ids of an IHAVE, IWANT or IDONTWANT while the budget lasts, and the topic of an IHAVE.
    private static func ids(
        in source: Span<UInt8>,
        field idField: Int,
        limits: RPCLimits,
        budget: inout Int
    ) throws(ProtobufError) -> (topic: Topic?, ids: [MessageID]) {
        var (topic, ids): (Topic?, [MessageID]) = (nil, [])
        var reader = ProtobufReader(source)
        budget -= entryOverheadByteCount
        while budget > 0, let field = try reader.next() {
            if field.number == idField {
                let range = try field.range(byteCountMax: source.count)
                budget -= range.count + entryOverheadByteCount
                if budget >= 0 && (1...MessageID.byteCountMax).contains(range.count) {
                    ids.append(MessageID(copying: source.extracting(range)))
                }
            } else if field.number == 1 {
                topic = try field.topic(of: source)
                budget -= topic?.text.utf8.count ?? 0
            }
        }
        return (topic, ids)
    }

    /// Tag and length of an entry.
    private static let entryOverheadByteCount = 2

    private static func topic(in source: Span<UInt8>) throws(ProtobufError) -> Topic? {
        var topic: Topic?
        var reader = ProtobufReader(source)
        while let field = try reader.next() {
            if field.number == 1 { topic = try field.topic(of: source) }
        }
        return topic
    }
}

extension GossipExtensions {
    fileprivate init(parsing source: Span<UInt8>) throws(ProtobufError) {
        self.init()
        var reader = ProtobufReader(source)
        while let field = try reader.next() {
            if field.number == ChokeField.isKnown { choke = try field.bool() }
        }
    }
}

extension Prune {
    fileprivate init?(parsing source: Span<UInt8>, limits: RPCLimits) throws(ProtobufError) {
        var (topic, seconds, peers): (Topic?, Int, [PeerInfo]) = (nil, 0, [])
        var reader = ProtobufReader(source)
        while let field = try reader.next() {
            switch field.number {
            case 1:
                topic = try field.topic(of: source)
            case 2 where peers.count < limits.exchangeCountMax:
                let range = try field.range(byteCountMax: source.count)
                if let peer = try PeerInfo(parsing: source.extracting(range), limits: limits) { peers.append(peer) }
            case 3:
                seconds = try field.varint().int(clampedTo: RPCLimits.backoffSecondsMax)
            default:
                break
            }
        }
        guard let topic else { return nil }
        self.init(topic: topic, backoffSeconds: seconds, peers: peers)
    }
}

extension PeerInfo {
    /// `nil` without a record: an unsigned recommendation is worth nothing.
    fileprivate init?(parsing source: Span<UInt8>, limits: RPCLimits) throws(ProtobufError) {
        var (peer, record): ([UInt8], [UInt8]) = ([], [])
        var reader = ProtobufReader(source)
        while let field = try reader.next() {
            guard field.number == 1 || field.number == 2 else { continue }
            let range = try field.range(byteCountMax: source.count)
            guard range.count <= limits.recordByteCountMax else { return nil }
            let bytes = Array(copying: source.extracting(range))
            if field.number == 1 { peer = bytes } else { record = bytes }
        }
        guard !peer.isEmpty && !record.isEmpty else { return nil }
        self.init(peer: peer, record: record)
    }
}

extension ProtobufField {
    /// A topic, or `nil` if its text is not one that we could have joined.
    fileprivate func topic(of source: Span<UInt8>) throws(ProtobufError) -> Topic? {
        let range = try range(byteCountMax: source.count)
        guard range.count <= Topic.byteCountMax else { return nil }
        return Topic(utf8: Array(copying: source.extracting(range)))
    }
}
