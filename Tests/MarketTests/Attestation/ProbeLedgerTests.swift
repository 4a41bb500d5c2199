import Cryptography
import Market
import Primitives
import Testing

@Suite struct `Attestations` {
    typealias S = RecordSamples
    private let provider = RecordSamples.key(1).publicKey

    @Test func `a window is told after a day and six probes, then a new one begins`() throws {
        var ledger = ProbeLedger()
        for number in 0..<5 { ledger.note(provider, isAnswered: number != 2, at: S.start + Int64(number) * 5 * S.hour) }
        #expect(ledger.takeDue(at: S.start + 2 * S.day).isEmpty, "five say too little")
        ledger.note(provider, isAnswered: true, at: S.start + 25 * S.hour)
        #expect(ledger.takeDue(at: S.start + 23 * S.hour).isEmpty, "a day is a day")
        let due = ledger.takeDue(at: S.start + 25 * S.hour)
        #expect(due.map(\.window.answered) == [5] && due.map(\.window.asked) == [6])
        #expect(due[0].window.answeredMicros == 833_333)
        #expect(ledger.window(of: provider) == nil)
        let body = AttestationBody(uptimeOf: provider, in: .nvidiaConsumer, due[0].window)
        #expect(body.kind == .uptime && body.valueMicros == 833_333 && body.to - body.from == 25 * S.hour)
        #expect(throws: Never.self) { try S.signed(.attestation(body), by: S.key(2), sequence: 1, at: 26 * S.hour) }
    }

    @Test func `a single probe is a window that may be signed`() throws {
        var ledger = ProbeLedger()
        ledger.note(provider, isAnswered: false, at: S.start)
        let window = try #require(ledger.window(of: provider))
        let body = AttestationBody(uptimeOf: provider, in: .nvidiaConsumer, window)
        #expect(body.valueMicros == 0)
        #expect(throws: Never.self) { try S.signed(.attestation(body), by: S.key(2), sequence: 1) }
    }

    @Test func `the ledger keeps its bound, and forgets whom it looked for longest ago`() {
        var ledger = ProbeLedger()
        for number in 0...ProbeLedger.providerCountMax {
            ledger.note(Trust.peer(number), isAnswered: true, at: S.start)
        }
        #expect(ledger.providerCount == ProbeLedger.providerCountMax)
        #expect(ledger.window(of: Trust.peer(0)) == nil && ledger.window(of: Trust.peer(1)) != nil)
    }

    @Test func `outcomes are the mean of one's own leases, with the receipts' ids`() throws {
        var receipts: [(id: RecordID, evidence: TrustEvidence)] = []
        for number in 1...10 {
            let code: CloseCode = number <= 2 ? .tooSlow : .done
            let receipt = try S.signed(.receipt(S.receipt(number, code: code)), by: S.key(1), sequence: UInt64(number))
            let body = try #require(CountersignatureBody(receipt))
            let record = try S.signed(.countersignature(body), by: S.key(2), sequence: 1, at: Int64(number) * S.hour)
            receipts.append((record.id, try #require(TrustEvidence(record))))
        }
        let body = try #require(AttestationBody(outcomesOf: provider, in: .nvidiaConsumer, receipts))
        #expect(body.kind == .outcome && body.valueMicros == 800_000 && body.metric == "leases-well")
        #expect(body.digests == receipts.suffix(8).map(\.id.bytes))
        #expect(body.from == S.start + S.hour && body.to == S.start + 10 * S.hour)
        #expect(throws: Never.self) { try S.signed(.attestation(body), by: S.key(2), sequence: 1, at: 11 * S.hour) }
        #expect(AttestationBody(outcomesOf: S.key(3).publicKey, in: .nvidiaConsumer, receipts) == nil)
    }
}
