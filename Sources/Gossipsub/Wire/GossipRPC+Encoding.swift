internal import Primitives

extension Subscription {
    /// The subscription as a field of an RPC.
    var field: [UInt8] {
        var writer = ProtobufWriter()
        writer.message(1) { nested in
            nested.requiredVarint(1, isSubscribed ? 1 : 0)
            nested.text(2, topic.text)
        }
        return writer.bytes
    }
}

extension WireMessage {
    /// The message as a field of an RPC.
    var field: [UInt8] {
        var writer = ProtobufWriter()
        writer.requiredBytes(2, encoded(signature: signature, key: key))
        return writer.bytes
    }

    /// What the author signs: a fixed prefix, then the message without signature and key, fields in ascending order.
    ///
    /// Source: pubsub specification, "Message Signing". Unknown fields, which go would cover too, are not kept.
    var signedBytes: [UInt8] {
        Array("libp2p-pubsub:".utf8) + encoded(signature: nil, key: nil)
    }

    private func encoded(signature: [UInt8]?, key: [UInt8]?) -> [UInt8] {
        var writer = ProtobufWriter()
        if let author { writer.requiredBytes(1, author) }
        if let data { writer.requiredBytes(2, data) }
        if let sequence { writer.requiredBytes(3, sequence) }
        writer.text(4, topic.text)
        if let signature { writer.requiredBytes(5, signature) }
        if let key { writer.requiredBytes(6, key) }
        return writer.bytes
    }
}

extension IHave {
    var field: [UInt8] {
        var writer = ProtobufWriter()
        writer.message(1) { nested in
            nested.text(1, topic.text)
            for id in ids { nested.requiredBytes(2, id.bytes) }
        }
        return writer.bytes
    }
}

extension Prune {
    var field: [UInt8] {
        var writer = ProtobufWriter()
        writer.message(4) { nested in
            nested.text(1, topic.text)
            for peer in peers {
                nested.message(2) { info in
                    info.bytes(1, peer.peer)
                    info.bytes(2, peer.record)
                }
            }
            nested.varint(3, UInt64(backoffSeconds))
        }
        return writer.bytes
    }
}

extension ControlMessage {
    /// Ids in portions that fit the control of one RPC even at a strict receiver (`RPCPacker.controlByteCountMax`).
    static func portions(_ ids: [MessageID]) -> [[MessageID]] {
        var (portions, start, byteCount): ([[MessageID]], Int, Int) = ([], 0, 0)
        for (index, id) in ids.enumerated() {
            if byteCount + id.byteCount > portionByteCountMax {
                portions.append(Array(ids[start..<index]))
                (start, byteCount) = (index, 0)
            }
            byteCount += id.byteCount + 3
        }
        if start < ids.count { portions.append(start == 0 ? ids : Array(ids[start...])) }
        return portions
    }

    /// Leaves room for the topic and the entry's own framing.
    private static let portionByteCountMax = RPCPacker.controlByteCountMax - 256

    private static func topicField(_ number: Int, _ topic: Topic) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.message(number) { $0.text(1, topic.text) }
        return writer.bytes
    }

    private static func idsField(_ number: Int, _ ids: [MessageID]) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.message(number) { nested in
            for id in ids { nested.requiredBytes(1, id.bytes) }
        }
        return writer.bytes
    }

    /// All entries as the fields of one control message, in the schema's order.
    var fields: [[UInt8]] {
        var fields = ihave.map(\.field)
        if !iwant.isEmpty { fields.append(Self.idsField(2, iwant)) }
        fields += graft.map { Self.topicField(3, $0) }
        fields += prune.map(\.field)
        if !idontwant.isEmpty { fields.append(Self.idsField(5, idontwant)) }
        if let extensions {
            var writer = ProtobufWriter()
            writer.message(6) { if extensions.choke { $0.requiredVarint(ChokeField.isKnown, 1) } }
            fields.append(writer.bytes)
        }
        fields += choke.map { Self.topicField(ChokeField.choke, $0) }
        fields += unchoke.map { Self.topicField(ChokeField.unchoke, $0) }
        return fields
    }
}

extension GossipRPC {
    /// The whole RPC in one piece, whatever its size.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        for subscription in subscriptions { bytes += subscription.field }
        for message in messages { bytes += message.field }
        if !control.isEmpty {
            var writer = ProtobufWriter()
            writer.requiredBytes(3, control.fields.flatMap(\.self))
            bytes += writer.bytes
        }
        return bytes
    }
}
