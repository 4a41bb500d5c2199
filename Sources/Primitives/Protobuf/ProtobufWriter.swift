/// Writes protobuf fields in the order in which it is called.
///
/// The canonical form of a message (ascending field numbers, minimal varints, no default values) is what comes out when its
/// codec calls these methods in ascending order and skips defaults; `varint`, `bytes` and `text` skip them themselves, the
/// `required` forms write them too.
public struct ProtobufWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// Writes a number unless it is zero.
    public mutating func varint(_ number: Int, _ value: UInt64) {
        if value != 0 { requiredVarint(number, value) }
    }

    public mutating func requiredVarint(_ number: Int, _ value: UInt64) {
        tag(number, wireType: 0)
        appendVarint(value)
    }

    /// Writes `true`; leaves `false` out.
    public mutating func bool(_ number: Int, _ value: Bool) {
        varint(number, value ? 1 : 0)
    }

    /// Writes a signed number in zigzag form (`sint64`) unless it is zero.
    public mutating func zigzag(_ number: Int, _ value: Int64) {
        varint(number, UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// Writes bytes unless they are empty.
    public mutating func bytes(_ number: Int, _ value: some Collection<UInt8>) {
        if !value.isEmpty { requiredBytes(number, value) }
    }

    public mutating func requiredBytes(_ number: Int, _ value: some Collection<UInt8>) {
        tag(number, wireType: 2)
        appendVarint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// As above; nearly all that is written are arrays, and to copy one needs no generic code.
    public mutating func requiredBytes(_ number: Int, _ value: [UInt8]) {
        tag(number, wireType: 2)
        appendVarint(UInt64(value.count))
        bytes += value
    }

    /// As above for arrays.
    public mutating func bytes(_ number: Int, _ value: [UInt8]) {
        if !value.isEmpty { requiredBytes(number, value) }
    }

    /// Writes text unless it is empty.
    public mutating func text(_ number: Int, _ value: String) {
        if !value.isEmpty { requiredBytes(number, Array(value.utf8)) }
    }

    /// Writes a nested message, also when it is empty.
    ///
    /// In place: its length is not known before, so one byte is kept for it, which is enough up to 127 bytes.
    public mutating func message(_ number: Int, _ write: (inout ProtobufWriter) -> Void) {
        tag(number, wireType: 2)
        let start = bytes.count
        bytes.append(0)
        write(&self)
        let count = bytes.count - start - 1
        if count < 0x80 {
            bytes[start] = UInt8(count)
        } else {
            var length = ProtobufWriter()
            length.appendVarint(UInt64(count))
            bytes.replaceSubrange(start...start, with: length.bytes)
        }
    }

    /// Writes a repeated scalar in packed form unless it has no elements.
    public mutating func packedVarints(_ number: Int, _ values: some Collection<UInt64>) {
        guard !values.isEmpty else { return }
        var packed = ProtobufWriter()
        for value in values { packed.appendVarint(value) }
        requiredBytes(number, packed.bytes)
    }

    private mutating func tag(_ number: Int, wireType: UInt64) {
        precondition((1...0x1fff_ffff).contains(number))
        appendVarint(UInt64(number) << 3 | wireType)
    }

    private mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
