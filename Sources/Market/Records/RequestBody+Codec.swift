internal import Primitives

extension RequestBody {
    init(parsing message: ParsedMessage) throws(RecordError) {
        guard let request = RequestID(try message.bytes(1, "request.request_id", max: 16)) else {
            throw .missing("request.request_id")
        }
        var alternatives: [Alternative] = []
        let found = try message.repeated(2, "request.alternatives", countMax: Bounds.alternativeCountMax, max: 4096)
        for bytes in found { alternatives.append(try Alternative(parsing: ParsedMessage(bytes))) }
        self.init(
            request: request,
            alternatives: alternatives,
            filters: try message.text(3, "request.filters", max: Bounds.filterByteCountMax),
            unit: try message.text(4, "request.unit", max: PriceTerms.Bounds.unitByteCountMax),
            totalMicrosMax: try message.amount(5, "request.total_max"),
            startAt: try message.time(6, "request.start_at"),
            durationSeconds: try message.int(7, "request.duration_s", in: 0...OfferBody.Bounds.durationSecondsMax),
            deadline: try message.time(8, "request.deadline"),
            hasPublicBids: try message.bool(9, "request.public_bids"),
            sealingKey: try message.bytes(10, "request.x25519_key", max: OfferBody.Bounds.sealingKeyByteCount)
        )
    }

    func write(to writer: inout ProtobufWriter) {
        writer.bytes(1, request.bytes)
        for alternative in alternatives { writer.message(2) { alternative.write(to: &$0) } }
        writer.text(3, filters)
        writer.text(4, unit)
        writer.varint(5, UInt64(totalMicrosMax))
        writer.varint(6, UInt64(startAt))
        writer.varint(7, UInt64(durationSeconds))
        writer.varint(8, UInt64(deadline))
        writer.bool(9, hasPublicBids)
        writer.bytes(10, sealingKey)
    }

    /// Checks every bound, for what we sign as for what we read.
    func check(issuedAt: Int64) throws(RecordError) {
        guard (1...Bounds.alternativeCountMax).contains(alternatives.count) else {
            throw .outOfBounds("request.alternatives")
        }
        for alternative in alternatives { try alternative.check() }
        guard Set(alternatives).count == alternatives.count else { throw .contradiction("request.alternatives") }
        try RecordText.check(filters, "request.filters", max: Bounds.filterByteCountMax)
        try RecordAmount.checkUnit(unit, "request.unit")
        try RecordAmount.check(totalMicrosMax, "request.total_max")
        try checkBound(durationSeconds, "request.duration_s", min: 1, max: OfferBody.Bounds.durationSecondsMax)
        guard deadline > issuedAt, deadline - issuedAt <= Bounds.deadlineMillisecondsMax else {
            throw .outOfBounds("request.deadline")
        }
        guard startAt == 0 || startAt >= deadline && startAt - issuedAt <= Bounds.startMillisecondsMax else {
            throw .outOfBounds("request.start_at")
        }
        guard sealingKey.count == OfferBody.Bounds.sealingKeyByteCount else { throw .outOfBounds("request.x25519_key") }
    }
}

extension RequestBody.Alternative {
    private typealias Bounds = RequestBody.Bounds

    fileprivate init(parsing message: ParsedMessage) throws(RecordError) {
        guard let marketClass: MarketClass = try message.value(1, "alternative.class") else {
            throw .missing("alternative.class")
        }
        self.init(
            marketClass: marketClass,
            catalogueIDs: try message.texts(
                2,
                "alternative.catalogue_ids",
                countMax: Bounds.catalogueIDCountMax,
                max: MachineBody.Bounds.catalogueIDByteCountMax
            ),
            count: try message.int(3, "alternative.count", in: 0...Bounds.countMax),
            memoryMinMebibytes: try message.int(
                4,
                "alternative.memory_min_mib",
                in: 0...MachineBody.Bounds.deviceMemoryMebibytesMax
            )
        )
    }

    fileprivate func write(to writer: inout ProtobufWriter) {
        writer.varint(1, UInt64(marketClass.rawValue))
        for id in catalogueIDs { writer.text(2, id) }
        writer.varint(3, UInt64(count))
        writer.varint(4, UInt64(memoryMinMebibytes))
    }

    fileprivate func check() throws(RecordError) {
        try RecordText.check(
            catalogueIDs,
            "alternative.catalogue_ids",
            count: 0...Bounds.catalogueIDCountMax,
            max: MachineBody.Bounds.catalogueIDByteCountMax
        )
        try checkBound(count, "alternative.count", min: 1, max: Bounds.countMax)
        try checkBound(
            memoryMinMebibytes,
            "alternative.memory_min_mib",
            max: MachineBody.Bounds.deviceMemoryMebibytesMax
        )
    }
}
