import Primitives

/// What a hostile or broken sender makes of good bytes: cut, lengthened, bits flipped, pieces replaced, or noise.
func damaged(_ bytes: [UInt8], by random: inout SeededRandom) -> [UInt8] {
    var bytes = bytes
    switch random.below(5) {
    case 0:
        return Array(bytes.prefix(random.below(bytes.count + 1)))
    case 1:
        return bytes + random.bytes(1 + random.below(4))
    case 2:
        for _ in 0...random.below(3) where !bytes.isEmpty {
            bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
        }
        return bytes
    case 3:
        let start = random.below(bytes.count + 1)
        let end = min(bytes.count, start + random.below(4))
        bytes.replaceSubrange(start..<end, with: random.bytes(random.below(4)))
        return bytes
    default:
        return random.bytes(random.below(80))
    }
}
