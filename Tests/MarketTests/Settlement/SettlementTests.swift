import Primitives
import Testing

@testable import Market

@Suite struct `A settlement` {
    private let due = Settlement(
        key: SettlementKey(lease: LeaseID(RecordSamples.bytes16(1)), nonce: 1_767_225_600_000),
        amountMicros: 12_000
    )

    @Test func `is stored and read back, due, failed and done`() throws {
        let failed = try #require(due.after(.failed(complaint: "no route")))
        let done = try #require(failed.after(.settled(reference: "P-1")))
        #expect(failed.failureCount == 1 && !failed.isSettled)
        #expect(done.reference == "P-1" && done.complaint.isEmpty && done.failureCount == 1)
        for settlement in [due, failed, done, try #require(due.after(.settled(reference: "")))] {
            #expect(try Settlement(stored: settlement.stored) == settlement)
        }
        #expect("\(due.key)" == "\(LeaseID(RecordSamples.bytes16(1)))-1767225600000")
    }

    @Test func `takes no name that a receipt could not carry`() {
        #expect(due.after(.settled(reference: String(repeating: "x", count: 129))) == nil)
        #expect(due.after(.settled(reference: "two\nlines")) == nil)
        #expect(due.after(.failed(complaint: "two\nlines"))?.complaint == "no reason given")
    }

    @Test func `that is damaged is not read`() {
        for length in 0..<16 {
            #expect(throws: RecordError.self) { try Settlement(stored: Array(due.stored.prefix(length))) }
        }
    }
}
