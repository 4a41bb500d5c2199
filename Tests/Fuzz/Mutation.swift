import Primitives

/// Makes inputs that are near to others, as a fuzzer does, but from a seed: what failed once fails again.
struct Mutation {
    /// Numbers at which decoders change their minds.
    private static let edges: [UInt8] = [0, 1, 2, 0x7f, 0x80, 0x81, 0xfe, 0xff, UInt8(ascii: "/"), UInt8(ascii: "\n")]
    private static let stepCountMax = 6
    private static let byteCountMax = 4_096

    private var random: SeededRandom

    init(seed: UInt64) {
        var bytes = [UInt8](repeating: 0, count: SeededRandom.seedByteCount)
        for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: seed >> (8 * UInt64(index))) }
        random = SeededRandom(seed: bytes)
    }

    /// A neighbour of one of the inputs, of which there is at least one.
    mutating func next(of inputs: [[UInt8]]) -> [UInt8] {
        var bytes = inputs[random.below(inputs.count)]
        for _ in 0...random.below(Self.stepCountMax) { change(&bytes, inputs) }
        return Array(bytes.prefix(Self.byteCountMax))
    }

    private mutating func change(_ bytes: inout [UInt8], _ inputs: [[UInt8]]) {
        guard !bytes.isEmpty else { return bytes = random.bytes(1 + random.below(16)) }
        let place = random.below(bytes.count)
        switch random.below(9) {
        case 0: bytes[place] ^= 1 << UInt8(random.below(8))
        case 1: bytes[place] = Self.edges[random.below(Self.edges.count)]
        case 2: bytes[place] = bytes[place] &+ (random.chance(1, in: 2) ? 1 : 255)
        case 3: bytes.insert(contentsOf: random.bytes(1 + random.below(4)), at: place)
        case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(8)))
        case 5: bytes.removeSubrange(place...)
        case 6:
            let piece = bytes[place..<min(bytes.count, place + 1 + random.below(64))]
            bytes.insert(contentsOf: piece, at: random.below(bytes.count + 1))
        case 7:
            // The longest number of a varint, and one byte more.
            bytes.insert(contentsOf: Array(repeating: 0xff, count: 8 + random.below(3)) + [1], at: place)
        default:
            let other = inputs[random.below(inputs.count)]
            bytes = bytes[..<place] + other[random.below(other.count + 1)...]
        }
    }
}
