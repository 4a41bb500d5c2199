// How many bytes each part takes on the wire, without encoding it: what the packer and the limits count.

extension GossipRPC {
    /// The length of the encoded RPC, in bytes.
    public var byteCount: Int {
        var count = restByteCount
        for message in messages { count += message.fieldByteCount }
        return count
    }
}

/// The lengths of protobuf fields with numbers below 16, whose tags take one byte.
enum ProtobufSize {
    static func varint(_ value: Int) -> Int {
        var (count, rest) = (1, value >> 7)
        while rest > 0 {
            count += 1
            rest >>= 7
        }
        return count
    }

    /// A length-delimited field with so many bytes in it.
    static func field(of byteCount: Int) -> Int { 1 + varint(byteCount) + byteCount }

    static func field(of bytes: [UInt8]?) -> Int { bytes.map { field(of: $0.count) } ?? 0 }
}

extension Topic {
    fileprivate var fieldByteCount: Int { ProtobufSize.field(of: text.utf8.count) }
}

extension Subscription {
    var fieldByteCount: Int { ProtobufSize.field(of: 2 + topic.fieldByteCount) }
}

extension WireMessage {
    var fieldByteCount: Int {
        if isAnonymous { return ProtobufSize.field(of: ProtobufSize.field(of: data) + topic.fieldByteCount) }
        let own = ProtobufSize.field(of: author) + ProtobufSize.field(of: data) + ProtobufSize.field(of: sequence)
        let proof = ProtobufSize.field(of: signature) + ProtobufSize.field(of: key)
        return ProtobufSize.field(of: own + topic.fieldByteCount + proof)
    }
}

extension IHave {
    var fieldByteCount: Int {
        ProtobufSize.field(of: topic.fieldByteCount + ids.reduce(0) { $0 + ProtobufSize.field(of: $1.byteCount) })
    }
}

extension Prune {
    var fieldByteCount: Int {
        var count = topic.fieldByteCount
        for info in peers {
            count += ProtobufSize.field(of: ProtobufSize.field(of: info.peer) + ProtobufSize.field(of: info.record))
        }
        if backoffSeconds > 0 { count += 1 + ProtobufSize.varint(backoffSeconds) }
        return ProtobufSize.field(of: count)
    }
}

extension ControlMessage {
    /// The length of all entries together, without the field that holds them.
    var fieldsByteCount: Int {
        var count = Self.idsByteCount(iwant) + Self.idsByteCount(idontwant)
        for entry in ihave { count += entry.fieldByteCount }
        for topic in graft { count += Self.graftByteCount(topic) }
        for entry in prune { count += entry.fieldByteCount }
        for topic in choke { count += Self.chokeByteCount(topic) }
        for topic in unchoke { count += Self.chokeByteCount(topic) }
        guard let extensions else { return count }
        return count + 2 + (extensions.choke ? ChokeField.tagByteCount + 1 : 0)
    }

    static func graftByteCount(_ topic: Topic) -> Int { ProtobufSize.field(of: topic.fieldByteCount) }

    /// A CHOKE or UNCHOKE.
    static func chokeByteCount(_ topic: Topic) -> Int { graftByteCount(topic) - 1 + ChokeField.tagByteCount }

    /// An IWANT or IDONTWANT; nothing without ids.
    static func idsByteCount(_ ids: [MessageID]) -> Int {
        ids.isEmpty ? 0 : ProtobufSize.field(of: ids.reduce(0) { $0 + ProtobufSize.field(of: $1.byteCount) })
    }
}
