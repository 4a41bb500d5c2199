import Cryptography
@testable import Market
import Primitives
import Testing

/// Honest books that saw the same records are equal, whatever the order.
@Suite struct `Record convergence` {
    typealias S = RecordSamples

    /// A small world that meets every rule: updates, withdrawals, rivals, conflicts, more offers than the quota.
    static func world(_ seed: Int) throws -> [SignedRecord] {
        var random = S.random(seed)
        var records: [SignedRecord] = []
        for author in 0..<4 {
            let key = S.key(author)
            for _ in 0..<60 {
                let number = 1 + random.below(6)
                let sequence = UInt64(1 + random.below(40))
                let body: RecordBody
                switch random.below(8) {
                case 0: body = .machine(S.machine(1 + random.below(2)))
                case 1: body = .presence(S.presence(of: [], high: UInt64(random.below(40))))
                case 2:
                    let subject = WithdrawalBody.Subject.offer(S.offer(number).offer)
                    body = .withdrawal(WithdrawalBody(subject: subject, marketClass: .nvidiaConsumer))
                default: body = .offer(S.offer(number, price: Int64(1 + random.below(3))))
                }
                records.append(try S.signed(body, by: key, sequence: sequence))
            }
        }
        // One author beyond its quota.
        for number in 1...80 {
            records.append(try S.signed(.offer(S.offer(number)), by: S.key(9), sequence: UInt64(1 + random.below(50))))
        }
        for one in records.prefix(60) {
            guard let other = records.first(where: { ConflictBody(one, $0) != nil }),
                let body = ConflictBody(one, other)
            else { continue }
            records.append(try S.signed(.conflict(body), by: S.key(7 + random.below(2)), sequence: 1))
        }
        return records
    }

    static func view(_ book: RecordBook) -> [String] {
        let records = book.page(countMax: 10_000, byteCountMax: 1 << 24).records.map { "\($0.id)" }
        let rows = book.listings.sorted { $0.id < $1.id }.map {
            "\($0.record.id) \($0.machineRecord?.id.description ?? "-") \($0.vouchedUntil) \($0.liveness(at: S.start))"
        }
        return records + rows
    }

    @Test(arguments: 0..<8) func `the same records in any order give the same book`(seed: Int) throws {
        let records = try Self.world(seed)
        var first = BookStory()
        for record in records { first.admit(record) }
        let expected = Self.view(first.book)
        #expect(first.book.listings.count > 60)
        var random = S.random(100 + seed)
        for _ in 0..<4 {
            var (shuffled, book, changes) = (records, RecordBook(), [BookChange]())
            random.shuffle(&shuffled)
            // Duplicates are ordinary.
            for record in shuffled + shuffled.prefix(50) { _ = book.admit(record, at: S.start, into: &changes) }
            book.checkInvariants()
            #expect(Self.view(book) == expected)
        }
    }

    /// The store's view, replayed from the changes, is the book's.
    @Test(arguments: 20..<24) func `the changes tell the store everything`(seed: Int) throws {
        var (random, story) = (S.random(seed), BookStory())
        var records = try Self.world(seed)
        random.shuffle(&records)
        for record in records { story.admit(record) }
        story.expire(at: 31 * S.minute)
        var stored: Set<RecordID> = []
        var floors: [SubjectKey: SubjectFloor] = [:]
        for change in story.changes {
            switch change {
            case .store(let record, _): #expect(stored.insert(record.id).inserted)
            case .remove(let id): #expect(stored.remove(id) != nil)
            case .floor(let floor): floors[floor.subject] = floor
            case .dropFloor(let subject): floors[subject] = nil
            case .listing, .conflictFound, .offersMissing: break
            }
        }
        let held = story.book.page(countMax: 10_000, byteCountMax: 1 << 24).records
        #expect(stored == Set(held.map(\.id)))
        #expect(floors.count == story.book.floorCount)
    }
}

@Suite struct `Sorted blocks` {
    @Test(arguments: 0..<4) func `they behave as a sorted set`(seed: Int) {
        var random = RecordSamples.random(seed)
        var (blocks, model) = (SortedBlocks<Int>(), Set<Int>())
        for _ in 0..<4_000 {
            let value = random.below(1_500)
            if random.chance(seed + 2, in: 6) {
                #expect(blocks.insert(value) == model.insert(value).inserted)
            } else {
                #expect(blocks.remove(value) == (model.remove(value) != nil))
            }
        }
        blocks.checkInvariants()
        #expect(blocks.elements == model.sorted() && blocks.count == model.count && blocks.first == model.min())
        var tail: [Int] = []
        blocks.forEach(from: 700) { value in
            tail.append(value)
            return tail.count < 20
        }
        #expect(tail == Array(model.sorted().filter { $0 >= 700 }.prefix(20)))
        #expect((0..<1_500).allSatisfy { blocks.contains($0) == model.contains($0) })
    }
}
