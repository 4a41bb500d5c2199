internal import Primitives

extension SeededRandom {
    init(_ seed: UInt8) {
        self.init(seed: [UInt8](repeating: seed, count: Self.seedByteCount))
    }
}

extension Array where Element == UInt8 {
    /// Reads hexadecimal digits; `nil` if there is anything else or an odd number of them.
    init?(hexadecimal text: String) {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
        self = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// The bytes in pieces of random length, at most `pieceMax` bytes each.
    func pieces(_ random: inout SeededRandom, pieceMax: Int = .max) -> [[UInt8]] {
        var rest = self[...]
        var pieces: [[UInt8]] = []
        while !rest.isEmpty {
            pieces.append([UInt8](rest.prefix(1 + random.below(Swift.min(rest.count, pieceMax)))))
            rest = rest.dropFirst(pieces[pieces.count - 1].count)
        }
        return pieces
    }
}
