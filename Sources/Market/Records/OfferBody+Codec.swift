internal import Primitives

extension OfferBody {
    init(parsing message: ParsedMessage) throws(RecordError) {
        guard let offer = OfferID(try message.bytes(1, "offer.offer_id", max: 16)) else {
            throw .missing("offer.offer_id")
        }
        guard let marketClass: MarketClass = try message.value(2, "offer.class") else { throw .missing("offer.class") }
        guard let machine = MachineID(try message.bytes(3, "offer.machine_id", max: 16)) else {
            throw .missing("offer.machine_id")
        }
        guard let awardPolicy: AwardPolicy = try message.value(13, "offer.award_policy") else {
            throw .missing("offer.award_policy")
        }
        self.init(
            offer: offer,
            marketClass: marketClass,
            machine: machine,
            slots: try Self.slots(4, "offer.slots", in: message),
            freeSlots: try Self.slots(5, "offer.free_slots", in: message),
            largestBlock: try message.int(6, "offer.largest_block", in: 0...Bounds.slotCountMax),
            price: try PriceTerms(parsing: message.message(7, "offer.price")),
            modes: try Self.modes(in: message),
            durationMinSeconds: try message.int(9, "offer.duration_min_s", in: 0...Bounds.durationSecondsMax),
            durationMaxSeconds: try message.int(10, "offer.duration_max_s", in: 0...Bounds.durationSecondsMax),
            noticeSeconds: try message.int(11, "offer.notice_s", in: 0...Bounds.noticeSecondsMax),
            settlements: try message.texts(
                12,
                "offer.settlements",
                countMax: Bounds.settlementCountMax,
                max: Bounds.settlementByteCountMax
            ),
            awardPolicy: awardPolicy,
            awardWindowSeconds: try message.int(14, "offer.award_window_s", in: 0...Bounds.awardWindowSecondsMax),
            hasPublicBids: try message.bool(15, "offer.public_bids"),
            sealingKey: try message.bytes(16, "offer.x25519_key", max: Bounds.sealingKeyByteCount)
        )
    }

    func write(to writer: inout ProtobufWriter) {
        writer.bytes(1, offer.bytes)
        writer.varint(2, UInt64(marketClass.rawValue))
        writer.bytes(3, machine.bytes)
        writer.packedVarints(4, slots.map { UInt64($0) })
        writer.packedVarints(5, freeSlots.map { UInt64($0) })
        writer.varint(6, UInt64(largestBlock))
        writer.message(7) { price.write(to: &$0) }
        writer.packedVarints(8, modes.map { UInt64($0.rawValue) })
        writer.varint(9, UInt64(durationMinSeconds))
        writer.varint(10, UInt64(durationMaxSeconds))
        writer.varint(11, UInt64(noticeSeconds))
        for settlement in settlements { writer.text(12, settlement) }
        writer.varint(13, UInt64(awardPolicy.rawValue))
        writer.varint(14, UInt64(awardWindowSeconds))
        writer.bool(15, hasPublicBids)
        writer.bytes(16, sealingKey)
    }

    /// Checks every bound, for what we sign as for what we read.
    func check() throws(RecordError) {
        guard (1...Bounds.slotCountMax).contains(slots.count) else { throw .outOfBounds("offer.slots") }
        for slot in slots { try checkBound(slot, "offer.slots", max: Bounds.slotMax) }
        guard isStrictlyAscending(slots, by: <) else { throw .unsorted("offer.slots") }
        guard isStrictlyAscending(freeSlots, by: <) else { throw .unsorted("offer.free_slots") }
        guard freeSlots.allSatisfy(slots.contains) else { throw .contradiction("offer.free_slots") }
        try checkBound(largestBlock, "offer.largest_block", max: freeSlots.count)
        try price.check()
        guard !modes.isEmpty else { throw .missing("offer.modes") }
        guard isStrictlyAscending(modes, by: <) else { throw .unsorted("offer.modes") }
        try checkBound(durationMaxSeconds, "offer.duration_max_s", min: 1, max: Bounds.durationSecondsMax)
        try checkBound(durationMinSeconds, "offer.duration_min_s", max: durationMaxSeconds)
        try checkBound(noticeSeconds, "offer.notice_s", max: Bounds.noticeSecondsMax)
        try RecordText.check(
            settlements,
            "offer.settlements",
            count: 1...Bounds.settlementCountMax,
            max: Bounds.settlementByteCountMax
        )
        switch awardPolicy {
        case .firstAcceptable:
            guard awardWindowSeconds == 0 else { throw .contradiction("offer.award_window_s") }
        case .bestAtDeadline:
            try checkBound(awardWindowSeconds, "offer.award_window_s", min: 1, max: Bounds.awardWindowSecondsMax)
        }
        guard !hasPublicBids || modes.contains(.interruptible) else { throw .contradiction("offer.public_bids") }
        guard sealingKey.count == Bounds.sealingKeyByteCount else { throw .outOfBounds("offer.x25519_key") }
    }

    private static func slots(_ number: Int, _ name: String, in message: ParsedMessage) throws(RecordError) -> [Int] {
        var slots: [Int] = []
        for value in try message.packed(number, name, countMax: Bounds.slotCountMax) {
            guard let slot = value.int(in: 0...Bounds.slotMax) else { throw .outOfBounds(name) }
            slots.append(slot)
        }
        return slots
    }

    private static func modes(in message: ParsedMessage) throws(RecordError) -> [Mode] {
        var modes: [Mode] = []
        for value in try message.packed(8, "offer.modes", countMax: 8) {
            guard let raw = UInt8(exactly: value.opaque), let mode = Mode(rawValue: raw) else {
                throw .unknownValue("offer.modes")
            }
            modes.append(mode)
        }
        return modes
    }
}

extension PriceTerms {
    init(parsing message: ParsedMessage) throws(RecordError) {
        let micros = 0...Int(Bounds.microsMax)
        self.init(
            unit: try message.text(1, "price.unit", max: Bounds.unitByteCountMax),
            gpuHourMicros: Int64(try message.int(2, "price.gpu_hour", in: micros)),
            lowestBidMicros: Int64(try message.int(3, "price.lowest_bid", in: micros)),
            storageGibibyteMonthMicros: Int64(try message.int(4, "price.storage_gib_month", in: micros)),
            trafficGibibyteMicros: Int64(try message.int(5, "price.traffic_gib", in: micros))
        )
    }

    func write(to writer: inout ProtobufWriter) {
        writer.text(1, unit)
        writer.varint(2, UInt64(gpuHourMicros))
        writer.varint(3, UInt64(lowestBidMicros))
        writer.varint(4, UInt64(storageGibibyteMonthMicros))
        writer.varint(5, UInt64(trafficGibibyteMicros))
    }

    func check() throws(RecordError) {
        try RecordText.check(unit, "price.unit", min: 1, max: Bounds.unitByteCountMax)
        guard unit.utf8.allSatisfy(\.isLetterOrDigit) else { throw .text("price.unit") }
        for (value, name) in [
            (gpuHourMicros, "price.gpu_hour"), (storageGibibyteMonthMicros, "price.storage_gib_month"),
            (trafficGibibyteMicros, "price.traffic_gib"),
        ] {
            guard (0...Bounds.microsMax).contains(value) else { throw .outOfBounds(name) }
        }
        guard (0...gpuHourMicros).contains(lowestBidMicros) else { throw .outOfBounds("price.lowest_bid") }
    }
}

extension UInt8 {
    /// Whether the byte is an ASCII letter or digit.
    fileprivate var isLetterOrDigit: Bool {
        (0x30...0x39).contains(self) || (0x41...0x5a).contains(self) || (0x61...0x7a).contains(self)
    }
}
