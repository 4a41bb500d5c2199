internal import Cryptography
internal import Primitives

// What the disk keeps of an award, at either end: read back within bounds, because anybody may have written a home.

extension HeldAward {
    /// Reads what `stored` wrote.
    public init(stored bytes: [UInt8]) throws(RecordError) {
        let message = try ParsedMessage(bytes)
        self.init(
            body: try LeaseBody(stored: message),
            heldUntil: try message.time(2, "award.held_until"),
            sealedTerms: try message.bytes(3, "award.terms", max: LeaseTerms.Bounds.sealedByteCountMax)
        )
    }

    public var stored: [UInt8] {
        var writer = ProtobufWriter()
        writer.message(1) { body.write(to: &$0) }
        writer.varint(2, UInt64(clamping: heldUntil))
        writer.bytes(3, sealedTerms)
        return writer.bytes
    }
}

/// A renter's bid of which a lease may have come.
public struct StoredBid: Hashable, Sendable {
    public let record: SignedRecord
    public let body: BidBody
    /// What is to run, so that the lease knows it after a crash too.
    public let terms: LeaseTerms
    /// Whether the renter has gone elsewhere, or was told that nothing has come of it: should a lease have come of it after all, it is
    /// closed.
    public var isForsaken = false

    /// - Throws: `contradiction` if the record is not a bid.
    public init(record: SignedRecord, terms: LeaseTerms) throws(RecordError) {
        guard case .bid(let body) = record.record.body else { throw .contradiction("bid.envelope") }
        (self.record, self.body, self.terms) = (record, body, terms)
    }

    /// The lease that may have come of it.
    public var lease: LeaseID { LeaseID(provider: body.counterparty, renter: record.author, bid: body.bid) }

    /// Until when that lease may be shown, in milliseconds since the Unix epoch.
    public var shownUntil: Int64 { LeaseBody.expiryMax(endAt: body.startBy + Int64(body.durationSeconds) * 1_000) }

    /// Reads what `stored` wrote.
    public init(stored bytes: [UInt8]) throws(RecordError) {
        let message = try ParsedMessage(bytes)
        let envelope = try message.bytes(4, "bid.envelope", max: RecordKind.bid.envelopeByteCountMax)
        try self.init(
            record: SignedRecord(envelope: envelope),
            terms: LeaseTerms(parsing: message.bytes(5, "bid.terms", max: LeaseTerms.Bounds.byteCountMax))
        )
        isForsaken = try message.bool(6, "bid.forsaken")
    }

    public var stored: [UInt8] {
        var writer = ProtobufWriter()
        writer.bytes(4, record.envelope)
        writer.bytes(5, terms.encoded)
        writer.bool(6, isForsaken)
        return writer.bytes
    }
}

/// A lease that this node is a party of, as the disk keeps it.
public struct StoredLease: Hashable, Sendable {
    public let record: SignedRecord
    /// The provider's, still sealed; empty for a renter.
    public let sealedTerms: [UInt8]
    /// The renter's own.
    public let terms: LeaseTerms?

    public init(record: SignedRecord, sealedTerms: [UInt8] = [], terms: LeaseTerms? = nil) {
        (self.record, self.sealedTerms, self.terms) = (record, sealedTerms, terms)
    }

    /// Reads what `stored` wrote.
    public init(stored bytes: [UInt8]) throws(RecordError) {
        let message = try ParsedMessage(bytes)
        let envelope = try message.bytes(1, "lease.envelope", max: RecordKind.lease.envelopeByteCountMax)
        let record = try SignedRecord(envelope: envelope)
        guard record.kind == .lease else { throw .contradiction("lease.envelope") }
        var terms: LeaseTerms?
        if message.numbers.contains(3) {
            terms = try LeaseTerms(parsing: message.bytes(3, "lease.terms", max: LeaseTerms.Bounds.byteCountMax))
        }
        self.init(
            record: record,
            sealedTerms: try message.bytes(2, "lease.sealed_terms", max: LeaseTerms.Bounds.sealedByteCountMax),
            terms: terms
        )
    }

    public var stored: [UInt8] {
        var writer = ProtobufWriter()
        writer.bytes(1, record.envelope)
        writer.bytes(2, sealedTerms)
        if let terms { writer.requiredBytes(3, terms.encoded) }
        return writer.bytes
    }
}

/// What a lease left behind: the provider's receipt, and the renter's signature under it once it is there.
public struct StoredReceipt: Hashable, Sendable {
    public let receipt: SignedRecord
    public let countersignature: SignedRecord?

    public init(receipt: SignedRecord, countersignature: SignedRecord? = nil) {
        (self.receipt, self.countersignature) = (receipt, countersignature)
    }

    /// Reads what `stored` wrote.
    public init(stored bytes: [UInt8]) throws(RecordError) {
        let message = try ParsedMessage(bytes)
        let max = RecordKind.receipt.envelopeByteCountMax
        let receipt = try SignedRecord(envelope: message.bytes(1, "receipt.envelope", max: max))
        let under = try message.bytes(2, "receipt.countersignature", max: max)
        let countersignature = under.isEmpty ? nil : try SignedRecord(envelope: under)
        guard receipt.kind == .receipt, countersignature.map({ $0.kind == .countersignature }) ?? true else {
            throw .contradiction("receipt.envelope")
        }
        self.init(receipt: receipt, countersignature: countersignature)
    }

    public var stored: [UInt8] {
        var writer = ProtobufWriter()
        writer.bytes(1, receipt.envelope)
        writer.bytes(2, countersignature?.envelope ?? [])
        return writer.bytes
    }
}

extension LeaseBody {
    /// The body in the first field of what was stored.
    fileprivate init(stored message: ParsedMessage) throws(RecordError) {
        try self.init(parsing: message.message(1, "award.body"))
        try check()
    }
}
