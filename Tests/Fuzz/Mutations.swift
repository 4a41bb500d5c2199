import Primitives

/// Inputs near those of a corpus: a few bytes are others, away, doubled, or those of another input.
struct Mutations {
    private let inputs: [[UInt8]]
    private var random: SeededRandom

    private static let byteCountMax = 4_096
    private static let changeCountMax = 4
    /// Bytes that lengths, tags and signs turn on.
    private static let edges: [UInt8] = [0, 1, 0x7f, 0x80, 0xfe, 0xff]

    init(of inputs: [[UInt8]], random: SeededRandom) {
        precondition(!inputs.isEmpty)
        (self.inputs, self.random) = (inputs, random)
    }

    mutating func next() -> [UInt8] {
        var bytes = inputs[random.below(inputs.count)]
        for _ in 0...random.below(Self.changeCountMax) { change(&bytes) }
        return Array(bytes.prefix(Self.byteCountMax))
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return bytes = random.bytes(1 + random.below(16)) }
        let place = random.below(bytes.count)
        switch random.below(7) {
        case 0: bytes[place] ^= 1 << UInt8(random.below(8))
        case 1: bytes[place] = Self.edges[random.below(Self.edges.count)]
        case 2: bytes[place] = UInt8(random.below(256))
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(16)))
        case 4: bytes.insert(contentsOf: random.bytes(1 + random.below(8)), at: place)
        case 5: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + random.below(64))], at: place)
        default:
            let other = inputs[random.below(inputs.count)]
            guard !other.isEmpty else { return }
            bytes.replaceSubrange(place..., with: other[random.below(other.count)...])
        }
    }
}
