internal import Primitives

/// The fields of one message, found but not yet believed.
///
/// Deliberately tolerant (of a repeated field the last counts, unknown fields are not looked at): the record's decoder encodes
/// what it understood and compares, so everything tolerated here is refused there. Bounds are checked before bytes are copied.
struct ParsedMessage {
    /// More than the largest body has: a machine with 32 devices and 16 runtimes.
    static let fieldCountMax = 96

    private let bytes: [UInt8]
    private let fields: [ProtobufField]

    init(_ bytes: [UInt8], fieldCountMax: Int = Self.fieldCountMax) throws(RecordError) {
        var found: [ProtobufField] = []
        do throws(ProtobufError) {
            var reader = ProtobufReader(bytes.span)
            while let field = try reader.next() {
                guard found.count < fieldCountMax else { throw .outOfBounds(field: field.number) }
                found.append(field)
            }
        } catch {
            throw .malformed(error)
        }
        self.bytes = bytes
        fields = found
    }

    /// The numbers of all fields, as they stand.
    var numbers: [Int] { fields.map(\.number) }

    /// The number in a field, 0 if it is absent.
    func uint(_ number: Int) throws(RecordError) -> WireInteger<UInt64> {
        guard let field = fields.last(where: { $0.number == number }) else { return WireInteger(0) }
        do { return try field.varint() } catch { throw .malformed(error) }
    }

    /// The number in a field if it lies within `bounds`; 0 if it is absent.
    func int(_ number: Int, _ name: String, in bounds: ClosedRange<Int>) throws(RecordError) -> Int {
        guard let value = try uint(number).int(in: bounds) else { throw .outOfBounds(name) }
        return value
    }

    func bool(_ number: Int, _ name: String) throws(RecordError) -> Bool {
        try int(number, name, in: 0...1) == 1
    }

    /// An enumeration's value; `nil` if the field is absent, an error if this version does not know the value.
    func value<Value: RawRepresentable<UInt8>>(_ number: Int, _ name: String) throws(RecordError) -> Value? {
        let raw = try uint(number).opaque
        guard raw != 0 else { return nil }
        guard let byte = UInt8(exactly: raw), let value = Value(rawValue: byte) else { throw .unknownValue(name) }
        return value
    }

    /// The bytes of a field, empty if it is absent.
    func bytes(_ number: Int, _ name: String, max: Int) throws(RecordError) -> [UInt8] {
        guard let field = fields.last(where: { $0.number == number }) else { return [] }
        return try bytes(of: field, name, max: max)
    }

    /// The bytes of every field of this number.
    func repeated(_ number: Int, _ name: String, countMax: Int, max: Int) throws(RecordError) -> [[UInt8]] {
        var values: [[UInt8]] = []
        for field in fields where field.number == number {
            guard values.count < countMax else { throw .outOfBounds(name) }
            values.append(try bytes(of: field, name, max: max))
        }
        return values
    }

    /// The text of a field, empty if it is absent.
    func text(_ number: Int, _ name: String, max: Int) throws(RecordError) -> String {
        try Self.text(bytes(number, name, max: max), name)
    }

    func texts(_ number: Int, _ name: String, countMax: Int, max: Int) throws(RecordError) -> [String] {
        var values: [String] = []
        for bytes in try repeated(number, name, countMax: countMax, max: max) {
            values.append(try Self.text(bytes, name))
        }
        return values
    }

    /// A nested message, empty if it is absent.
    func message(_ number: Int, _ name: String) throws(RecordError) -> ParsedMessage {
        try ParsedMessage(bytes(number, name, max: bytes.count))
    }

    /// The numbers of a packed field.
    func packed(_ number: Int, _ name: String, countMax: Int) throws(RecordError) -> [WireInteger<UInt64>] {
        // Ten bytes hold the longest varint.
        let packed = try bytes(number, name, max: 10 * countMax)
        var (values, value, shift): ([WireInteger<UInt64>], UInt64, UInt64) = ([], 0, 0)
        for byte in packed {
            // A ninth continuation would pass 63 bits; no field here is that wide.
            guard shift < 63 else { throw .outOfBounds(name) }
            value |= UInt64(byte & 0x7f) << shift
            shift += 7
            guard byte & 0x80 == 0 else { continue }
            guard values.count < countMax else { throw .outOfBounds(name) }
            values.append(WireInteger(value))
            (value, shift) = (0, 0)
        }
        guard shift == 0 else { throw .malformed(.truncated) }
        return values
    }

    private func bytes(of field: ProtobufField, _ name: String, max: Int) throws(RecordError) -> [UInt8] {
        do {
            return try field.bytes(of: bytes.span, byteCountMax: max)
        } catch {
            if case .outOfBounds = error { throw .outOfBounds(name) }
            throw .malformed(error)
        }
    }

    private static func text(_ bytes: [UInt8], _ name: String) throws(RecordError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .text(name) }
        try RecordText.check(text, name, max: bytes.count)
        return text
    }
}

/// The rules for text in records: bounded UTF-8 without control characters, not normalised, compared by bytes.
enum RecordText {
    static func check(_ text: String, _ name: String, min: Int = 0, max: Int) throws(RecordError) {
        guard (min...Swift.max(min, max)).contains(text.utf8.count) else { throw .outOfBounds(name) }
        guard isPlain(text) else { throw .text(name) }
    }

    /// Whether nothing of C0, delete or C1 is in it: what terminals obey.
    static func isPlain(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) }
    }

    /// Checks a set of texts: each within its bounds, ascending by bytes, unique.
    static func check(_ texts: [String], _ name: String, count: ClosedRange<Int>, max: Int) throws(RecordError) {
        guard count.contains(texts.count) else { throw .outOfBounds(name) }
        for text in texts { try check(text, name, min: 1, max: max) }
        guard isStrictlyAscending(texts, by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) else {
            throw .unsorted(name)
        }
    }

    /// Checks a code such as a country's: empty, or exactly two capital letters.
    static func checkCode(_ code: String, _ name: String) throws(RecordError) {
        guard code.isEmpty || code.utf8.count == 2 && code.utf8.allSatisfy({ (0x41...0x5a).contains($0) }) else {
            throw .outOfBounds(name)
        }
    }
}

/// Whether every element stands before its successor: sorted and unique at once.
func isStrictlyAscending<Element>(_ elements: [Element], by precedes: (Element, Element) -> Bool) -> Bool {
    zip(elements, elements.dropFirst()).allSatisfy { precedes($0, $1) }
}
