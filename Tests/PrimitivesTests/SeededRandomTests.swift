import Testing

@testable import Primitives

@Suite struct `Seeded random` {
    private func random(_ seed: UInt8) -> SeededRandom {
        SeededRandom(seed: [UInt8](repeating: seed, count: 32))
    }

    /// RFC 8439, appendix A.1, test vectors 1, 2 and 4 (all-zero nonce): key, counter, key stream.
    @Test(
        arguments: [
            (
                [UInt8](repeating: 0, count: 32), 0,
                """
                76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7
                da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586
                """
            ),
            (
                [UInt8](repeating: 0, count: 32), 1,
                """
                9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed
                29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f
                """
            ),
            (
                [0x00, 0xff] + [UInt8](repeating: 0, count: 30), 2,
                """
                72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca
                13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096
                """
            ),
        ] as [([UInt8], UInt32, String)]
    )
    func `its engine is the block function of RFC 8439`(_ key: [UInt8], _ counter: UInt32, _ stream: String) {
        var block: [UInt8] = []
        ChaCha20Block.append(key: ChaCha20Block.Key(bytes: key[...]), counter: counter, to: &block)
        let text = block.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(text == stream.split(separator: "\n").joined())
    }

    /// Golden: simulations of long ago must repeat themselves.
    ///
    /// The values come from a second implementation. Whoever changes a value here breaks every recorded seed.
    @Test func `its draws are pinned`() {
        var random = random(7)
        #expect(random.bytes(8) == [69, 193, 67, 219, 185, 96, 156, 34])
        #expect(random.next() == 8545961352640693675)
        #expect((0..<12).map { _ in random.below(100) } == [35, 36, 95, 72, 10, 10, 66, 59, 77, 9, 94, 97])
        var order = Array(0..<10)
        random.shuffle(&order)
        #expect(order == [5, 4, 1, 8, 7, 6, 9, 0, 3, 2])
        var child = random.split()
        #expect(child.next() == 2497465696239479329)
        #expect(random.next() == 6594487813392651987)
        #expect(random.sample(Array(0..<20), 4) == [9, 14, 18, 7])
        #expect(random.unit() == 0xdde407c1006a0p-53)
    }

    @Test func `the first bytes are those behind the next key`() {
        let seed = [UInt8](repeating: 9, count: 32)
        var block: [UInt8] = []
        ChaCha20Block.append(key: ChaCha20Block.Key(bytes: seed[...]), counter: 0, to: &block)
        var random = SeededRandom(seed: seed)
        #expect(random.bytes(32) == Array(block[32...]))
    }

    @Test func `a refill starts from the key of the stream before`() {
        let seed = [UInt8](repeating: 9, count: 32)
        var (stream, next): ([UInt8], [UInt8]) = ([], [])
        for counter in 0..<4 as Range<UInt32> {
            ChaCha20Block.append(key: ChaCha20Block.Key(bytes: seed[...]), counter: counter, to: &stream)
        }
        ChaCha20Block.append(key: ChaCha20Block.Key(bytes: stream[..<32]), counter: 0, to: &next)
        var random = SeededRandom(seed: seed)
        #expect(random.bytes(224) == Array(stream[32...]))
        #expect(random.bytes(32) == Array(next[32...]))
    }

    @Test func `a child's draws do not shift its parent's`() {
        var (first, second) = (random(1), random(1))
        var child = first.split()
        _ = second.split()
        _ = child.bytes(1000)
        #expect(first.next() == second.next())
        #expect(child.next() != first.next())
    }

    @Test(arguments: [1, 2, 3, 7, 10, 255, 1 << 40, Int.max])
    func `bounded draws stay below their bound`(_ bound: Int) {
        var random = random(2)
        for _ in 0..<200 {
            let draw = random.below(bound)
            #expect((0..<bound).contains(draw))
        }
    }

    @Test func `small bounds are drawn evenly`() {
        var random = random(3)
        var counts = [0, 0, 0, 0, 0]
        for _ in 0..<5000 { counts[random.below(5)] += 1 }
        // Five standard deviations of a binomial with n = 5000, p = 1/5 are 141.
        #expect(counts.allSatisfy { abs($0 - 1000) <= 141 })
    }

    @Test func `chances, shares and jitter keep their ranges`() {
        var random = random(4)
        for _ in 0..<200 {
            let (never, always) = (random.chance(0, in: 3), random.chance(3, in: 3))
            #expect(!never && always)
            let (share, length) = (random.unit(), random.jittered(.seconds(10), by: 0.2))
            #expect((0..<1).contains(share))
            #expect((Duration.seconds(8)...Duration.seconds(12)).contains(length))
        }
    }

    @Test(arguments: [0, 1, 2, 30])
    func `a shuffle keeps the elements and a sample takes different ones`(_ count: Int) {
        var random = random(5)
        var order = Array(0..<count)
        random.shuffle(&order)
        #expect(order.sorted() == Array(0..<count))
        let sample = random.sample(order, 10)
        #expect(sample.count == min(10, count))
        #expect(Set(sample).count == sample.count)
        let none = random.sample(order, 0)
        #expect(none.isEmpty)
    }
}
