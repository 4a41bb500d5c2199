import Compression
import Primitives
import Testing

@Suite struct `An LZ4 block` {
    /// Worked by hand from the format's description: a token of 5 literals, then the literals.
    @Test func `holds short content as literals`() throws {
        #expect(LZ4Block.compress([1, 2, 3, 4, 5]) == [0x50, 1, 2, 3, 4, 5])
        #expect(try LZ4Block.decompress([0x50, 1, 2, 3, 4, 5], byteCount: 5) == [1, 2, 3, 4, 5])
    }

    /// One literal, a match of 19 + 80 at distance 1, then five literals, as every block ends.
    @Test func `repeats what came before`() throws {
        let block: [UInt8] = [0x1f, 7, 1, 0, 80, 0x50, 7, 7, 7, 7, 7]
        #expect(try LZ4Block.decompress(block, byteCount: 105) == Array(repeating: 7, count: 105))
    }

    @Test func `of nothing is one empty token`() throws {
        #expect(LZ4Block.compress([]) == [0])
        #expect(try LZ4Block.decompress([0], byteCount: 0) == [])
    }

    @Test(arguments: UInt8(1)...20)
    func `gives back any content, within its bound`(seed: UInt8) throws {
        var random = SeededRandom(seed: Array(repeating: seed, count: 32))
        for _ in 0..<10 {
            var content = random.bytes(random.below(600))
            if random.chance(1, in: 2) {
                content += content + content + Array(repeating: 9, count: random.below(9_000))
            }
            let block = LZ4Block.compress(content)
            #expect(block.count <= LZ4Block.bound(of: content.count))
            #expect(try LZ4Block.decompress(block, byteCount: content.count) == content)
        }
    }

    @Test func `of the longest content comes back`() throws {
        let content = (0..<LZ4Block.contentByteCountMax).map { UInt8(truncatingIfNeeded: $0 / 7) }
        #expect(try LZ4Block.decompress(LZ4Block.compress(content), byteCount: content.count) == content)
    }

    @Test func `that promises more than it can hold is refused before it is read`() {
        #expect(throws: LZ4Error.tooLong(1_021)) { try LZ4Block.decompress([0, 0, 0, 0], byteCount: 1_021) }
        #expect(throws: LZ4Error.tooLong((1 << 20) + 1)) {
            try LZ4Block.decompress(Array(repeating: 0, count: 1 << 20), byteCount: (1 << 20) + 1)
        }
        #expect(throws: LZ4Error.tooLong(-1)) { try LZ4Block.decompress([0], byteCount: -1) }
    }

    @Test func `of another length is refused`() {
        #expect(throws: LZ4Error.malformed) { try LZ4Block.decompress([0x50, 1, 2, 3, 4, 5], byteCount: 4) }
        #expect(throws: LZ4Error.malformed) { try LZ4Block.decompress([0x50, 1, 2, 3, 4, 5], byteCount: 6) }
        #expect(throws: LZ4Error.malformed) { try LZ4Block.decompress([], byteCount: 0) }
    }

    @Test(arguments: UInt8(1)...20)
    func `made by a stranger never traps`(seed: UInt8) {
        var random = SeededRandom(seed: Array(repeating: seed, count: 32))
        let honest = LZ4Block.compress(Array(repeating: 3, count: 2_000) + random.bytes(500))
        for _ in 0..<200 {
            var block = random.chance(1, in: 3) ? random.bytes(random.below(300)) : honest
            if !block.isEmpty { block[random.below(block.count)] ^= UInt8(1 << random.below(8)) }
            let said = random.below(4_000)
            if let content = try? LZ4Block.decompress(block, byteCount: said) { #expect(content.count == said) }
        }
    }
}
