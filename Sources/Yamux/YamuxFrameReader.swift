import Primitives

/// Cuts received bytes into headers and pieces of payload, however the network has split or joined them.
///
/// It holds at most one partial header. A payload is never gathered: what has arrived of it is handed on at once.
struct YamuxFrameReader: Sendable {
    enum Piece: Hashable, Sendable {
        case header(YamuxHeader)
        /// Where the next bytes of the current DATA frame lie; `isLast` when they end it.
        case payload(Range<Int>, isLast: Bool)
    }

    private var header: [UInt8] = []

    /// What is still to come of the current DATA frame.
    private(set) var payloadRemaining = 0

    /// The next piece of `source` behind `offset`, which moves; `nil` when all is read.
    mutating func next(
        in source: borrowing Span<UInt8>,
        at offset: inout Int
    ) throws(YamuxProtocolError) -> Piece? {
        guard offset < source.count else { return nil }
        if payloadRemaining > 0 {
            let range = offset..<offset + min(payloadRemaining, source.count - offset)
            payloadRemaining -= range.count
            offset = range.upperBound
            return .payload(range, isLast: payloadRemaining == 0)
        }
        while header.count < YamuxHeader.byteCount && offset < source.count {
            header.append(source[offset])
            offset += 1
        }
        guard header.count == YamuxHeader.byteCount else { return nil }
        let parsed = try YamuxHeader(parsing: header.span)
        header.removeAll(keepingCapacity: true)
        return .header(parsed)
    }

    /// Says how long the payload behind the header is that was just read.
    mutating func expectPayload(_ byteCount: Int) {
        precondition(payloadRemaining == 0 && header.isEmpty && byteCount >= 0)
        payloadRemaining = byteCount
    }
}
