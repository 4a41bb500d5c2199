/// What one side says of one range (negentropy protocol v1, "Range").
struct ReconciliationRange: Hashable, Sendable {
    enum Claim: Hashable, Sendable {
        /// Nothing more to say.
        case skip
        case fingerprint(Fingerprint)
        /// All ids that the sender has in the range.
        case ids([ItemID])
    }
    let upperBound: RangeBound
    let claim: Claim
}

/// The wire form of a message: adjacent ranges from zero on; what lies behind the last one is skipped.
enum ReconciliationMessage {
    static let version: UInt8 = 0x61

    /// Reads a whole message before anything is done about it.
    ///
    /// The bounds of memory follow from the caller's bound of the message: a range takes at least three bytes, an id 32.
    static func parse(_ source: Span<UInt8>) throws(ReconciliationError) -> [ReconciliationRange] {
        var reader = MessageReader(source)
        guard !reader.isAtEnd else { throw .empty }
        let version = try reader.byte()
        guard version == Self.version else { throw .version(version) }
        var (ranges, lower): ([ReconciliationRange], RangeBound) = ([], .start)
        while !reader.isAtEnd {
            let upper = try bound(&reader, after: lower)
            guard lower <= upper, lower.timestamp < .max else { throw .bound }
            let claim: ReconciliationRange.Claim =
                switch try reader.varint() {
                case 0: .skip
                case 1: .fingerprint(Fingerprint(bytes: try reader.bytes(Fingerprint.byteCount)))
                case 2: .ids(try ids(&reader))
                default: throw .mode
                }
            ranges.append(ReconciliationRange(upperBound: upper, claim: claim))
            lower = upper
        }
        return ranges
    }

    private static func bound(
        _ reader: inout MessageReader,
        after lower: RangeBound
    ) throws(ReconciliationError) -> RangeBound {
        let encoded = try reader.varint()
        let timestamp: UInt64
        if encoded == 0 {
            timestamp = .max
        } else {
            let (sum, overflow) = lower.timestamp.addingReportingOverflow(encoded - 1)
            guard !overflow, sum < .max else { throw .bound }
            timestamp = sum
        }
        let length = try reader.varint()
        guard length <= UInt64(ItemID.byteCount) else { throw .bound }
        let prefix = try reader.bytes(Int(length))
        guard timestamp < .max || prefix.isEmpty else { throw .bound }
        return RangeBound(timestamp: timestamp, prefix: ItemID(prefix: prefix), prefixByteCount: prefix.count)
    }

    private static func ids(_ reader: inout MessageReader) throws(ReconciliationError) -> [ItemID] {
        let count = try reader.varint()
        guard count <= UInt64(reader.remainingByteCount / ItemID.byteCount) else { throw .idCount }
        var ids: [ItemID] = []
        ids.reserveCapacity(Int(count))
        for _ in 0..<Int(count) { ids.append(try reader.id()) }
        return ids
    }
}

/// Writes one message; the timestamps of its bounds are differences.
struct ReconciliationWriter {
    private(set) var bytes: [UInt8] = [ReconciliationMessage.version]
    private var timestamp: UInt64 = 0

    mutating func append(_ bound: RangeBound, _ claim: ReconciliationRange.Claim) {
        append(bound)
        switch claim {
        case .skip: DigitVarint.append(0, to: &bytes)
        case .fingerprint(let fingerprint):
            DigitVarint.append(1, to: &bytes)
            bytes += fingerprint.bytes
        case .ids(let ids):
            DigitVarint.append(2, to: &bytes)
            DigitVarint.append(UInt64(ids.count), to: &bytes)
            for id in ids { bytes += id.bytes }
        }
    }

    private mutating func append(_ bound: RangeBound) {
        if bound.timestamp == .max {
            DigitVarint.append(0, to: &bytes)
            timestamp = .max
        } else {
            DigitVarint.append(1 + (bound.timestamp - timestamp), to: &bytes)
            timestamp = bound.timestamp
        }
        DigitVarint.append(UInt64(bound.prefixByteCount), to: &bytes)
        for index in 0..<bound.prefixByteCount { bytes.append(bound.prefix.byte(at: index)) }
    }
}
