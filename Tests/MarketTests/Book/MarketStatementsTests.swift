import Cryptography
import Market
import Primitives
import Testing

@Suite struct `What a book holds beside its rows` {
    typealias S = RecordSamples

    private func countersigned(_ number: Int, code: CloseCode = .done, sequence: UInt64 = 1) throws -> SignedRecord {
        let receipt = try S.signed(.receipt(S.receipt(number, code: code)), by: S.key(1), sequence: UInt64(number))
        let body = try #require(CountersignatureBody(receipt))
        return try S.signed(.countersignature(body), by: S.key(2), sequence: sequence)
    }

    private func admit(_ records: [SignedRecord], to book: inout RecordBook, at now: Int64 = S.start) {
        var changes: [BookChange] = []
        for record in records { _ = book.admit(record, at: now, into: &changes) }
        book.checkInvariants()
    }

    @Test func `receipts come and go with their records`() throws {
        var book = RecordBook()
        admit(try (1...5).map { try countersigned($0) }, to: &book)
        let before = book.statements
        #expect(before.receipts.count == 5 && before.receipts.allSatisfy { $0.outcome == TrustEvidence.full })
        // A newer word of the renter replaces the old one.
        admit([try countersigned(3, code: .tooSlow, sequence: 9)], to: &book)
        #expect(book.statements.receipts.count { $0.outcome == 0 } == 1)
        #expect(book.statements.trustVersion > before.trustVersion)
        var changes: [BookChange] = []
        book.expire(at: S.start + 91 * S.day, into: &changes)
        book.checkInvariants()
        #expect(book.statements.receipts.isEmpty && before.receipts.count == 5)
    }

    @Test func `two bodies of one number hide a receipt until a higher number comes`() throws {
        var book = RecordBook()
        admit([try countersigned(1), try countersigned(1, code: .tooSlow)], to: &book)
        #expect(book.statements.receipts.isEmpty)
        admit([try countersigned(1, sequence: 2)], to: &book)
        #expect(book.statements.receipts.count == 1)
    }

    @Test func `praise of oneself and rent from oneself count for nothing`() throws {
        var attestation = AttestationBody(
            marketClass: .nvidiaConsumer,
            provider: S.key(1).publicKey,
            kind: .uptime,
            metric: "answered",
            valueMicros: 1_000_000,
            unit: "ratio",
            method: "probe/1",
            from: S.start - S.day,
            to: S.start
        )
        var book = RecordBook()
        admit([try S.signed(.attestation(attestation), by: S.key(1), sequence: 1)], to: &book)
        #expect(book.statements.attestations.isEmpty)
        attestation.metric = "other"
        admit([try S.signed(.attestation(attestation), by: S.key(3), sequence: 1)], to: &book)
        #expect(book.statements.attestations.map(\.attester) == [S.key(3).publicKey])
    }

    @Test func `a proof makes a culprit, and its end an honest name`() throws {
        let first = try S.signedLease(S.lease(1, slots: [0]))
        let second = try S.signedLease(S.lease(2, slots: [0]), sequence: 2)
        let proof = try S.signed(.proof(try #require(ProofBody(first, second))), by: S.key(9), sequence: 1)
        var book = RecordBook()
        admit([first, second], to: &book)
        #expect(book.statements.leases.count == 2 && book.statements.culprits.isEmpty)
        let version = book.statements.trustVersion
        admit([proof], to: &book)
        #expect(book.statements.culprits == [S.key(1).publicKey] && book.statements.trustVersion > version)
        var changes: [BookChange] = []
        book.expire(at: S.start + 91 * S.day, into: &changes)
        #expect(book.statements.culprits.isEmpty)
    }

    /// Whatever comes, in whatever order, the lists are what the records say.
    @Test(arguments: 0..<8) func `the lists follow from the records alone`(seed: Int) throws {
        var random = S.random(500 + seed)
        var records: [SignedRecord] = []
        for _ in 0..<60 {
            let number = 1 + random.below(8)
            records.append(
                try countersigned(
                    number,
                    code: random.chance(1, in: 2) ? .done : .tooSlow,
                    sequence: UInt64(1 + random.below(3))
                )
            )
        }
        var (one, other) = (RecordBook(), RecordBook())
        admit(records, to: &one)
        random.shuffle(&records)
        admit(records, to: &other)
        #expect(Set(one.statements.receipts) == Set(other.statements.receipts))
    }
}
