internal import Cryptography
internal import Primitives

// A lease's newest booking stands for all of them: amounts are cumulative, so what it adds to an empty book is everything.

extension CreditEntry {
    /// Reads what `stored` wrote.
    public init(stored bytes: [UInt8]) throws(RecordError) {
        let message = try ParsedMessage(bytes)
        guard let lease = LeaseID(try message.bytes(1, "credit.lease_id", max: 16)) else {
            throw .missing("credit.lease_id")
        }
        guard let peer = Ed25519.PublicKey(try message.bytes(3, "credit.peer", max: 32)) else {
            throw .missing("credit.peer")
        }
        self.init(
            key: SettlementKey(lease: lease, nonce: try message.sequence(2, "credit.nonce")),
            peer: peer,
            unit: try message.text(4, "credit.unit", max: PriceTerms.Bounds.unitByteCountMax),
            cumulativeMicros: try message.amount(5, "credit.amount"),
            isDebt: try message.bool(7, "credit.is_debt"),
            at: try message.time(6, "credit.at")
        )
    }

    public var stored: [UInt8] {
        var writer = ProtobufWriter()
        writer.bytes(1, key.lease.bytes)
        writer.varint(2, key.nonce)
        writer.bytes(3, peer.bytes)
        writer.text(4, unit)
        writer.varint(5, UInt64(clamping: cumulativeMicros))
        writer.varint(6, UInt64(clamping: at))
        writer.bool(7, isDebt)
        return writer.bytes
    }
}
