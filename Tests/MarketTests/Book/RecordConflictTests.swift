import Cryptography
import Market
import Primitives
import Testing

/// The first half of S-22: two bodies of one sequence are a conflict, not a crime.
@Suite struct `Record conflicts` {
    typealias S = RecordSamples
    let key = RecordSamples.key(1)
    let finder = RecordSamples.key(2)

    /// Rivals in ascending order of their ids.
    func rivals(_ count: Int, sequence: UInt64 = 5, for life: Int64? = nil) throws -> [SignedRecord] {
        try (1...count).map {
            try S.signed(.offer(S.offer(price: Int64($0))), by: key, sequence: sequence, for: life)
        }.sorted { $0.id < $1.id }
    }

    func conflict(
        _ one: SignedRecord,
        _ other: SignedRecord,
        by finder: Ed25519.PrivateKey,
        at offset: Int64 = 0
    ) throws
        -> SignedRecord
    {
        let body = try #require(ConflictBody(one, other))
        return try S.signed(.conflict(body), by: finder, sequence: 1_000, at: offset)
    }

    @Test func `two bodies to two nodes: both hold the conflict and show neither, until a higher sequence`() throws {
        let pair = try rivals(2)
        var (left, right) = (BookStory(), BookStory())
        left.admit(pair[0])
        right.admit(pair[1])
        // The nodes meet: one hears the other's record, finds the conflict and publishes it.
        left.admit(pair[1])
        #expect(left.said() == ["appeared 1", "hidden 1"])
        let body = try #require(left.book.unpublishedConflict(over: pair[0].subject))
        let published = try S.signed(.conflict(body), by: finder, sequence: 1)
        left.admit(published)
        #expect(right.admit(published) == .admitted)
        #expect(right.said() == ["appeared 1", "hidden 1"])
        for story in [left, right] {
            #expect(story.book.listings.isEmpty)
            #expect(story.book.recordCount == 3)
            #expect(story.book.current(pair[0].subject) == nil)
            #expect(story.book.unpublishedConflict(over: pair[0].subject) == nil)
        }
        let healed = try S.signed(.offer(S.offer(price: 9)), by: key, sequence: 6)
        left.admit(healed)
        right.admit(healed)
        #expect(left.said() == ["appeared 1"] && right.said() == ["appeared 1"])
    }

    @Test func `who finds a conflict is told once, who hears of one is not`() throws {
        let trio = try rivals(3)
        var finding = BookStory()
        for record in trio.reversed() { finding.admit(record) }
        let found = finding.changes.count { if case .conflictFound = $0 { true } else { false } }
        #expect(found == 1)
        var hearing = BookStory()
        hearing.admit(trio[0])
        hearing.admit(try conflict(trio[0], trio[1], by: finder))
        let heard = hearing.changes.count { if case .conflictFound = $0 { true } else { false } }
        #expect(heard == 0)
    }

    @Test(arguments: 0..<6) func `the two lowest ids stay, whatever came first`(seed: Int) throws {
        var (random, story) = (S.random(seed), BookStory())
        let bodies = try rivals(5)
        var shuffled = bodies
        random.shuffle(&shuffled)
        for record in shuffled { story.admit(record) }
        #expect(story.book.recordCount == 2)
        #expect(story.book.contains(bodies[0].id) && story.book.contains(bodies[1].id))
        #expect(story.admit(bodies[4]) == .dismissed(.surplusRival))
    }

    @Test func `of several conflicts the lowest id is kept, later ones are not passed on`() throws {
        let pair = try rivals(2)
        let conflicts = try (2...5).map { try conflict(pair[0], pair[1], by: S.key($0)) }.sorted { $0.id < $1.id }
        var story = BookStory()
        #expect(story.admit(conflicts[2]) == .admitted)
        #expect(story.admit(conflicts[3]) == .dismissed(.knownConflict))
        #expect(!story.book.contains(conflicts[3].id))
        #expect(story.admit(conflicts[0]) == .dismissed(.knownConflict))
        #expect(story.book.contains(conflicts[0].id) && !story.book.contains(conflicts[2].id))
    }

    @Test func `a conflict over expired bodies still hides an older one that arrives late`() throws {
        let pair = try rivals(2, for: 1_000)
        var story = BookStory()
        story.admit(try conflict(pair[0], pair[1], by: finder, at: 2_000), at: 2_000)
        #expect(story.book.recordCount == 1)
        story.admit(try S.signed(.offer(S.offer()), by: key, sequence: 4), at: 2_000)
        #expect(story.book.recordCount == 2)
        #expect(story.book.listings.isEmpty)
        #expect(story.said() == [])
        story.admit(try S.signed(.offer(S.offer()), by: key, sequence: 6), at: 2_000)
        #expect(story.said() == ["appeared 1"])
    }

    @Test func `rivals leave together, so that half a conflict never becomes an offer`() throws {
        let long = try S.signed(.offer(S.offer(price: 1)), by: key, sequence: 5)
        let short = try S.signed(.offer(S.offer(price: 2)), by: key, sequence: 5, for: 1_000)
        var story = BookStory()
        story.admit(long)
        story.admit(short)
        story.expire(at: 1_000)
        #expect(story.book.recordCount == 0)
        #expect(story.admit(long, at: 2_000) == .dismissed(.stale))
    }

    @Test func `a rival that outlives the other does not return as an offer once both have left`() throws {
        let hour: Int64 = 3_600_000
        let early = try S.signed(.offer(S.offer(price: 1)), by: key, sequence: 5)
        let late = try S.signed(.offer(S.offer(price: 2)), by: key, sequence: 5, at: 23 * hour)
        var story = BookStory()
        story.admit(early)
        story.admit(late, at: 23 * hour)
        story.expire(at: 24 * hour)
        #expect(story.book.recordCount == 0)
        story.expire(at: 26 * hour)
        #expect(story.admit(late, at: 26 * hour) == .dismissed(.stale))
    }

    @Test(arguments: [1, 2, 3, 4]) func `conflicts over bodies of two classes stay in the quota of the one that counts`(
        price: Int64
    ) throws {
        let classes: [MarketClass] = [.nvidiaConsumer, .nvidiaDatacenter]
        let bodies = try (0..<6).map { number in
            let offer = S.offer(price: price * 10 + Int64(number), marketClass: classes[number % 2])
            return try S.signed(.offer(offer), by: key, sequence: 5)
        }
        var story = BookStory()
        for (number, one) in bodies.enumerated() {
            for other in bodies.dropFirst(number + 1) { story.admit(try conflict(one, other, by: finder)) }
        }
        #expect(story.book.recordCount == 3)
    }

    @Test func `a segment full of rivals is shed like any other`() throws {
        let classes: [MarketClass] = [.nvidiaConsumer, .nvidiaDatacenter]
        var config = RecordBookConfig()
        config.segmentByteCountMax = 1_024
        var story = BookStory(config: config)
        for author in 1...100 {
            let pair = try classes.map { marketClass in
                try S.signed(.offer(S.offer(marketClass: marketClass)), by: S.key(author), sequence: 5)
            }.sorted { $0.id < $1.id }
            // Where the lower id is a consumer's, all that the datacenter's segment gets is the rival.
            guard pair[0].record.marketClass == .nvidiaConsumer else { continue }
            story.admit(pair[0])
            story.admit(pair[1])
        }
        #expect(story.book.recordCount > 0)
    }

    @Test func `an offer and its withdrawal of one sequence are rivals too`() throws {
        let offer = try S.signed(.offer(S.offer()), by: key, sequence: 5)
        let body = WithdrawalBody(subject: .offer(S.offer().offer), marketClass: .nvidiaConsumer)
        let withdrawal = try S.signed(.withdrawal(body), by: key, sequence: 5)
        var story = BookStory()
        story.admit(offer)
        story.admit(withdrawal)
        #expect(story.said() == ["appeared 1", "hidden 1"])
        #expect(story.book.unpublishedConflict(over: offer.subject) != nil)
    }

    @Test func `a node that follows other segments keeps the conflict alone`() throws {
        var config = RecordBookConfig()
        config.followedSegments = [Segment(marketClass: .other, shard: 0)]
        var story = BookStory(config: config)
        let pair = try rivals(2)
        #expect(story.admit(try conflict(pair[0], pair[1], by: finder)) == .admitted)
        #expect(story.book.recordCount == 1)
    }
}
