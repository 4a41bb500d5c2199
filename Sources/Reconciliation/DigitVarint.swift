/// Numbers as base-128 digits, the most significant first (negentropy protocol v1, "Varint").
enum DigitVarint {
    /// Ten digits hold 64 bits.
    static let byteCountMax = 10

    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        let digitCount = max(1, (64 - value.leadingZeroBitCount + 6) / 7)
        for digit in stride(from: digitCount - 1, through: 0, by: -1) {
            let bits = UInt8(truncatingIfNeeded: value >> UInt64(7 * digit)) & 0x7f
            bytes.append(digit == 0 ? bits : bits | 0x80)
        }
    }
}

/// Why a reconciliation message was refused; no honest peer sends one.
public enum ReconciliationError: Error, Hashable, Sendable {
    case empty
    case tooLong
    /// Another version of the protocol; the byte says which.
    case version(UInt8)
    case truncated
    /// A number with a leading zero digit, or beyond 64 bits.
    case varint
    case mode
    /// A bound below the one before, or a prefix of more than 32 bytes.
    case bound
    case idCount
}

/// Reads one message from its front.
struct MessageReader: ~Copyable, ~Escapable {
    private let source: Span<UInt8>
    private var offset = 0

    @_lifetime(copy source)
    init(_ source: Span<UInt8>) {
        self.source = source
    }

    var isAtEnd: Bool { offset == source.count }
    var remainingByteCount: Int { source.count - offset }

    mutating func byte() throws(ReconciliationError) -> UInt8 {
        guard offset < source.count else { throw .truncated }
        defer { offset += 1 }
        return source[offset]
    }

    mutating func varint() throws(ReconciliationError) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<DigitVarint.byteCountMax {
            let digit = try byte()
            guard index > 0 || digit != 0x80, value >> 57 == 0 else { throw .varint }
            value = value << 7 | UInt64(digit & 0x7f)
            if digit & 0x80 == 0 { return value }
        }
        throw .varint
    }

    mutating func bytes(_ count: Int) throws(ReconciliationError) -> [UInt8] {
        guard count <= remainingByteCount else { throw .truncated }
        defer { offset += count }
        return (offset..<offset + count).map { source[$0] }
    }

    mutating func id() throws(ReconciliationError) -> ItemID {
        guard ItemID.byteCount <= remainingByteCount else { throw .truncated }
        defer { offset += ItemID.byteCount }
        return ItemID(prefix: (offset..<offset + ItemID.byteCount).map { source[$0] })
    }
}
