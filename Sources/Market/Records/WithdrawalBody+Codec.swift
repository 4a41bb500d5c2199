internal import Primitives

extension WithdrawalBody {
    init(parsing message: ParsedMessage) throws(RecordError) {
        let id = try message.bytes(2, "withdrawal.subject_id", max: Bounds.subjectByteCount)
        guard let kind: RecordKind = try message.value(1, "withdrawal.kind") else { throw .missing("withdrawal.kind") }
        guard let value = Bytes16(id) else { throw .missing("withdrawal.subject_id") }
        let subject: Subject
        switch kind {
        case .machine: subject = .machine(MachineID(value))
        case .offer: subject = .offer(OfferID(value))
        case .request: subject = .request(RequestID(value))
        case .bid: subject = .bid(BidID(value))
        // Frozen: of the kinds that this version knows, no other is withdrawn.
        case .presence, .withdrawal, .conflict, .lease, .leaseState, .receipt, .countersignature, .attestation, .proof,
            .storefront:
            throw .contradiction("withdrawal.kind")
        }
        guard let marketClass: MarketClass = try message.value(3, "withdrawal.class") else {
            throw .missing("withdrawal.class")
        }
        // Whoever withdraws is the author of what is withdrawn; the field is for kinds of later versions.
        guard try message.bytes(4, "withdrawal.provider", max: 32).isEmpty else {
            throw .contradiction("withdrawal.provider")
        }
        let reason = try message.int(5, "withdrawal.reason", in: 0...Bounds.reasonMax)
        self.init(subject: subject, marketClass: marketClass, reason: reason)
    }

    func write(to writer: inout ProtobufWriter) {
        switch subject {
        case .machine(let machine):
            writer.varint(1, UInt64(RecordKind.machine.rawValue))
            writer.bytes(2, machine.bytes)
        case .offer(let offer):
            writer.varint(1, UInt64(RecordKind.offer.rawValue))
            writer.bytes(2, offer.bytes)
        case .request(let request):
            writer.varint(1, UInt64(RecordKind.request.rawValue))
            writer.bytes(2, request.bytes)
        case .bid(let bid):
            writer.varint(1, UInt64(RecordKind.bid.rawValue))
            writer.bytes(2, bid.bytes)
        }
        writer.varint(3, UInt64(marketClass.rawValue))
        writer.varint(5, UInt64(reason))
    }

    /// Checks every bound, for what we sign as for what we read.
    func check() throws(RecordError) {
        try checkBound(reason, "withdrawal.reason", max: Bounds.reasonMax)
    }
}
