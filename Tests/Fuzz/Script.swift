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
}
