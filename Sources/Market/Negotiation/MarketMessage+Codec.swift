internal import Cryptography
internal import Primitives

extension MarketMessage {
    /// Reads one message without its length.
    public init(parsing bytes: [UInt8]) throws(RecordError) {
        guard bytes.count <= Self.byteCountMax else { throw .tooLong }
        let message = try ParsedMessage(bytes)
        guard message.numbers.count == 2 || message.numbers.count == 1, let number = message.numbers.last else {
            throw .missing("message.content")
        }
        let inner = try message.message(number, "message.content")
        self.init(id: try message.uint(1).opaque, content: try Self.content(number, inner))
        guard encoded == bytes else { throw .notCanonical }
    }

    private static func content(_ number: Int, _ inner: ParsedMessage) throws(RecordError) -> Content {
        func envelope() throws(RecordError) -> [UInt8] {
            let bytes = try inner.bytes(1, "message.envelope", max: RecordKind.lease.envelopeByteCountMax)
            guard !bytes.isEmpty else { throw .missing("message.envelope") }
            return bytes
        }
        switch number {
        case 2:
            let terms = try inner.bytes(2, "message.terms", max: LeaseTerms.Bounds.sealedByteCountMax)
            return .bid(envelope: try envelope(), sealedTerms: terms)
        case 3:
            let acceptance = LeaseAcceptance(
                acceptUntil: try inner.time(2, "accept.until"),
                signature: try inner.bytes(3, "accept.signature", max: Ed25519.signatureByteCount)
            )
            return .accept(try bid(inner), acceptance)
        case 4: return .cancel(try bid(inner))
        case 5: return .tick(try SignedTick(parsing: inner))
        case 6: return .voucher(try SignedVoucher(parsing: inner))
        case 7: return .receipt(envelope: try envelope())
        case 8: return .state(envelope: try envelope())
        case 9: return .award(try LeaseAward(parsing: inner))
        case 10: return .lease(envelope: try envelope())
        case 11:
            guard let code: Refusal.Code = try inner.value(1, "refusal.code") else { throw .missing("refusal.code") }
            return .refusal(
                Refusal(
                    code,
                    nearestMicros: try inner.amount(2, "refusal.nearest"),
                    retryMilliseconds: try inner.time(3, "refusal.retry")
                )
            )
        case 12: return .countersignature(envelope: try envelope())
        case 13: return .done
        case 14:
            guard let lease = LeaseID(try inner.bytes(1, "notice.lease_id", max: 16)) else {
                throw .missing("notice.lease_id")
            }
            return .notice(lease, at: try inner.time(2, "notice.at"))
        case 15:
            let max = RecordKind.leaseState.envelopeByteCountMax
            let words = try inner.repeated(2, "held.words", countMax: Self.heldWordCountMax, max: max)
            return .held(envelope: try envelope(), words: words)
        default: throw .unknownBody(number)
        }
    }

    private static func bid(_ inner: ParsedMessage) throws(RecordError) -> BidID {
        guard let bid = BidID(try inner.bytes(1, "message.bid_id", max: 16)) else { throw .missing("message.bid_id") }
        return bid
    }

    /// The message without its length.
    public var encoded: [UInt8] {
        var writer = ProtobufWriter()
        writer.varint(1, id)
        switch content {
        case .bid(let envelope, let terms):
            writer.message(2) {
                $0.bytes(1, envelope)
                $0.bytes(2, terms)
            }
        case .accept(let bid, let acceptance):
            writer.message(3) {
                $0.bytes(1, bid.bytes)
                $0.varint(2, UInt64(clamping: acceptance.acceptUntil))
                $0.bytes(3, acceptance.signature)
            }
        case .cancel(let bid): writer.message(4) { $0.bytes(1, bid.bytes) }
        case .tick(let tick): writer.message(5) { tick.write(to: &$0) }
        case .voucher(let voucher): writer.message(6) { voucher.write(to: &$0) }
        case .receipt(let envelope): writer.message(7) { $0.bytes(1, envelope) }
        case .state(let envelope): writer.message(8) { $0.bytes(1, envelope) }
        case .award(let award): writer.message(9) { award.write(to: &$0) }
        case .lease(let envelope): writer.message(10) { $0.bytes(1, envelope) }
        case .refusal(let refusal):
            writer.message(11) {
                $0.varint(1, UInt64(refusal.code.rawValue))
                $0.varint(2, UInt64(clamping: refusal.nearestMicros))
                $0.varint(3, UInt64(clamping: refusal.retryMilliseconds))
            }
        case .countersignature(let envelope): writer.message(12) { $0.bytes(1, envelope) }
        case .done: writer.message(13) { _ in }
        case .notice(let lease, let at):
            writer.message(14) {
                $0.bytes(1, lease.bytes)
                $0.varint(2, UInt64(clamping: at))
            }
        case .held(let envelope, let words):
            writer.message(15) {
                $0.bytes(1, envelope)
                for word in words { $0.bytes(2, word) }
            }
        }
        return writer.bytes
    }
}

extension LeaseAward {
    init(parsing message: ParsedMessage) throws(RecordError) {
        let body = try LeaseBody(parsing: message.message(1, "award.body"))
        try body.check()
        var pasts: [Past] = []
        let max = RecordKind.lease.envelopeByteCountMax
        for bytes in try message.repeated(3, "award.pasts", countMax: Self.pastCountMax, max: 2 * max + 16) {
            let past = try ParsedMessage(bytes)
            let lease = try past.bytes(1, "past.lease", max: max)
            guard !lease.isEmpty else { throw .missing("past.lease") }
            pasts.append(Past(lease: lease, close: try past.bytes(2, "past.close", max: max)))
        }
        self.init(body: body, heldUntil: try message.time(2, "award.held_until"), pasts: pasts)
    }

    func write(to writer: inout ProtobufWriter) {
        writer.message(1) { body.write(to: &$0) }
        writer.varint(2, UInt64(clamping: heldUntil))
        for past in pasts {
            writer.message(3) {
                $0.bytes(1, past.lease)
                $0.bytes(2, past.close)
            }
        }
    }
}
