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

    /// Six thousand ranges without an id: the answer stops at its bound, and asks for the rest by one fingerprint.
    @Test(arguments: [0, 400]) func `an answer to many empty lists keeps to its bound`(count: Int) throws {
        let index = ReconciliationIndex((0..<count).map { .sample($0, at: 10_000 + $0) })
        var writer = ReconciliationWriter()
        for time in UInt64(1)...6_000 {
            writer.append(RangeBound(timestamp: time, prefix: .zero, prefixByteCount: 0), .ids([]))
        }
        for byteCountMax in [1_000, 4_000] {
            let answer = try RangeReconciliation.answer(writer.bytes.span, index, byteCountMax: byteCountMax)
            #expect(answer.count > byteCountMax - 250 && answer.count <= byteCountMax)
            let last = try #require(try ReconciliationMessage.parse(answer.span).last)
            let all = index.sum(in: 0..<count).fingerprint
            #expect(last == ReconciliationRange(upperBound: .infinity, claim: .fingerprint(all)))
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

/// What two nodes pay for knowing each other's sets.
@Suite struct `The price of a difference` {
    private static let all = (0..<39_000).map { ReconciliationItem.sample($0, at: $0 * 2_200) }

    /// Scenario S-23: 39,000 against 39,000 minus the newest 1,000; every id that is missing is named once more to fetch it.
    @Test func `of a thousand recent elements is below a hundred kilobytes and eight messages`() throws {
        let (whole, part) = (ReconciliationIndex(Self.all), ReconciliationIndex(Self.all.dropLast(1_000)))
        let parts = [RangeReconciliation.Part(upTo: 40_000_000, isCompared: true), .init(upTo: .max, isCompared: true)]
        var question: [UInt8]? = RangeReconciliation.summary(part, of: parts)
        var (messages, missing): ([[UInt8]], Set<ItemID>) = ([], [])
        while let asked = question {
            let answer = try RangeReconciliation.answer(asked.span, whole)
            let lesson = try RangeReconciliation.learn(answer.span, part)
            #expect(lesson.surplus.isEmpty)
            missing.formUnion(lesson.missing.map(\.id))
            messages += [asked, answer]
            question = lesson.next
        }
        #expect(missing == Set(Self.all.suffix(1_000).map(\.id)))
        #expect(messages.count <= 8, "\(messages.count) messages")
        let byteCount = messages.reduce(0) { $0 + $1.count } + 1_000 * ItemID.byteCount
        #expect(byteCount <= 100_000, "\(byteCount) bytes")
    }

    @Test func `is one fingerprint for each part while there is none`() throws {
        let index = ReconciliationIndex(Self.all)
        let parts = [
            RangeReconciliation.Part(upTo: 1_000_000, isCompared: false),
            RangeReconciliation.Part(upTo: 3_000_000, isCompared: true),
        ]
        let question = RangeReconciliation.summary(index, of: parts, from: 500_000)
        #expect(question.count < 32)
        let other = ReconciliationIndex(Self.all.filter { (1_000_000..<3_000_000).contains($0.timestamp) })
        #expect(try RangeReconciliation.answer(question.span, other, from: 500_000) == [0x61])
        // What lies in the part alone is compared: one less, and it is found with the part's beginning.
        let lacking = ReconciliationIndex(Self.all.dropFirst(456).prefix(1))
        let answer = try RangeReconciliation.answer(question.span, lacking, from: 500_000)
        let lesson = try RangeReconciliation.learn(answer.span, index, from: 500_000)
        #expect(lesson.missing.isEmpty && lesson.surplus.count + (lesson.next?.count ?? 0) > 0)
    }

    @Test func `fits into a smaller message if it must`() throws {
        let (whole, part) = (ReconciliationIndex(Self.all.prefix(3_000)), ReconciliationIndex(Self.all.prefix(100)))
        var question: [UInt8]? = RangeReconciliation.opening(part)
        var missing: Set<ItemID> = []
        while let asked = question {
            let answer = try RangeReconciliation.answer(asked.span, whole, byteCountMax: 1_290)
            #expect(answer.count <= 1_290)
            let lesson = try RangeReconciliation.learn(answer.span, part, byteCountMax: 1_290)
            missing.formUnion(lesson.missing.map(\.id))
            question = lesson.next
        }
        #expect(missing.count == 2_900)
    }
}
