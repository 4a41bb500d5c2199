import Cryptography
import Market
import Primitives
import Testing

/// The second half of S-22: two leases of one slot and past are a proof, which anybody can check alone.
@Suite struct `Proofs of double-booking` {
    typealias S = RecordSamples

    func twice(previous: LeaseID? = nil) throws -> (SignedRecord, SignedRecord) {
        let first = try S.signedLease(S.lease(1, slots: [0, 1], previous: previous), sequence: 1)
        let second = try S.signedLease(S.lease(2, renter: 2, slots: [1, 2], previous: previous), sequence: 2)
        return (first, second)
    }

    @Test func `two leases to two nodes: whoever sees both makes a proof, and a third node hides the culprit's offers`()
        throws
    {
        let (first, second) = try twice()
        var (finding, third) = (BookStory(), BookStory())
        let offer = try S.signed(.offer(S.offer()), by: S.key(1), sequence: 9)
        third.admit(offer)
        finding.admit(first)
        finding.admit(second)
        let found = finding.changes.compactMap { change -> SubjectKey? in
            if case .conflictFound(let subject) = change { subject } else { nil }
        }
        let subject = try #require(found.first)
        #expect(found.count == 1 && subject.author == S.key(1).publicKey)
        guard case .proof(let body)? = finding.book.unpublishedStatement(over: subject) else {
            Issue.record("no proof to publish")
            return
        }
        #expect(body.claim.slot == 1)
        let published = try S.signed(.proof(body), by: S.key(7), sequence: 1)
        let heard = try SignedRecord(envelope: published.envelope)
        #expect(heard.signatureChecks.count == 5 && heard.signatureChecks.allSatisfy(\.holds))
        #expect(third.admit(heard) == .admitted)
        #expect(third.said() == ["appeared 1", "hidden 1"])
        #expect(third.book.isProven(S.key(1).publicKey) && third.book.listings.isEmpty)
        finding.admit(published)
        #expect(finding.book.unpublishedStatement(over: subject) == nil)
        // Nothing that the culprit says brings the offer back while the proof is remembered.
        third.admit(try S.signed(.offer(S.offer(price: 1)), by: S.key(1), sequence: 20))
        #expect(third.book.listings.isEmpty)
        third.expire(at: 91 * S.day)
        #expect(!third.book.isProven(S.key(1).publicKey))
    }

    @Test func `overlap alone, one lease's versions, and another past prove nothing`() throws {
        let first = try S.signedLease(S.lease(1))
        let next = try S.signedLease(S.lease(2, previous: S.lease(1).lease), sequence: 2)
        let version = try S.signedLease(S.lease(1, hours: 2), sequence: 3)
        let elsewhere = try S.signedLease(S.lease(3, machine: 2), sequence: 4)
        let others = try S.signedLease(S.lease(4, provider: 5), provider: 5, sequence: 5)
        for other in [next, version, elsewhere, others] { #expect(ProofBody(first, other) == nil) }
        var story = BookStory()
        for record in [first, next, version, elsewhere, others] { story.admit(record) }
        let found = story.changes.count { if case .conflictFound = $0 { true } else { false } }
        #expect(found == 0)
    }

    @Test func `a lease's claims outlive its eviction, up to its expiry`() throws {
        var story = BookStory()
        let lease = try S.signedLease(S.lease(1))
        story.admit(lease)
        var config = RecordBookConfig()
        config.segmentByteCountMax = 1_000
        var small = BookStory(config: config)
        small.admit(lease)
        for number in 2..<6 {
            small.admit(try S.signedLease(S.lease(number, previous: S.lease(number - 1).lease), sequence: 2))
        }
        #expect(small.book.recordCount == 0)
        // The shelf holds none of them; what they said is remembered.
        #expect(small.book.claimCount >= 1)
        story.expire(at: 9 * S.day)
        #expect(story.book.claimCount == 0)
    }

    @Test func `a provider has no more claims than its share, and all of them together no more than there is room for`()
        throws
    {
        var config = RecordBookConfig()
        (config.claimsPerProviderMax, config.claimCountMax) = (3, 4)
        var story = BookStory(config: config)
        // Two slots and two: the fourth claim is one too many, and the lease itself is held all the same.
        story.admit(try S.signedLease(S.lease(1, slots: [0, 1], hours: 2)))
        story.admit(try S.signedLease(S.lease(2, slots: [2, 3], hours: 2), sequence: 2))
        #expect(story.book.claimCount == 3 && story.book.recordCount == 2)
        // Of all claims the one that ends first gives way: the other provider's own.
        story.admit(try S.signedLease(S.lease(3, provider: 5, slots: [0, 1], hours: 1), provider: 5))
        #expect(story.book.claimCount == 4)
        // What was there still proves.
        story.admit(try S.signedLease(S.lease(4, slots: [1], hours: 2), sequence: 3))
        let found = story.changes.compactMap {
            if case .conflictFound(let subject) = $0 { subject.author } else { nil }
        }
        #expect(found == [S.key(1).publicKey])
    }

    @Test func `no more culprits wait for a proof than there is room for, and the next is found once there is`() throws
    {
        var config = RecordBookConfig()
        config.clashCountMax = 1
        var story = BookStory(config: config)
        func betray(_ provider: Int, _ number: Int) throws -> SignedRecord {
            try S.signedLease(S.lease(number, provider: provider), provider: provider, sequence: UInt64(number))
        }
        func found() -> [Ed25519.PublicKey] {
            story.changes.compactMap { if case .conflictFound(let subject) = $0 { subject.author } else { nil } }
        }
        for provider in [1, 5] {
            for number in 1...2 { story.admit(try betray(provider, number)) }
        }
        #expect(found() == [S.key(1).publicKey])
        // Their claims end, and the accusation with them.
        story.expire(at: 9 * S.day)
        #expect(story.book.claimCount == 0)
        for number in 3...4 {
            let body = S.lease(number, provider: 5, startAt: S.start + 9 * S.day)
            story.admit(try S.signedLease(body, provider: 5, sequence: UInt64(number), at: 9 * S.day), at: 9 * S.day)
        }
        #expect(found() == [S.key(1).publicKey, S.key(5).publicKey])
    }

    @Test func `of two proofs over one claim the lower id stays, and neither counts against its finder`() throws {
        let (first, second) = try twice()
        let body = try #require(ProofBody(second, first))
        let proofs = try (5...8).map { try S.signed(.proof(body), by: S.key($0), sequence: UInt64($0)) }
        var story = BookStory()
        for proof in proofs { story.admit(proof) }
        let lowest = try #require(proofs.map(\.id).min())
        #expect(story.book.proofs(against: S.key(1).publicKey).map(\.id) == [lowest])
        #expect(!story.book.isProven(S.key(5).publicKey))
    }

    @Test func `a forged half makes no proof`() throws {
        let (first, second) = try twice()
        let body = try #require(ProofBody(first, second))
        let record = try S.signed(.proof(body), by: S.key(7), sequence: 1)
        var bytes = record.envelope
        // The second envelope's signature stands just before the outer one's 66 bytes.
        bytes[bytes.count - 70] ^= 1
        let forged = try SignedRecord(envelope: bytes)
        #expect(forged.signatureChecks.contains { !$0.holds })
    }
}
