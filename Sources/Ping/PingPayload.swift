public import Primitives

/// Why bytes are not a payload.
public enum PingError: Error, Hashable, Sendable {
    case payloadLength(Int)
}

/// The 32 bytes that go to and fro (libp2p/specs, ping/ping.md).
public struct PingPayload: Hashable, Sendable {
    public static let byteCount = 32
    private var lanes: SIMD32<UInt8>

    /// Reads exactly 32 bytes.
    public init(parsing source: borrowing Span<UInt8>) throws(PingError) {
        guard source.count == Self.byteCount else { throw .payloadLength(source.count) }
        lanes = SIMD32()
        for index in lanes.indices { lanes[index] = source[index] }
    }

    /// Draws a payload that nobody can echo before having seen it.
    public init(random: inout SeededRandom) {
        lanes = SIMD32()
        for (index, byte) in random.bytes(Self.byteCount).enumerated() { lanes[index] = byte }
    }

    public var bytes: [UInt8] {
        lanes.indices.map { lanes[$0] }
    }
}

/// Gathers payloads out of a stream that may split and join them; it holds at most 31 bytes.
struct PingPayloadReader: Sendable {
    private var partial: [UInt8] = []

    var pendingByteCount: Int { partial.count }

    /// The next whole payload of `bytes` behind `offset`, which moves; `nil` when all is read.
    mutating func next(in bytes: [UInt8], at offset: inout Int) -> PingPayload? {
        let count = min(PingPayload.byteCount - partial.count, bytes.count - offset)
        partial += bytes[offset..<offset + count]
        offset += count
        guard partial.count == PingPayload.byteCount else { return nil }
        defer { partial.removeAll(keepingCapacity: true) }
        return try? PingPayload(parsing: partial.span)
    }
}
