import Primitives
import Testing

@Suite struct `Unsigned varint` {
    /// multiformats/unsigned-varint, README, and the limits of its prose: nine bytes, 63 bits.
    static let vectors: [(Int, [UInt8])] = [
        (0, [0x00]),
        (1, [0x01]),
        (127, [0x7f]),
        (128, [0x80, 0x01]),
        (255, [0xff, 0x01]),
        (300, [0xac, 0x02]),
        (16384, [0x80, 0x80, 0x01]),
        (Int.max, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
    ]

    @Test(arguments: vectors)
    func `the vectors go both ways`(_ value: Int, _ bytes: [UInt8]) throws {
        var written: [UInt8] = []
        UnsignedVarint.append(value, to: &written)
        #expect(written == bytes)
        #expect(UnsignedVarint.byteCount(of: value) == bytes.count)
        var offset = 0
        #expect(try UnsignedVarint.read(from: bytes.span, at: &offset).opaque == UInt64(value))
        #expect(offset == bytes.count)
    }

    @Test(
        arguments: [
            ([], .truncated),
            ([0x80], .truncated),
            ([UInt8](repeating: 0xff, count: 8), .truncated),
            ([0x80, 0x00], .notMinimal),
            ([0xff, 0x80, 0x00], .notMinimal),
            ([UInt8](repeating: 0x80, count: 8) + [0x00], .notMinimal),
            ([UInt8](repeating: 0x80, count: 9), .tooLong),
            ([UInt8](repeating: 0xff, count: 9) + [0x01], .tooLong),
            ([UInt8](repeating: 0x80, count: 10) + [0x00], .tooLong),
        ] as [([UInt8], UnsignedVarintError)]
    )
    func `what is not one number is refused and moves nothing`(_ bytes: [UInt8], _ expected: UnsignedVarintError) {
        var offset = 0
        #expect(throws: expected) { try UnsignedVarint.read(from: bytes.span, at: &offset) }
        #expect(offset == 0)
    }

    @Test(arguments: [1, 2, 3] as [UInt8])
    func `random numbers of every length come back from the middle of other bytes`(_ seed: UInt8) throws {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        for _ in 0..<300 {
            let value = Int(random.next() >> UInt64(1 + random.below(63)))
            var bytes = random.bytes(random.below(4))
            let start = bytes.count
            UnsignedVarint.append(value, to: &bytes)
            let end = bytes.count
            bytes += random.bytes(random.below(4))
            var offset = start
            #expect(try UnsignedVarint.read(from: bytes.span, at: &offset).int(in: 0...Int.max) == value)
            #expect(offset == end)
        }
    }

    @Test(arguments: [4, 5, 6] as [UInt8])
    func `random bytes are refused or are exactly what would be written`(_ seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        for _ in 0..<2000 {
            let bytes = random.bytes(random.below(12)).map { random.chance(1, in: 2) ? $0 | 0x80 : $0 }
            var offset = 0
            guard let value = try? UnsignedVarint.read(from: bytes.span, at: &offset) else { continue }
            var written: [UInt8] = []
            UnsignedVarint.append(value.int(clampedTo: .max), to: &written)
            #expect(written == Array(bytes.prefix(offset)))
        }
    }
}

@Suite struct `Wire integer` {
    @Test func `leaves through a bound alone`() {
        let wire = WireInteger(UInt64(10))
        #expect(wire.int(in: 0...10) == 10)
        #expect(wire.int(in: 0...9) == nil)
        #expect(wire.int(in: 11...20) == nil)
        #expect(wire.int(clampedTo: 7) == 7)
        #expect(wire.int(clampedTo: 70) == 10)
        #expect(wire.opaque == 10)
    }

    @Test func `the largest number of a stranger fits nowhere and stops nothing`() {
        let wire = WireInteger(UInt64.max)
        #expect(wire.int(in: 0...Int.max) == nil)
        #expect(wire.int(in: Int.min...Int.max) == nil)
        #expect(wire.int(clampedTo: 3600) == 3600)
        #expect(wire.int(clampedTo: 0) == 0)
    }
}
