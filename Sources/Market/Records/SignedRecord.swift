public import Cryptography
internal import Identity
internal import Primitives

/// What reads an envelope: `SignedRecord.init(envelope:)`, or something that remembers what it has read.
///
/// Reading depends on nothing but the bytes. Whoever keeps many nodes in one process may give them all one reader, so that a
/// record that they all hold is in memory once.
public typealias RecordReader = @Sendable (_ envelope: [UInt8]) throws(RecordError) -> SignedRecord

/// A record with its signature: what the market gossips, stores and shows.
///
/// Immutable and shared by reference, so that lists and snapshots of records cost a pointer each. Made from bytes, it is
/// canonical but not yet believed: `signatureChecks` must hold first.
public final class SignedRecord: Sendable {
    /// What a signature on a record is for; another purpose's signature does not verify here.
    public static let domain = "rialto-record"
    public static let payloadType = Array("/rialto/record/1".utf8)
    /// The largest envelope of any kind.
    public static let byteCountMax = RecordKind.conflict.envelopeByteCountMax

    /// The envelope's one encoding.
    public let envelope: [UInt8]
    public let author: Ed25519.PublicKey
    public let record: Record
    public let id: RecordID
    public let subject: SubjectKey
    // What a book asks of a record again and again, read off the body once.
    public let kind: RecordKind
    /// The class whose topics carry it (`RecordBody.marketClass`).
    public let marketClass: MarketClass
    /// What decides along a subject key: the sequence; of a conflict the disputed one, whoever found it; proofs over one
    /// claim all say the same.
    let standingSequence: UInt64
    /// What picks the record's sub-shard.
    let shardByte: UInt8
    private let signature: [UInt8]

    /// Reads an envelope; the signature is not looked at.
    ///
    /// - Throws: `RecordError`; `mayBeNewer` tells a record to ignore from bytes to reject.
    public convenience init(envelope bytes: [UInt8]) throws(RecordError) {
        try self.init(envelope: bytes, as: .outermost)
    }

    convenience init(envelope bytes: [UInt8], as place: RecordPlace) throws(RecordError) {
        let opened: SignedEnvelope
        do {
            opened = try SignedEnvelope(parsing: bytes.span, byteCountMax: Self.byteCountMax)
        } catch {
            throw .envelope(error)
        }
        guard opened.payloadType == Self.payloadType else { throw .payloadType }
        let record = try Record(payload: opened.payload, as: place)
        guard bytes.count <= record.kind.envelopeByteCountMax else { throw .tooLong }
        try record.body.check(author: opened.publicKey)
        self.init(record, envelope: bytes, opened: opened)
    }

    /// Signs a record.
    ///
    /// - Throws: `RecordError` if a bound does not hold: nobody would accept the record.
    public convenience init(signing record: Record, by key: Ed25519.PrivateKey) throws(RecordError) {
        let payload = try record.payload()
        try record.body.check(author: key.publicKey)
        let sealed = SignedEnvelope.seal(payload: payload, payloadType: Self.payloadType, domain: Self.domain, by: key)
        let bytes = sealed.bytes
        guard bytes.count <= record.kind.envelopeByteCountMax else { throw .tooLong }
        self.init(record, envelope: bytes, opened: sealed)
    }

    /// A record within its bounds, with the envelope that holds it.
    private init(_ record: Record, envelope: [UInt8], opened: SignedEnvelope) {
        self.envelope = envelope
        self.record = record
        author = opened.publicKey
        signature = opened.signature
        id = Self.id(author: opened.publicKey, payload: opened.payload)
        subject = record.subject(author: opened.publicKey)
        kind = record.kind
        marketClass = record.marketClass
        standingSequence = record.body.disputedSequence ?? record.sequence
        shardByte = MarketProfile.shardByte(of: record.body.provider ?? opened.publicKey, in: marketClass)
    }

    /// The signatures that must hold: the author's, a lease's acceptance, and those of what is embedded.
    public var signatureChecks: [SignatureCheck] {
        // The parse was canonical, so the payload is what encodes again; it is not stored twice.
        guard let payload = try? record.payload() else { preconditionFailure("a signed record is within its bounds") }
        let message = SignedEnvelope.signedBytes(domain: Self.domain, payloadType: Self.payloadType, payload: payload)
        let own = SignatureCheck(key: author, message: message, signature: signature)
        switch record.body {
        case .conflict(let body): return [own] + body.first.signatureChecks + body.second.signatureChecks
        case .proof(let body): return [own] + body.first.signatureChecks + body.second.signatureChecks
        case .countersignature(let body): return [own] + body.receipt.signatureChecks
        case .lease(let lease):
            return [own, lease.acceptance.signatureCheck(of: lease.body, network: record.network)]
        case .machine, .offer, .presence, .withdrawal, .request, .bid, .leaseState, .receipt, .attestation,
            .storefront:
            return [own]
        }
    }

    private static func id(author: Ed25519.PublicKey, payload: [UInt8]) -> RecordID {
        var hashed: [UInt8] = []
        for part in [Array(domain.utf8), KeyCodec.encode(author), payloadType, payload] {
            UnsignedVarint.append(part.count, to: &hashed)
            hashed += part
        }
        guard let id = RecordID(SHA256.hash(hashed)) else { preconditionFailure("SHA-256 has 32 bytes") }
        return id
    }
}

extension SignedRecord: Hashable {
    /// Two records are equal if they say the same; signatures of one author over one payload do not differ.
    public static func == (left: SignedRecord, right: SignedRecord) -> Bool { left.id == right.id }

    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
