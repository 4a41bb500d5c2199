/// Why a varint was refused.
public enum UnsignedVarintError: Error, Hashable, Sendable {
    /// The bytes end inside the number; more may follow.
    case truncated
    /// The number has more bytes than the limit allows.
    case tooLong
    /// A shorter encoding of the same number exists.
    case notMinimal
}

/// Multiformats unsigned varints: little-endian groups of seven bits, at most nine bytes (63 bits), minimal.
///
/// Source: multiformats/unsigned-varint. Protobuf varints are ten bytes long and need not be minimal: see `ProtobufReader`.
public enum UnsignedVarint {
    public static let byteCountMax = 9

    /// Reads a number that starts at `offset` and moves `offset` behind it; on an error `offset` stays.
    public static func read(
        from source: borrowing Span<UInt8>,
        at offset: inout Int
    ) throws(UnsignedVarintError) -> WireInteger<UInt64> {
        var value: UInt64 = 0
        for index in 0..<byteCountMax {
            guard offset + index < source.count else { throw .truncated }
            let byte = source[offset + index]
            value |= UInt64(byte & 0x7f) << UInt64(7 * index)
            guard byte & 0x80 == 0 else { continue }
            if byte == 0 && index > 0 { throw .notMinimal }
            offset += index + 1
            return WireInteger(value)
        }
        throw .tooLong
    }

    public static func append(_ value: Int, to bytes: inout [UInt8]) {
        precondition(value >= 0, "a varint cannot carry \(value)")
        var rest = UInt64(value)
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    public static func byteCount(of value: Int) -> Int {
        precondition(value >= 0)
        return max(1, (64 - value.leadingZeroBitCount + 6) / 7)
    }
}
