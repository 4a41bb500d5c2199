import Market
import Testing

@Suite struct `Book at scale` {
    /// Not a benchmark: it fails if a step of the book became linear in the book's size.
    @Test func `three thousand providers come, are replaced and go`() throws {
        typealias S = RecordSamples
        let count = 3_000
        let keys = (0..<count).map(S.key)
        var (book, changes) = (RecordBook(), [BookChange]())
        for sequence in UInt64(1)...2 {
            for key in keys {
                let record = try S.signed(.offer(S.offer()), by: key, sequence: sequence)
                _ = book.admit(record, at: S.start, into: &changes)
            }
        }
        #expect(book.listings.count == count && book.recordCount == count)
        changes = []
        while let due = book.nextDeadline, due <= S.start + S.day {
            book.expire(at: S.start + S.day, into: &changes)
        }
        #expect(book.recordCount == 0 && book.floorCount == count)
    }
}
