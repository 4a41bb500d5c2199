import Cryptography
import Market
import Primitives
import Testing

@Suite struct `Record book limits` {
    typealias S = RecordSamples
    let key = RecordSamples.key(1)

    func offer(_ number: Int, _ sequence: UInt64, at offset: Int64 = 0, for life: Int64? = nil) throws -> SignedRecord {
        try S.signed(.offer(S.offer(number)), by: key, sequence: sequence, at: offset, for: life)
    }

    @Test func `an author has 64 offers of a class, those with the highest sequences`() throws {
        var story = BookStory()
        for number in 1...64 { #expect(story.admit(try offer(number, UInt64(100 + number))) == .admitted) }
        #expect(story.admit(try offer(65, 100)) == .dismissed(.authorQuota))
        #expect(story.book.recordCount == 64)
        story.changes = []
        #expect(story.admit(try offer(66, 200)) == .admitted)
        #expect(story.book.recordCount == 64)
        #expect(story.said().sorted() == ["appeared 66", "evicted 1"])
        // Machines and other classes have quotas of their own.
        #expect(story.admit(try S.signed(.machine(S.machine()), by: key, sequence: 1)) == .admitted)
        let elsewhere = S.offer(70, marketClass: .amdConsumer)
        #expect(story.admit(try S.signed(.offer(elsewhere), by: key, sequence: 1)) == .admitted)
        // What a limit pushed out left no floor: with room again the same record is welcome.
        #expect(story.book.floorCount == 0)
    }

    @Test func `an eviction restores the floor that guarded the subject before`() throws {
        var story = BookStory()
        story.admit(try offer(1, 50, for: 1_000))
        story.expire(at: 1_000)
        #expect(story.book.floorCount == 1)
        story.admit(try offer(1, 51), at: 1_000)
        #expect(story.book.floorCount == 0)
        for number in 2...65 { story.admit(try offer(number, UInt64(100 + number)), at: 1_000) }
        #expect(story.book.floorCount == 1)
        #expect(story.admit(try offer(1, 50), at: 1_000) == .dismissed(.stale))
    }

    @Test func `an author leaves at most 256 floors behind, the lowest go first`() throws {
        var story = BookStory()
        for number in 0..<300 {
            let offset = Int64(number) * 10
            story.admit(try offer(number, UInt64(1 + number), at: offset, for: 5), at: offset)
            story.expire(at: offset + 5)
        }
        #expect(story.book.floorCount == RecordBook.floorsPerAuthorMax)
        #expect(story.book.isStale(try offer(299, 300)))
        #expect(!story.book.isStale(try offer(0, 1)))
    }

    @Test func `a full table of floors gives up the one that ends first`() throws {
        var config = RecordBookConfig()
        config.floorCountMax = 3
        var story = BookStory(config: config)
        for number in 1...5 {
            let offset = Int64(number) * 10
            let record = try S.signed(.offer(S.offer()), by: S.key(number), sequence: 1, at: offset, for: 5)
            story.admit(record, at: offset)
            story.expire(at: offset + 5)
        }
        #expect(story.book.floorCount == 3)
        let dropped = story.changes.count { if case .dropFloor = $0 { true } else { false } }
        #expect(dropped == 2)
    }

    @Test func `a full segment keeps the authors with the lowest rank of the day`() throws {
        var config = RecordBookConfig()
        config.segmentByteCountMax = 40_000
        var story = BookStory(config: config)
        let segment = Segment(marketClass: .other, shard: 0)
        var authors: [Ed25519.PublicKey] = []
        for number in 0..<300 {
            let record = try S.signed(.offer(S.offer(1, marketClass: .other)), by: S.key(number), sequence: 1)
            authors.append(record.author)
            story.admit(record)
            #expect(story.book.byteCount(of: segment) <= 40_000)
        }
        let cut = try #require(story.book.cut(of: segment, at: S.start))
        // 19675 whole days lie before the samples' start.
        let day: [UInt8] = [0, 0, 0, 0, 0, 0, 0x4c, 0xdb]
        let kept = Set(story.book.listings.map(\.provider))
        for author in authors {
            let rank = try #require(RecordID(SHA256.hash(day + author.bytes)))
            #expect(kept.contains(author) == (rank < cut.rank))
        }
        #expect(kept.count > 80)
        // Tomorrow others are left out.
        #expect(story.book.cut(of: segment, at: S.start + S.day) == nil)
        let refused = try #require(authors.indices.first { !kept.contains(authors[$0]) })
        let again = try S.signed(.offer(S.offer(1, marketClass: .other)), by: S.key(refused), sequence: 2)
        #expect(story.admit(again) == .dismissed(.segmentFull))
        let tomorrow = try S.signed(.offer(S.offer(1, marketClass: .other)), by: S.key(refused), sequence: 3, at: S.day)
        story.expire(at: S.day)
        #expect(story.admit(tomorrow, at: S.day) == .admitted)
    }

    @Test func `the whole book has a limit, for which its heaviest segment pays`() throws {
        var config = RecordBookConfig()
        config.memoryByteCountMax = 100_000
        var story = BookStory(config: config)
        story.admit(try S.signed(.offer(S.offer(2, marketClass: .amdConsumer)), by: key, sequence: 1))
        for number in 0..<80 {
            story.admit(try S.signed(.offer(S.offer(1, marketClass: .other)), by: S.key(number), sequence: 1))
            #expect(story.book.memoryByteCount <= 100_000)
        }
        #expect(story.book.listings.contains { $0.offer.marketClass == .amdConsumer })
        #expect(story.book.cut(of: Segment(marketClass: .other, shard: 0), at: S.start) != nil)
    }

    @Test func `a burst of expiries is worked off in steps`() throws {
        var story = BookStory()
        let count = RecordBook.expiriesPerStepMax + 10
        for number in 0..<count {
            let body = RecordBody.presence(S.presence(of: [], high: 0, marketClass: .other))
            let record = try S.signed(body, by: S.key(number), sequence: 1)
            _ = story.book.admit(record, at: S.start, into: &story.changes)
        }
        story.changes = []
        let end = S.start + 30 * S.minute
        story.book.expire(at: end, into: &story.changes)
        #expect(story.book.recordCount == 10)
        #expect(try #require(story.book.nextDeadline) <= end)
        story.book.expire(at: end, into: &story.changes)
        #expect(story.book.recordCount == 0)
        story.book.checkInvariants()
    }

    @Test func `a page of a rare selection ends after 4096 subjects`() throws {
        var story = BookStory()
        for number in 0..<RecordBook.subjectsPerPageMax + 5 {
            let body = RecordBody.presence(S.presence(of: [], high: 0, marketClass: .other))
            _ = story.book.admit(
                try S.signed(body, by: S.key(number), sequence: 1),
                at: S.start,
                into: &story.changes
            )
        }
        let first = story.book.page(countMax: 10, byteCountMax: 10_000) { _ in false }
        #expect(first.records.isEmpty && first.next != nil)
        let second = story.book.page(after: first.next, countMax: 10, byteCountMax: 10_000) { _ in false }
        #expect(second.records.isEmpty && second.next == nil)
    }
}
