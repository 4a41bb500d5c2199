internal import Cryptography
internal import Primitives

extension BidBody {
    init(parsing message: ParsedMessage) throws(RecordError) {
        guard let bid = BidID(try message.bytes(1, "bid.bid_id", max: 16)) else { throw .missing("bid.bid_id") }
        guard let marketClass: MarketClass = try message.value(2, "bid.class") else { throw .missing("bid.class") }
        guard let counterparty = Ed25519.PublicKey(try message.bytes(3, "bid.counterparty", max: 32)) else {
            throw .missing("bid.counterparty")
        }
        guard let offer = OfferID(try message.bytes(4, "bid.offer_id", max: 16)) else { throw .missing("bid.offer_id") }
        let requestBytes = try message.bytes(5, "bid.request_id", max: 16)
        var target = Target.offer
        if !requestBytes.isEmpty {
            guard let request = RequestID(requestBytes) else { throw .outOfBounds("bid.request_id") }
            target = .request(request)
        }
        guard let targetRecord = RecordID(try message.bytes(6, "bid.target_record", max: 32)) else {
            throw .missing("bid.target_record")
        }
        self.init(
            bid: bid,
            marketClass: marketClass,
            counterparty: counterparty,
            offer: offer,
            target: target,
            targetRecord: targetRecord,
            slots: try message.slots(7, "bid.slots"),
            count: try message.int(8, "bid.count", in: 0...Bounds.countMax),
            unit: try message.text(9, "bid.unit", max: PriceTerms.Bounds.unitByteCountMax),
            gpuHourMicros: try message.amount(10, "bid.gpu_hour"),
            durationSeconds: try message.int(11, "bid.duration_s", in: 0...OfferBody.Bounds.durationSecondsMax),
            startBy: try message.time(12, "bid.start_by"),
            validUntil: try message.time(13, "bid.valid_until"),
            termsHash: try message.bytes(14, "bid.terms_hash", max: Bounds.termsHashByteCount),
            auctionDeadline: try message.time(15, "bid.auction_deadline")
        )
    }

    func write(to writer: inout ProtobufWriter) {
        writer.bytes(1, bid.bytes)
        writer.varint(2, UInt64(marketClass.rawValue))
        writer.bytes(3, counterparty.bytes)
        writer.bytes(4, offer.bytes)
        if case .request(let request) = target { writer.bytes(5, request.bytes) }
        writer.bytes(6, targetRecord.bytes)
        writer.packedVarints(7, slots.map { UInt64($0) })
        writer.varint(8, UInt64(count))
        writer.text(9, unit)
        writer.varint(10, UInt64(gpuHourMicros))
        writer.varint(11, UInt64(durationSeconds))
        writer.varint(12, UInt64(startBy))
        writer.varint(13, UInt64(validUntil))
        writer.bytes(14, termsHash)
        writer.varint(15, UInt64(auctionDeadline))
    }

    /// Checks every bound, for what we sign as for what we read.
    func check(issuedAt: Int64, expiresAt: Int64) throws(RecordError) {
        for slot in slots { try checkBound(slot, "bid.slots", max: OfferBody.Bounds.slotMax) }
        guard isStrictlyAscending(slots, by: <) else { throw .unsorted("bid.slots") }
        try checkBound(count, "bid.count", min: 1, max: Bounds.countMax)
        guard slots.isEmpty || slots.count == count else { throw .contradiction("bid.count") }
        try RecordAmount.checkUnit(unit, "bid.unit")
        guard (0...PriceTerms.Bounds.microsMax).contains(gpuHourMicros) else { throw .outOfBounds("bid.gpu_hour") }
        try checkBound(durationSeconds, "bid.duration_s", min: 1, max: OfferBody.Bounds.durationSecondsMax)
        guard startBy >= issuedAt, startBy - issuedAt <= Bounds.startMillisecondsMax else {
            throw .outOfBounds("bid.start_by")
        }
        guard validUntil > issuedAt, validUntil <= expiresAt else { throw .outOfBounds("bid.valid_until") }
        guard termsHash.count == Bounds.termsHashByteCount else { throw .outOfBounds("bid.terms_hash") }
        guard auctionDeadline == 0 || auctionDeadline > issuedAt else { throw .outOfBounds("bid.auction_deadline") }
        guard auctionDeadline - issuedAt <= Bounds.auctionMillisecondsMax else {
            throw .outOfBounds("bid.auction_deadline")
        }
    }

    /// The latest expiry of a bid that was issued at `issuedAt`.
    func expiryMax(issuedAt: Int64) -> Int64 {
        auctionDeadline == 0
            ? issuedAt + Bounds.lifetimeMilliseconds
            : min(auctionDeadline, Record.Bounds.timeMax) + Bounds.auctionSlackMilliseconds
    }
}
