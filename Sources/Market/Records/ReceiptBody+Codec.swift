internal import Cryptography
internal import Primitives

extension ReceiptBody {
    init(parsing message: ParsedMessage) throws(RecordError) {
        guard let lease = LeaseID(try message.bytes(1, "receipt.lease_id", max: 16)) else {
            throw .missing("receipt.lease_id")
        }
        guard let marketClass: MarketClass = try message.value(2, "receipt.class") else {
            throw .missing("receipt.class")
        }
        guard let renter = Ed25519.PublicKey(try message.bytes(3, "receipt.renter", max: 32)) else {
            throw .missing("receipt.renter")
        }
        let number = try message.int(9, "receipt.code", in: 0...CloseCode.bounds.upperBound)
        guard let code = CloseCode(rawValue: number) else { throw .outOfBounds("receipt.code") }
        self.init(
            lease: lease,
            marketClass: marketClass,
            renter: renter,
            readySeconds: try message.int(4, "receipt.ready_s", in: 0...Bounds.secondsMax),
            activeSeconds: try message.int(5, "receipt.active_s", in: 0...Bounds.secondsMax),
            unit: try message.text(6, "receipt.unit", max: PriceTerms.Bounds.unitByteCountMax),
            owedMicros: try message.amount(7, "receipt.owed"),
            paidMicros: try message.amount(8, "receipt.paid"),
            code: code,
            probeCount: try message.int(10, "receipt.probes", in: 0...Bounds.probeCountMax),
            answeredProbeCount: try message.int(11, "receipt.probes_answered", in: 0...Bounds.probeCountMax),
            voucherHash: try message.bytes(12, "receipt.voucher_hash", max: Bounds.hashByteCount),
            settlement: try message.text(13, "receipt.settlement", max: LeaseBody.Bounds.settlementByteCountMax),
            reference: try message.text(14, "receipt.reference", max: Bounds.referenceByteCountMax)
        )
    }

    func write(to writer: inout ProtobufWriter) {
        writer.bytes(1, lease.bytes)
        writer.varint(2, UInt64(marketClass.rawValue))
        writer.bytes(3, renter.bytes)
        writer.varint(4, UInt64(readySeconds))
        writer.varint(5, UInt64(activeSeconds))
        writer.text(6, unit)
        writer.varint(7, UInt64(owedMicros))
        writer.varint(8, UInt64(paidMicros))
        writer.varint(9, UInt64(code.rawValue))
        writer.varint(10, UInt64(probeCount))
        writer.varint(11, UInt64(answeredProbeCount))
        writer.bytes(12, voucherHash)
        writer.text(13, settlement)
        writer.text(14, reference)
    }

    /// Checks every bound, for what we sign as for what we read.
    func check() throws(RecordError) {
        try checkBound(readySeconds, "receipt.ready_s", max: Bounds.secondsMax)
        try checkBound(activeSeconds, "receipt.active_s", max: Bounds.secondsMax)
        try RecordAmount.checkUnit(unit, "receipt.unit")
        try RecordAmount.check(owedMicros, "receipt.owed")
        try RecordAmount.check(paidMicros, "receipt.paid")
        try checkBound(probeCount, "receipt.probes", max: Bounds.probeCountMax)
        try checkBound(answeredProbeCount, "receipt.probes_answered", max: probeCount)
        guard voucherHash.count == (paidMicros == 0 ? 0 : Bounds.hashByteCount) else {
            throw .contradiction("receipt.voucher_hash")
        }
        try RecordText.check(settlement, "receipt.settlement", min: 1, max: LeaseBody.Bounds.settlementByteCountMax)
        try RecordText.check(reference, "receipt.reference", max: Bounds.referenceByteCountMax)
    }
}

extension CountersignatureBody {
    /// Reads the embedded receipt; nothing else is opened, so the depth is one.
    init(parsing message: ParsedMessage) throws(RecordError) {
        let max = RecordKind.receipt.envelopeByteCountMax
        let bytes = try message.bytes(1, "countersignature.receipt", max: max)
        guard !bytes.isEmpty else { throw .missing("countersignature.receipt") }
        guard let body = Self(try SignedRecord(envelope: bytes, as: .receiptOnly)) else {
            throw .contradiction("countersignature.receipt")
        }
        self = body
    }

    func write(to writer: inout ProtobufWriter) {
        writer.bytes(1, receipt.envelope)
    }
}
