/// Reads an input as a script: what the fuzzer changes in a byte becomes a different move.
struct Script {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { offset >= bytes.count }

    mutating func byte() -> UInt8? {
        guard !isAtEnd else { return nil }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// A number below `bound`, from one byte; 0 at the end.
    mutating func below(_ bound: Int) -> Int { Int(byte() ?? 0) % bound }

    /// A piece with its length in front, in two bytes, cut at the end of the input.
    mutating func piece() -> [UInt8] {
        let wished = Int(byte() ?? 0) << 8 | Int(byte() ?? 0)
        let end = min(bytes.count, offset + wished % 8_192)
        defer { offset = end }
        return Array(bytes[offset..<end])
    }

    /// All that is left.
    mutating func rest() -> [UInt8] {
        defer { offset = bytes.count }
        return Array(bytes[min(offset, bytes.count)...])
    }

    /// A whole number of eight bytes, high byte first.
    mutating func wide() -> Int64 {
        Int64(bitPattern: (0..<8).reduce(0) { number, _ in number << 8 | UInt64(byte() ?? 0) })
    }
}

/// How a message departs from what an honest party would say here: at most three of its numbers are others.
///
/// A script that has ended twists nothing, so every prefix of it is honest in what it leaves out.
struct Twists {
    private var changes: [(field: Int, kind: Int, amount: Int64)] = []

    init(_ script: inout Script) {
        for _ in 0..<script.below(4) {
            changes.append((field: script.below(16), kind: script.below(8), amount: script.wide()))
        }
    }

    /// Never negative: what travels has no sign.
    func number(_ field: Int, _ honest: Int64) -> Int64 {
        guard let change = changes.first(where: { $0.field == field }) else { return honest }
        return switch change.kind {
        case 0: 0
        case 1: 1
        case 2: max(0, honest &- 1)
        case 3: max(0, honest &+ 1)
        case 4: .max
        case 5: max(0, honest &+ change.amount % 3_600_000)
        case 6: max(0, honest &* 2)
        default: max(0, change.amount)
        }
    }

    func int(_ field: Int, _ honest: Int) -> Int { Int(number(field, Int64(honest))) }

    /// Whether this field is another than it should be.
    func touch(_ field: Int) -> Bool { changes.contains { $0.field == field } }
}
