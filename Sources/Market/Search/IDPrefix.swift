/// The first hexadecimal digits of an id, compared without writing every row's id as text.
struct IDPrefix {
    private let nibbles: [UInt8]

    /// Reads digits that the query's reader has already found to be hexadecimal.
    init(_ text: String) {
        nibbles = text.compactMap { $0.hexDigitValue.map { UInt8($0) } }
    }

    func begins(_ id: [UInt8]) -> Bool {
        guard nibbles.count <= id.count * 2 else { return false }
        return nibbles.indices.allSatisfy { index in
            let byte = id[index / 2]
            return nibbles[index] == (index.isMultiple(of: 2) ? byte >> 4 : byte & 0x0F)
        }
    }
}
