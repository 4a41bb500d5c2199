internal import Cryptography
internal import Primitives

extension LeaseBody {
    init(parsing message: ParsedMessage) throws(RecordError) {
        guard let marketClass: MarketClass = try message.value(2, "lease.class") else { throw .missing("lease.class") }
        guard let machine = MachineID(try message.bytes(3, "lease.machine_id", max: 16)) else {
            throw .missing("lease.machine_id")
        }
        guard let offer = OfferID(try message.bytes(4, "lease.offer_id", max: 16)) else {
            throw .missing("lease.offer_id")
        }
        guard let provider = Ed25519.PublicKey(try message.bytes(5, "lease.provider", max: 32)) else {
            throw .missing("lease.provider")
        }
        guard let renter = Ed25519.PublicKey(try message.bytes(6, "lease.renter", max: 32)) else {
            throw .missing("lease.renter")
        }
        guard let bid = BidID(try message.bytes(7, "lease.bid_id", max: 16)) else { throw .missing("lease.bid_id") }
        guard let mode: OfferBody.Mode = try message.value(13, "lease.mode") else { throw .missing("lease.mode") }
        var slots: [Slot] = []
        for bytes in try message.repeated(8, "lease.slots", countMax: Bounds.slotCountMax, max: 64) {
            slots.append(try Slot(parsing: ParsedMessage(bytes)))
        }
        self.init(
            marketClass: marketClass,
            machine: machine,
            offer: offer,
            provider: provider,
            renter: renter,
            bid: bid,
            slots: slots,
            startAt: try message.time(9, "lease.start_at"),
            endAt: try message.time(10, "lease.end_at"),
            price: try PriceTerms(parsing: message.message(11, "lease.price")),
            capMicros: try message.amount(12, "lease.cap"),
            mode: mode,
            meterSeconds: try message.int(14, "lease.meter_s", in: 0...Bounds.meterSecondsMax),
            exposureMicros: try message.amount(15, "lease.exposure"),
            noticeSeconds: try message.int(16, "lease.notice_s", in: 0...Bounds.noticeSecondsMax),
            settlement: try message.text(17, "lease.settlement", max: Bounds.settlementByteCountMax),
            termsHash: try message.bytes(18, "lease.terms_hash", max: 32)
        )
        guard try message.bytes(1, "lease.lease_id", max: 16) == lease.bytes else {
            throw .contradiction("lease.lease_id")
        }
    }

    /// The one encoding without an acceptance: what the renter signs the digest of.
    func write(to writer: inout ProtobufWriter) {
        writer.bytes(1, lease.bytes)
        writer.varint(2, UInt64(marketClass.rawValue))
        writer.bytes(3, machine.bytes)
        writer.bytes(4, offer.bytes)
        writer.bytes(5, provider.bytes)
        writer.bytes(6, renter.bytes)
        writer.bytes(7, bid.bytes)
        for slot in slots { writer.message(8) { slot.write(to: &$0) } }
        writer.varint(9, UInt64(clamping: startAt))
        writer.varint(10, UInt64(clamping: endAt))
        writer.message(11) { price.write(to: &$0) }
        writer.varint(12, UInt64(clamping: capMicros))
        writer.varint(13, UInt64(mode.rawValue))
        writer.varint(14, UInt64(clamping: meterSeconds))
        writer.varint(15, UInt64(clamping: exposureMicros))
        writer.varint(16, UInt64(clamping: noticeSeconds))
        writer.text(17, settlement)
        writer.bytes(18, termsHash)
    }

    /// SHA-256 of the one encoding without an acceptance.
    ///
    /// A body beyond its bounds has one too, which nobody will sign.
    public var digest: [UInt8] {
        var writer = ProtobufWriter()
        write(to: &writer)
        return SHA256.hash(writer.bytes)
    }

    /// Checks every bound that does not depend on when the record was signed.
    public func check() throws(RecordError) {
        guard (1...Bounds.slotCountMax).contains(slots.count) else { throw .outOfBounds("lease.slots") }
        for slot in slots { try checkBound(slot.number, "slot.number", max: OfferBody.Bounds.slotMax) }
        guard isStrictlyAscending(slots.map(\.number), by: <) else { throw .unsorted("lease.slots") }
        guard slots.allSatisfy({ $0.previous != lease }) else { throw .contradiction("slot.previous") }
        guard (1...Record.Bounds.timeMax).contains(startAt), endAt > startAt, endAt <= Record.Bounds.timeMax,
            endAt - startAt <= Bounds.durationMillisecondsMax
        else { throw .outOfBounds("lease.end_at") }
        try price.check()
        try RecordAmount.check(capMicros, "lease.cap")
        try checkBound(meterSeconds, "lease.meter_s", min: 1, max: Bounds.meterSecondsMax)
        guard (0...capMicros).contains(exposureMicros) else { throw .outOfBounds("lease.exposure") }
        try checkBound(noticeSeconds, "lease.notice_s", max: Bounds.noticeSecondsMax)
        try RecordText.check(settlement, "lease.settlement", min: 1, max: Bounds.settlementByteCountMax)
        guard termsHash.count == 32 else { throw .outOfBounds("lease.terms_hash") }
    }

    /// The latest expiry of whatever speaks about a lease with this end.
    public static func expiryMax(endAt: Int64) -> Int64 {
        min(endAt, Record.Bounds.timeMax) + Bounds.tailMilliseconds
    }
}

extension LeaseBody.Slot {
    fileprivate init(parsing message: ParsedMessage) throws(RecordError) {
        let previous = try message.bytes(2, "slot.previous", max: 16)
        self.init(
            number: try message.int(1, "slot.number", in: 0...OfferBody.Bounds.slotMax),
            previous: LeaseID(previous)
        )
        guard previous.isEmpty || self.previous != nil else { throw .outOfBounds("slot.previous") }
    }

    fileprivate func write(to writer: inout ProtobufWriter) {
        writer.varint(1, UInt64(number))
        if let previous { writer.bytes(2, previous.bytes) }
    }
}

extension AcceptedLease {
    init(parsing message: ParsedMessage) throws(RecordError) {
        let acceptance = try message.message(19, "lease.acceptance")
        self.init(
            body: try LeaseBody(parsing: message),
            acceptance: LeaseAcceptance(
                acceptUntil: try acceptance.time(1, "acceptance.accept_until"),
                signature: try acceptance.bytes(2, "acceptance.signature", max: Ed25519.signatureByteCount)
            )
        )
    }

    func write(to writer: inout ProtobufWriter) {
        body.write(to: &writer)
        writer.message(19) {
            $0.varint(1, UInt64(acceptance.acceptUntil))
            $0.bytes(2, acceptance.signature)
        }
    }

    func check(issuedAt: Int64) throws(RecordError) {
        try body.check()
        guard acceptance.signature.count == Ed25519.signatureByteCount else {
            throw .outOfBounds("acceptance.signature")
        }
        // Later than the renter's word holds, the provider may not make a lease of it.
        guard issuedAt <= acceptance.acceptUntil,
            acceptance.acceptUntil - issuedAt <= LeaseBody.Bounds.acceptanceMillisecondsMax
        else { throw .outOfBounds("acceptance.accept_until") }
        guard body.startAt - issuedAt <= LeaseBody.Bounds.startMillisecondsMax, body.endAt > issuedAt else {
            throw .outOfBounds("lease.start_at")
        }
    }
}
