public import Primitives
public import Reconciliation

/// Sixteen bytes kept inline, ordered as big-endian numbers: what machine and offer ids are made of.
public struct Bytes16: Hashable, Comparable, Sendable {
    public static let byteCount = 16
    private let high: UInt64
    private let low: UInt64

    /// `nil` unless there are exactly 16 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        high = bigEndian(bytes.prefix(8))
        low = bigEndian(bytes.dropFirst(8))
    }

    fileprivate init(high: UInt64, low: UInt64) {
        (self.high, self.low) = (high, low)
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        append(to: &bytes)
        return bytes
    }

    fileprivate func append(to bytes: inout [UInt8]) {
        appendBigEndian(high, to: &bytes)
        appendBigEndian(low, to: &bytes)
    }

    /// The first eight bytes as a big-endian number.
    var head: UInt64 { high }
    fileprivate var tail: UInt64 { low }

    public static func < (left: Bytes16, right: Bytes16) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// A name of 16 bytes: what all such names of the market have in common.
public protocol Identifier16: Hashable, Comparable, Sendable, CustomStringConvertible {
    var value: Bytes16 { get }

    init(_ value: Bytes16)
}

extension Identifier16 {
    /// `nil` unless there are exactly 16 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let value = Bytes16(bytes) else { return nil }
        self.init(value)
    }

    public var bytes: [UInt8] { value.bytes }
    public var description: String { hexadecimal(bytes) }
    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// Names a machine record along its versions: 16 random bytes.
public struct MachineID: Identifier16 {
    public let value: Bytes16

    public init(_ value: Bytes16) {
        self.value = value
    }

    /// Draws a new id.
    public init(random: inout SeededRandom) {
        value = drawn(random: &random)
    }
}

/// Names an offer along its versions: 16 random bytes, unique per provider, so it is always named with its provider.
public struct OfferID: Identifier16 {
    public let value: Bytes16

    public init(_ value: Bytes16) {
        self.value = value
    }

    /// Draws a new id.
    public init(random: inout SeededRandom) {
        value = drawn(random: &random)
    }
}

/// Names one record by its content: SHA-256 over domain, public key, payload type and payload, not over the signature.
///
/// The hashed bytes are the four strings in this order, each behind its length as an unsigned varint: the domain
/// `rialto-record`, the author's libp2p public key message (36 bytes), the payload type, the payload.
public struct RecordID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public static let byteCount = 32
    private let high: Bytes16
    private let low: Bytes16

    /// `nil` unless there are exactly 32 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let high = Bytes16(bytes.prefix(16)), let low = Bytes16(bytes.dropFirst(16)) else { return nil }
        (self.high, self.low) = (high, low)
    }

    /// The name of the same bytes in a set that two nodes compare.
    public init(_ item: ItemID) {
        let (first, second, third, fourth) = item.quarters
        (high, low) = (Bytes16(high: first, low: second), Bytes16(high: third, low: fourth))
    }

    public var item: ItemID { ItemID(high.head, high.tail, low.head, low.tail) }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        high.append(to: &bytes)
        low.append(to: &bytes)
        return bytes
    }

    /// The first eight bytes as a big-endian number.
    var head: UInt64 { high.head }
    public var description: String { hexadecimal(bytes) }

    public static func < (left: RecordID, right: RecordID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// Bytes as lower-case hexadecimal digits, as ids are printed.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.unicodeScalars.append(Unicode.Scalar(nibble + (nibble < 10 ? 48 : 87)))
        }
    }
    return text
}

func drawn(random: inout SeededRandom) -> Bytes16 {
    guard let value = Bytes16(random.bytes(Bytes16.byteCount)) else { preconditionFailure("16 bytes were drawn") }
    return value
}

private func bigEndian(_ bytes: some Collection<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
}

private func appendBigEndian(_ value: UInt64, to bytes: inout [UInt8]) {
    for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * index))) }
}
