import Primitives
@testable import Reconciliation
import Testing

/// What must hold for every pair of sets, and for every message that a stranger may send.
@Suite struct `Reconciliation, whatever the sets` {
    private static func random(_ seed: UInt8) -> SeededRandom { SeededRandom(seed: Array(repeating: seed, count: 32)) }

    /// A set whose times and first bytes collide often.
    private static func items(_ count: Int, _ random: inout SeededRandom) -> [ReconciliationItem] {
        let spread = 1 + random.below(400)
        return (0..<count).compactMap { _ in
            var bytes = random.bytes(ItemID.byteCount)
            if random.chance(1, in: 2) { bytes.replaceSubrange(0..<26, with: Array(repeating: 7, count: 26)) }
            return ItemID(bytes).map { ReconciliationItem(timestamp: UInt64(random.below(spread)), id: $0) }
        }
    }

    @Test(arguments: UInt8(1)...12)
    func `both differences are found, exactly`(seed: UInt8) throws {
        var random = Self.random(seed)
        let common = Self.items(random.below(3_000), &random)
        let (ours, theirs) = (Self.items(random.below(300), &random), Self.items(random.below(300), &random))
        let talk = try Conversation(ReconciliationIndex(common + ours), ReconciliationIndex(theirs + common))
        let (left, right) = (Set((common + ours).map(\.id)), Set((common + theirs).map(\.id)))
        #expect(Set(talk.surplus) == left.subtracting(right), "seed \(seed)")
        #expect(Set(talk.missing) == right.subtracting(left), "seed \(seed)")
        #expect(talk.messages.allSatisfy { $0.count <= RangeReconciliation.messageByteCountMax })
        #expect(talk.messages.count <= 24)
    }

    @Test func `what lies before the cut is neither told nor asked for`() throws {
        var random = Self.random(40)
        let (left, right) = (Self.items(800, &random), Self.items(700, &random))
        let cut: UInt64 = 30
        let talk = try Conversation(ReconciliationIndex(left), ReconciliationIndex(right), from: cut)
        #expect(Set(talk.surplus) == Set(left.filter { $0.timestamp >= cut }.map(\.id)))
        #expect(Set(talk.missing) == Set(right.filter { $0.timestamp >= cut }.map(\.id)))
    }

    /// Twenty thousand against none: the list of all ids has more bytes than twenty messages.
    @Test func `a difference beyond one message comes in several`() throws {
        let all = ReconciliationIndex((0..<20_000).map { .sample($0, at: $0 / 3) })
        let talk = try Conversation(ReconciliationIndex(), all)
        #expect(Set(talk.missing).count == 20_000)
        #expect(talk.missing.count == 20_000)
        #expect(talk.messages.allSatisfy { $0.count <= RangeReconciliation.messageByteCountMax })
    }

    @Test(arguments: UInt8(1)...4)
    func `the index is a sorted set with true sums`(seed: UInt8) {
        var random = Self.random(seed)
        var (index, model): (ReconciliationIndex, Set<ReconciliationItem>) = (ReconciliationIndex(), [])
        let pool = Self.items(900, &random)
        for step in 0..<4_000 {
            let item = pool[random.below(pool.count)]
            if random.chance(step < 2_500 ? 7 : 3, in: 10) {
                #expect(index.insert(item) == model.insert(item).inserted)
            } else {
                #expect(index.remove(item) == (model.remove(item) != nil))
            }
            if step % 250 == 0 { index.checkInvariants() }
        }
        let sorted = model.sorted()
        #expect(index.items(in: 0..<index.count) == sorted)
        #expect(sorted.allSatisfy(index.contains))
        #expect(index.fingerprint(from: 0) == ReconciliationIndex(sorted).fingerprint(from: 0))
        for _ in 0..<20 where !sorted.isEmpty {
            let low = random.below(sorted.count)
            let high = low + random.below(sorted.count - low + 1)
            var sum = FingerprintSum()
            for item in sorted[low..<high] { sum.add(item.id) }
            #expect(index.sum(in: low..<high) == sum)
            #expect(index.position(of: RangeBound(at: sorted[low])) == low)
        }
    }

    @Test func `sums carry from limb to limb and back`() {
        var sum = FingerprintSum()
        let ones = ItemID(prefix: Array(repeating: 255, count: 32))
        var one = Array(repeating: UInt8(0), count: 32)
        one[0] = 1
        sum.add(ones)
        sum.add(ItemID(prefix: one))
        var zeroOfTwo = FingerprintSum()
        zeroOfTwo.add(.zero)
        zeroOfTwo.add(.zero)
        #expect(sum == zeroOfTwo)
        sum.subtract(ItemID(prefix: one))
        var alone = FingerprintSum()
        alone.add(ones)
        #expect(sum == alone)
    }

    @Test(arguments: UInt8(1)...16)
    func `no message of a stranger traps, and no answer outgrows its bound`(seed: UInt8) {
        var random = Self.random(seed)
        let index = ReconciliationIndex(Self.items(random.below(3_000), &random))
        let honest = RangeReconciliation.opening(ReconciliationIndex(Self.items(500, &random)))
        for _ in 0..<60 {
            var message = honest
            switch random.below(4) {
            case 0: message = [ReconciliationMessage.version] + random.bytes(random.below(300))
            case 1: message.removeLast(1 + random.below(message.count))
            case 2: message[random.below(message.count)] ^= UInt8(1 << random.below(8))
            default: message.insert(UInt8(random.below(256)), at: random.below(message.count))
            }
            guard let answer = try? RangeReconciliation.answer(message.span, index) else { continue }
            #expect(answer.count <= RangeReconciliation.messageByteCountMax)
            _ = try? RangeReconciliation.learn(message.span, index)
        }
    }

    static let refused: [(bytes: [UInt8], error: ReconciliationError)] = [
        ([], .empty),
        ([0x61, 0x00], .truncated),
        ([0x61, 0x80, 0x01, 0x00, 0x00], .varint),
        ([0x61] + Array(repeating: 0xff, count: 10) + [0x00], .varint),
        ([0x61, 0x00, 0x00, 0x03], .mode),
        ([0x61, 0x00, 0x00, 0x01, 0x09], .truncated),
        ([0x61, 0x00, 0x01, 0x09, 0x00], .bound),
        ([0x61, 0x01, 0x21, 0x00], .bound),
        // One range behind infinity.
        ([0x61, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00], .bound),
        // A second bound at the same time with a lower prefix.
        ([0x61, 0x02, 0x01, 0x05, 0x00, 0x01, 0x01, 0x04, 0x00], .bound),
        // A time beyond 64 bits: 1 + (2⁶⁴ − 2), then one more.
        ([0x61, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x00, 0x05, 0x00, 0x00], .bound),
        // A list of 2⁶² ids.
        ([0x61, 0x00, 0x00, 0x02, 0xc0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], .idCount),
        (Array(repeating: 0x61, count: (32 << 10) + 1), .tooLong),
    ]

    @Test(arguments: refused.indices)
    func `a malformed message is refused for its own reason`(row: Int) {
        let (bytes, error) = Self.refused[row]
        #expect(throws: error) { try RangeReconciliation.learn(bytes.span, ReconciliationIndex()) }
    }

    @Test func `another version is answered with ours`() throws {
        #expect(try RangeReconciliation.answer([0x62, 1, 2, 3].span, ReconciliationIndex()) == [0x61])
    }
}
