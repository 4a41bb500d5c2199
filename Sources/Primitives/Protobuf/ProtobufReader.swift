/// Why bytes are not a protobuf message.
public enum ProtobufError: Error, Hashable, Sendable {
    case truncated
    case varintTooLong
    case fieldNumber(UInt64)
    case wireType(UInt8)
    /// A known field came with the wire type of another.
    case wrongWireType(field: Int)
    /// A value or a count passed the limit that its message states.
    case outOfBounds(field: Int)
    case notUTF8(field: Int)
    case missing(field: Int)
}

/// One field as it stands on the wire; the bytes of a length-delimited field stay in the source.
public struct ProtobufField: Hashable, Sendable {
    public enum Value: Hashable, Sendable {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        /// Where the bytes lie in the reader's source.
        case bytes(Range<Int>)
    }

    public let number: Int
    public let value: Value

    /// The number of a varint field, still to be bounded.
    public func varint() throws(ProtobufError) -> WireInteger<UInt64> {
        guard case .varint(let value) = value else { throw .wrongWireType(field: number) }
        return WireInteger(value)
    }

    public func bool() throws(ProtobufError) -> Bool {
        try varint().opaque != 0
    }

    /// A varint field as an `Int` within `bounds`.
    public func int(in bounds: ClosedRange<Int>) throws(ProtobufError) -> Int {
        guard let value = try varint().int(in: bounds) else { throw .outOfBounds(field: number) }
        return value
    }

    /// Where the bytes of a length-delimited field lie, if they are at most `byteCountMax`.
    public func range(byteCountMax: Int) throws(ProtobufError) -> Range<Int> {
        guard case .bytes(let range) = value else { throw .wrongWireType(field: number) }
        guard range.count <= byteCountMax else { throw .outOfBounds(field: number) }
        return range
    }

    /// A copy of a length-delimited field's bytes, if they are at most `byteCountMax`.
    public func bytes(of source: borrowing Span<UInt8>, byteCountMax: Int) throws(ProtobufError) -> [UInt8] {
        Array(copying: source.extracting(try range(byteCountMax: byteCountMax)))
    }

    /// A length-delimited field's bytes as text, if they are valid UTF-8 and at most `byteCountMax`.
    public func text(of source: borrowing Span<UInt8>, byteCountMax: Int) throws(ProtobufError) -> String {
        let bytes = try bytes(of: source, byteCountMax: byteCountMax)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8(field: number) }
        return text
    }
}

/// Reads the fields of one message in wire order, without recursion and without allocating.
///
/// Tolerant as protobuf decoders are (any field order, padded varints, unknown fields are the caller's to skip): what must be
/// canonical is re-encoded and compared by its codec. Groups are refused. Source: protobuf.dev, "Encoding".
public struct ProtobufReader: ~Escapable {
    private let source: Span<UInt8>
    private var offset = 0

    @_lifetime(copy source)
    public init(_ source: consuming Span<UInt8>) {
        self.source = source
    }

    /// The next field, or `nil` at the end.
    @_lifetime(self: copy self)
    public mutating func next() throws(ProtobufError) -> ProtobufField? {
        guard offset < source.count else { return nil }
        let tag = try varint()
        guard let number = Int(exactly: tag >> 3), (1...0x1fff_ffff).contains(number) else {
            throw .fieldNumber(tag >> 3)
        }
        switch tag & 7 {
        case 0: return ProtobufField(number: number, value: .varint(try varint()))
        case 1: return ProtobufField(number: number, value: .fixed64(try fixed(byteCount: 8)))
        case 2: return ProtobufField(number: number, value: .bytes(try lengthDelimited()))
        case 5: return ProtobufField(number: number, value: .fixed32(UInt32(try fixed(byteCount: 4))))
        default: throw .wireType(UInt8(tag & 7))
        }
    }

    @_lifetime(self: copy self)
    private mutating func varint() throws(ProtobufError) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<10 {
            guard offset < source.count else { throw .truncated }
            let byte = source[offset]
            offset += 1
            // The tenth byte may carry only the 64th bit.
            if index == 9 && byte > 1 { throw .varintTooLong }
            value |= UInt64(byte & 0x7f) << UInt64(7 * index)
            if byte & 0x80 == 0 { return value }
        }
        throw .varintTooLong
    }

    @_lifetime(self: copy self)
    private mutating func fixed(byteCount: Int) throws(ProtobufError) -> UInt64 {
        guard source.count - offset >= byteCount else { throw .truncated }
        var value: UInt64 = 0
        for index in 0..<byteCount { value |= UInt64(source[offset + index]) << UInt64(8 * index) }
        offset += byteCount
        return value
    }

    @_lifetime(self: copy self)
    private mutating func lengthDelimited() throws(ProtobufError) -> Range<Int> {
        let length = WireInteger(try varint())
        guard let count = length.int(in: 0...(source.count - offset)) else { throw .truncated }
        defer { offset += count }
        return offset..<offset + count
    }
}

extension Array where Element == UInt8 {
    /// An array of its own with the bytes of a span.
    public init(copying span: borrowing Span<UInt8>) {
        // The bytes are copied before the closure returns.
        self = unsafe span.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
