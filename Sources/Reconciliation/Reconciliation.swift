/// Two sets made known to each other by fingerprints of ranges: negentropy, protocol version 1.
///
/// Stateless on both sides but for what the asker has learned: a message is answered from the set as it is. The asker begins
/// with `opening`, gives each answer to `learn`, and sends what that returns until it returns nothing; the other side gives each
/// message to `answer`. Ranges that agree are skipped; those that differ are split in sixteen, or listed when they are short. Only the other
/// side lists: an asker that did would be told the same ids again.
///
/// Source: hoytech/negentropy, "Negentropy Protocol V1"; A. Meyer, "Range-Based Set Reconciliation", 2022.
public enum RangeReconciliation {
    /// Into how many parts a range is split that differs.
    static let branchCount = 16
    /// Ranges with fewer elements are listed.
    static let listCountMax = 2 * branchCount
    /// An asker that has no more elements in a range that differs asks what the other side has there, and into parts of about so many it
    /// divides a longer one: a fingerprint takes twenty bytes, an id 32.
    static let inquiryCount = 4
    /// What is kept free of a message for its last ranges.
    static let reserveByteCount = 200
    /// Bounds what one message may cost: a frame of this many bytes has at most about 1,700 fingerprints or 1,000 ids.
    public static let messageByteCountMax = 32 << 10

    /// An element of the other side's, which we know by its id alone.
    public struct Sighting: Hashable, Sendable {
        public let id: ItemID
        /// The beginning of the range in which it was listed: the element's time is not earlier.
        public let since: UInt64
    }

    /// What one answer taught the asker.
    public struct Lesson: Sendable {
        /// Ids that we have and the other side does not.
        public var surplus: [ItemID] = []
        /// What the other side has and we do not.
        public var missing: [Sighting] = []
        /// What to send next; `nil`: the sets are known to each other.
        public var next: [UInt8]?
    }

    /// The asker's first message about everything at or after a time.
    public static func opening(_ index: ReconciliationIndex, from timestamp: UInt64 = 0) -> [UInt8] {
        var writer = ReconciliationWriter()
        let first = index.position(of: RangeBound(timestamp: timestamp, prefix: .zero, prefixByteCount: 0))
        inquire(about: first..<index.count, of: index, upTo: .infinity, into: &writer)
        return writer.bytes
    }

    /// One part of a summary: what lies between the end of the part before and a time.
    public struct Part: Hashable, Sendable {
        /// Where the part ends; `UInt64.max`: nowhere.
        public let end: UInt64
        /// Whether it is asked about; else it is left out.
        public let isCompared: Bool

        public init(upTo end: UInt64, isCompared: Bool) {
            (self.end, self.isCompared) = (end, isCompared)
        }
    }

    /// A first message of one fingerprint for each part: for sets that are probably equal, at twenty bytes a part.
    ///
    /// The ends ascend; what lies behind the last part is left out. Ranges that are found in one part never reach into another.
    public static func summary(
        _ index: ReconciliationIndex,
        of parts: [Part],
        from timestamp: UInt64 = 0
    ) -> [UInt8] {
        var writer = ReconciliationWriter()
        var lower = index.position(of: RangeBound(timestamp: timestamp, prefix: .zero, prefixByteCount: 0))
        for part in parts {
            let bound = RangeBound(timestamp: part.end, prefix: .zero, prefixByteCount: 0)
            let upper = part.end == .max ? index.count : max(lower, index.position(of: bound))
            let sum = part.isCompared ? index.sum(in: lower..<upper) : FingerprintSum()
            writer.append(bound, part.isCompared ? .fingerprint(sum.fingerprint) : .skip)
            lower = upper
        }
        return writer.bytes
    }

    /// The other side's answer to a message of at most `messageByteCountMax` bytes; a lower limit makes the answer no longer than
    /// that, from about a thousand bytes on.
    ///
    /// A message in another version is answered with the byte of ours, as the protocol wants.
    public static func answer(
        _ message: Span<UInt8>,
        _ index: ReconciliationIndex,
        from timestamp: UInt64 = 0,
        byteCountMax: Int = messageByteCountMax
    ) throws(ReconciliationError) -> [UInt8] {
        let step: Step
        do throws(ReconciliationError) {
            step = try Step(message, index, from: timestamp, isAsker: false, byteCountMax: byteCountMax)
        } catch {
            if case .version = error { return [ReconciliationMessage.version] }
            throw error
        }
        return step.writer.bytes
    }

    /// What the asker learns from an answer; its next message is no longer than the limit, as in `answer`.
    public static func learn(
        _ message: Span<UInt8>,
        _ index: ReconciliationIndex,
        from timestamp: UInt64 = 0,
        byteCountMax: Int = messageByteCountMax
    ) throws(ReconciliationError) -> Lesson {
        let step = try Step(message, index, from: timestamp, isAsker: true, byteCountMax: byteCountMax)
        // A bare version byte says that nothing is left to ask.
        return Lesson(
            surplus: step.surplus,
            missing: step.missing,
            next: step.writer.bytes.count > 1 ? step.writer.bytes : nil
        )
    }

    /// What the other side says of a range that differs.
    static func split(
        _ range: Range<Int>,
        of index: ReconciliationIndex,
        upTo upper: RangeBound,
        into writer: inout ReconciliationWriter
    ) {
        guard range.count >= listCountMax else {
            writer.append(upper, .ids(index.items(in: range).map(\.id)))
            return
        }
        divide(range, by: branchCount, of: index, upTo: upper, into: &writer)
    }

    /// What the asker asks about a range that differs: for all ids if it has few there itself, naming none, else by fingerprints.
    static func inquire(
        about range: Range<Int>,
        of index: ReconciliationIndex,
        upTo upper: RangeBound,
        into writer: inout ReconciliationWriter
    ) {
        guard range.count > inquiryCount else {
            writer.append(upper, .ids([]))
            return
        }
        let partCount = (range.count + inquiryCount - 1) / inquiryCount
        divide(range, by: min(partCount, branchCount), of: index, upTo: upper, into: &writer)
    }

    /// Writes the fingerprints of `count` parts, equal but for one element.
    private static func divide(
        _ range: Range<Int>,
        by count: Int,
        of index: ReconciliationIndex,
        upTo upper: RangeBound,
        into writer: inout ReconciliationWriter
    ) {
        let (share, rest) = range.count.quotientAndRemainder(dividingBy: count)
        var start = range.lowerBound
        for part in 0..<count {
            let end = start + share + (part < rest ? 1 : 0)
            let bound: RangeBound
            if end == range.upperBound {
                bound = upper
            } else {
                let pair = index.items(in: end - 1..<end + 1)
                bound = RangeBound(between: pair[0], and: pair[1])
            }
            writer.append(bound, .fingerprint(index.sum(in: start..<end).fingerprint))
            start = end
        }
    }
}
