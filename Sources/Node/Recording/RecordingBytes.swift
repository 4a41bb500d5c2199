/// Why a recording cannot be read.
public enum RecordingError: Error, Hashable, Sendable {
    /// The bytes end within a value.
    case truncated
    /// A number, a length or a kind that no recording of this version holds.
    case senseless
    /// More than one entry may hold.
    case tooLong
}

/// Values one behind the other, without names: the reader takes them in the order in which they were written.
struct RecordingWriter {
    private(set) var bytes: [UInt8] = []

    /// Seven bits a byte, the lowest first; all 64 bits.
    mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func count(_ value: Int) { number(UInt64(value)) }

    mutating func signed(_ value: Int64) { number(UInt64(bitPattern: value << 1 ^ value >> 63)) }

    mutating func flag(_ value: Bool) { number(value ? 1 : 0) }

    mutating func bytes(_ value: some Collection<UInt8>) {
        count(value.count)
        bytes += value
    }

    mutating func text(_ value: String) { bytes(Array(value.utf8)) }

    mutating func list<Element>(_ values: [Element], _ write: (inout RecordingWriter, Element) -> Void) {
        count(values.count)
        for value in values { write(&self, value) }
    }

    mutating func optional<Value>(_ value: Value?, _ write: (inout RecordingWriter, Value) -> Void) {
        flag(value != nil)
        if let value { write(&self, value) }
    }
}

/// Takes values out of bytes that anybody may have changed: every length is held against what is there.
struct RecordingReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func number() throws(RecordingError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard offset < bytes.count else { throw .truncated }
            let byte = bytes[offset]
            offset += 1
            // The tenth byte holds the last bit of 64.
            guard shift < 63 || byte <= 1 else { throw .senseless }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw .senseless
    }

    mutating func count() throws(RecordingError) -> Int {
        guard let value = Int(exactly: try number()) else { throw .senseless }
        return value
    }

    mutating func signed() throws(RecordingError) -> Int64 {
        let value = try number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func flag() throws(RecordingError) -> Bool {
        switch try number() {
        case 0: return false
        case 1: return true
        default: throw .senseless
        }
    }

    mutating func byteArray() throws(RecordingError) -> [UInt8] {
        let count = try count()
        guard count <= bytes.count - offset else { throw .truncated }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    mutating func text() throws(RecordingError) -> String {
        guard let text = String(validating: try byteArray(), as: UTF8.self) else { throw .senseless }
        return text
    }

    /// No element is shorter than a byte, so a count above what is left is a lie.
    mutating func list<Element>(
        _ read: (inout RecordingReader) throws(RecordingError) -> Element
    ) throws(RecordingError) -> [Element] {
        let count = try count()
        guard count <= bytes.count - offset else { throw .truncated }
        var values: [Element] = []
        for _ in 0..<count { values.append(try read(&self)) }
        return values
    }

    mutating func optional<Value>(
        _ read: (inout RecordingReader) throws(RecordingError) -> Value
    ) throws(RecordingError) -> Value? {
        try flag() ? try read(&self) : nil
    }

    /// A value that its own type may refuse.
    mutating func checked<Value>(
        _ read: (inout RecordingReader) throws(RecordingError) -> Value?
    ) throws(RecordingError) -> Value {
        guard let value = try read(&self) else { throw .senseless }
        return value
    }
}
