import Cryptography
import Market
import Primitives
import Testing

/// A book with a clock, for tests that tell a story.
struct BookStory {
    var book: RecordBook
    var changes: [BookChange] = []

    init(config: RecordBookConfig = RecordBookConfig()) {
        book = RecordBook(config: config)
    }

    /// Admits at `offset` milliseconds after the start.
    @discardableResult
    mutating func admit(_ record: SignedRecord, at offset: Int64 = 0) -> Admission {
        defer { book.checkInvariants() }
        return book.admit(record, at: RecordSamples.start + offset, into: &changes)
    }

    mutating func expire(at offset: Int64) {
        repeat {
            book.expire(at: RecordSamples.start + offset, into: &changes)
        } while (book.nextDeadline ?? .max) <= RecordSamples.start + offset
        book.checkInvariants()
    }

    /// What was said about rows since the last question, in words.
    mutating func said() -> [String] {
        defer { changes = [] }
        return changes.compactMap { change in
            guard case .listing(let change) = change else { return nil }
            let offer = change.listing.offer.offer.bytes[15]
            switch change {
            case .appeared: return "appeared \(offer)"
            case .changed: return "changed \(offer)"
            case .silent: return "silent \(offer)"
            case .gone: return "gone \(offer)"
            case .withdrawn(_, let reason): return "withdrawn \(offer) for \(reason)"
            case .expired: return "expired \(offer)"
            case .hidden: return "hidden \(offer)"
            case .evicted: return "evicted \(offer)"
            }
        }
    }
}

@Suite struct `Record book` {
    typealias S = RecordSamples
    var story = BookStory()
    let key = RecordSamples.key(1)

    func offer(_ number: Int = 1, _ sequence: UInt64, price: Int64 = 1, at offset: Int64 = 0) throws -> SignedRecord {
        try S.signed(.offer(S.offer(number, price: price)), by: key, sequence: sequence, at: offset)
    }

    func presence(_ offers: [SignedRecord], _ sequence: UInt64, high: UInt64, at offset: Int64) throws -> SignedRecord {
        try S.signed(.presence(S.presence(of: offers, high: high)), by: key, sequence: sequence, at: offset)
    }

    @Test mutating func `the highest sequence of a subject counts`() throws {
        let (first, second) = (try offer(1, 5, price: 1), try offer(1, 6, price: 2))
        #expect(story.admit(first) == .admitted)
        #expect(story.admit(second) == .admitted)
        #expect(story.admit(first) == .dismissed(.stale))
        #expect(story.admit(second) == .dismissed(.duplicate))
        #expect(story.book.listings.map(\.offer.price.gpuHourMicros) == [2])
        #expect(!story.book.contains(first.id))
        #expect(story.said() == ["appeared 1", "changed 1"])
    }

    @Test mutating func `what is stored and removed is told in order`() throws {
        let (first, second) = (try offer(1, 5), try offer(1, 6))
        story.admit(first)
        story.admit(second)
        var told: [String] = []
        for change in story.changes {
            switch change {
            case .store(let record, let receivedAt):
                told.append("store \(record.record.sequence) \(receivedAt - S.start)")
            case .remove(let id): told.append("remove \(id == first.id)")
            case .floor, .dropFloor, .listing, .conflictFound, .offersMissing: break
            }
        }
        #expect(told == ["store 5 0", "remove true", "store 6 0"])
    }

    @Test mutating func `a withdrawal takes the key of what it withdraws and stands until its end`() throws {
        story.admit(try offer(1, 5))
        let body = WithdrawalBody(subject: .offer(S.offer().offer), marketClass: .nvidiaConsumer, reason: 2_001)
        story.admit(try S.signed(.withdrawal(body), by: key, sequence: 6, at: 1_000))
        #expect(story.book.listings.isEmpty)
        #expect(story.book.recordCount == 1)
        #expect(story.admit(try offer(1, 5)) == .dismissed(.stale))
        story.expire(at: S.day + 1_000)
        #expect(story.book.recordCount == 0)
        #expect(story.book.floorCount == 1)
        // Also after its end, for the kind's longest life and an hour from its arrival.
        #expect(story.admit(try offer(1, 6, at: S.day), at: S.day + 1_000) == .dismissed(.stale))
        story.expire(at: S.day + S.hour - 1)
        #expect(story.book.floorCount == 1)
        story.expire(at: S.day + S.hour + 1_000)
        #expect(story.book.floorCount == 0)
        #expect(story.said() == ["appeared 1", "withdrawn 1 for 2001"])
    }

    @Test mutating func `rows join the newest machine of their class`() throws {
        story.admit(try offer(1, 5))
        #expect(story.book.listings.first?.machine == nil)
        story.admit(try S.signed(.machine(S.machine()), by: key, sequence: 6))
        #expect(story.book.listings.first?.machine == S.machine())
        #expect(story.book.listings.first?.devices.count == 2)
        // A machine of another class is none of this offer's.
        let other = S.machine(1, marketClass: .nvidiaDatacenter)
        story.admit(try S.signed(.machine(other), by: key, sequence: 7))
        #expect(story.book.listings.first?.machine == nil)
        #expect(story.said() == ["appeared 1", "changed 1", "changed 1"])
        let stranger = try S.signed(.machine(S.machine()), by: S.key(2), sequence: 8)
        story.admit(stranger)
        #expect(story.book.listings.first?.machine == nil)
    }

    // MARK: Presence

    @Test mutating func `an offer vouches for itself for 30 minutes and is silent after 15`() throws {
        story.admit(try offer(1, 5))
        story.expire(at: 15 * S.minute)
        #expect(story.book.listings.first?.liveness(at: S.start + 15 * S.minute) == .live)
        #expect(story.said() == ["appeared 1"])
        story.expire(at: 15 * S.minute + 1)
        #expect(story.said() == ["silent 1"])
        story.expire(at: 30 * S.minute - 1)
        #expect(story.said() == [])
        story.expire(at: 30 * S.minute)
        #expect(story.said() == ["gone 1"])
        #expect(story.book.listings.count == 1)
        story.expire(at: S.day)
        #expect(story.book.listings.isEmpty)
        #expect(story.said() == [])
    }

    @Test mutating func `presences keep rows alive, and zero offers end them at once`() throws {
        let record = try offer(1, 5)
        story.admit(record)
        for step in 1...6 {
            let offset = Int64(step) * 10 * S.minute
            story.expire(at: offset)
            story.admit(try presence([record], UInt64(10 + step), high: 5, at: offset), at: offset)
        }
        #expect(story.said() == ["appeared 1"])
        let now = S.start + 60 * S.minute
        #expect(story.book.listings.first?.liveness(at: now) == .live)
        #expect(story.book.listings.first?.heardAt == now)
        story.admit(try presence([], 20, high: 19, at: 61 * S.minute), at: 61 * S.minute)
        #expect(story.said() == ["gone 1"])
        // Back again.
        story.admit(try presence([record], 21, high: 5, at: 62 * S.minute), at: 62 * S.minute)
        #expect(story.said() == ["appeared 1"])
    }

    @Test mutating func `a presence older than the offer says nothing about it`() throws {
        story.admit(try presence([], 4, high: 3, at: 0))
        story.admit(try offer(1, 5))
        #expect(story.said() == ["appeared 1"])
        #expect(story.book.listings.first?.liveness(at: S.start) == .live)
        // Its high sequence decides, not its own sequence.
        story.admit(try presence([], 7, high: 4, at: 1_000), at: 1_000)
        #expect(story.book.listings.first?.liveness(at: S.start + 1_000) == .live)
        story.admit(try presence([], 8, high: 5, at: 2_000), at: 2_000)
        #expect(story.book.listings.first?.liveness(at: S.start + 2_000) == .gone)
    }

    @Test mutating func `a digest that differs asks for the offers and hides nothing`() throws {
        let (one, two) = (try offer(1, 5), try offer(2, 6))
        story.admit(one)
        story.admit(try presence([one, two], 10, high: 6, at: 0))
        let missing = story.changes.contains { if case .offersMissing = $0 { true } else { false } }
        #expect(missing)
        #expect(story.book.listings.first?.liveness(at: S.start) == .live)
        story.changes = []
        story.admit(two)
        // Offers above its high sequence are none of its business.
        story.admit(try offer(3, 20))
        story.admit(try presence([one, two], 21, high: 6, at: 1_000), at: 1_000)
        let missingStill = story.changes.contains { if case .offersMissing = $0 { true } else { false } }
        #expect(!missingStill)
        let digest = story.book.offerDigest(of: key.publicKey, in: .nvidiaConsumer, upTo: 6, at: S.start)
        #expect(digest == OfferDigest(of: [two.id, one.id]))
    }

    @Test func `the digest is a hash over the sorted ids, empty for none`() throws {
        let ids = try [offer(1, 5), offer(2, 6), offer(3, 7)].map(\.id)
        let digest = OfferDigest(of: ids)
        #expect(digest.digest == Array(SHA256.hash(ids.sorted().flatMap(\.bytes)).prefix(16)))
        #expect(OfferDigest(of: []) == OfferDigest(of: [RecordID]()) && OfferDigest(of: []).digest.isEmpty)
    }

    // MARK: Restart

    @Test mutating func `a restarted book is the same book and asks for no writes`() throws {
        story.admit(try offer(1, 5), at: 0)
        story.admit(try offer(2, 6), at: 1_000)
        story.admit(try S.signed(.machine(S.machine()), by: key, sequence: 7), at: 2_000)
        story.admit(try S.signed(.offer(S.offer(3)), by: key, sequence: 8, for: 5_000), at: 3_000)
        story.expire(at: 5_000)
        var (stored, floors): ([RecordID: (record: SignedRecord, receivedAt: Int64)], [SubjectFloor]) = ([:], [])
        for change in story.changes {
            switch change {
            case .store(let record, let receivedAt): stored[record.id] = (record, receivedAt)
            case .remove(let id): stored[id] = nil
            case .floor(let floor): floors.append(floor)
            case .dropFloor, .listing, .conflictFound, .offersMissing: break
            }
        }
        let records = stored.sorted { $0.key < $1.key }.map(\.value)
        #expect(records.count == 3 && floors.count == 1)
        var restarted = RecordBook()
        let changes = restarted.restore(records, floors: floors, at: S.start + 6_000)
        restarted.checkInvariants()
        #expect(changes.isEmpty)
        #expect(restarted.recordCount == 3 && restarted.floorCount == 1)
        let heard = restarted.listings.sorted { $0.id < $1.id }.map { $0.heardAt - S.start }
        #expect(heard == [0, 1_000])
    }

    @Test mutating func `a restart after a long night forgets what has ended`() throws {
        let record = try offer(1, 5)
        let floor = SubjectFloor(subject: try offer(2, 6).subject, sequence: 6, until: S.start + S.hour)
        let changes = story.book.restore([(record, S.start)], floors: [floor], at: S.start + S.day)
        let told = changes.map { change in
            switch change {
            case .remove(let id): id == record.id ? "remove" : "?"
            case .dropFloor(let subject): subject == floor.subject ? "drop" : "?"
            // The record ended while the node was down; its floor lasts an hour longer.
            case .floor(let left): left.subject == record.subject && left.sequence == 5 ? "floor" : "?"
            case .store, .listing, .conflictFound, .offersMissing: "?"
            }
        }
        #expect(told == ["drop", "remove", "floor"])
        #expect(story.book.recordCount == 0 && story.book.floorCount == 1)
        #expect(story.admit(try offer(1, 5, at: S.day), at: S.day) == .dismissed(.stale))
    }

    // MARK: Pages

    @Test mutating func `pages go through the book once, author by author`() throws {
        var all: Set<RecordID> = []
        for number in 0..<40 {
            for sequence in 1...3 {
                let record = try S.signed(
                    .offer(S.offer(sequence)),
                    by: S.key(number),
                    sequence: UInt64(sequence)
                )
                all.insert(record.id)
                story.admit(record)
            }
        }
        var (seen, cursor, pages): ([SignedRecord], SubjectKey?, Int) = ([], nil, 0)
        repeat {
            let page = story.book.page(after: cursor, countMax: 7, byteCountMax: 1_500)
            #expect(page.records.count <= 7 && page.records.reduce(0) { $0 + $1.envelope.count } <= 1_500)
            seen += page.records
            cursor = page.next
            pages += 1
        } while cursor != nil && pages < 1_000
        #expect(seen.count == 120 && Set(seen.map(\.id)) == all)
        #expect(seen.map(\.subject) == seen.map(\.subject).sorted())
        let author = S.key(7).publicKey
        let own = story.book.page(of: author, countMax: 100, byteCountMax: 1 << 20)
        #expect(own.records.map(\.record.sequence) == [1, 2, 3] && own.next == nil)
        #expect(own.records.allSatisfy { $0.author == author })
        #expect(story.book.highestSequence(of: author) == 3)
        #expect(story.book.highestSequence(of: S.key(99).publicKey) == nil)
        #expect(RecordBook().page(countMax: 1, byteCountMax: 1).next == nil)
    }

    @Test mutating func `a snapshot of the rows stays as it was`() throws {
        story.admit(try offer(1, 5))
        let (snapshot, generation) = (story.book.listings, story.book.generation)
        story.admit(try offer(1, 6, price: 2))
        #expect(snapshot.map(\.offer.price.gpuHourMicros) == [1])
        #expect(story.book.generation > generation)
        let id = ListingID(provider: key.publicKey, offer: S.offer().offer)
        #expect(story.book.listing(for: id)?.offer.price.gpuHourMicros == 2)
    }
}
