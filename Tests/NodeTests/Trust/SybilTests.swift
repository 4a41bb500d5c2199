import Cryptography
import Market
import Node
import Primitives
import TestSupport
import Testing

/// A thousand names that trade among themselves, in the book of a node that has rented three times from somebody honest.
@Suite struct `Identities that trade among themselves` {
    private static let count = 1_000

    /// What one name paid another, as both signed it: millions, and all went well.
    private static func trade(_ number: Int, _ keys: [Ed25519.PrivateKey], at now: Int64) throws -> [UInt8] {
        let (provider, renter) = (keys[number], keys[(number * 7 + 1) % keys.count])
        var random = SeededRandom(testSeed: UInt64(number))
        let lease = LeaseID(provider: provider.publicKey, renter: renter.publicKey, bid: BidID(random: &random))
        let receipt = ReceiptBody(
            lease: lease,
            marketClass: .nvidiaConsumer,
            renter: renter.publicKey,
            readySeconds: 1,
            activeSeconds: 86_400,
            unit: "USD",
            owedMicros: 5_000_000,
            paidMicros: 5_000_000,
            code: .done,
            voucherHash: [UInt8](repeating: 7, count: 32),
            settlement: "credit"
        )
        let signed = try sign(.receipt(receipt), by: provider, at: now)
        let countersignature = try #require(CountersignatureBody(signed))
        return try sign(.countersignature(countersignature), by: renter, at: now).envelope
    }

    private static func sign(_ body: RecordBody, by key: Ed25519.PrivateKey, at now: Int64) throws -> SignedRecord {
        let record = Record(
            network: "main",
            sequence: UInt64(now),
            issuedAt: now,
            expiresAt: now + 80 * 86_400_000,
            body: body
        )
        return try SignedRecord(signing: record, by: key)
    }

    @Test func `are trusted less than one provider with three paid leases, in the eyes of its renter`() throws {
        var street = try LeaseStreet(seed: 901)
        for _ in 0..<3 {
            let id = try street.lease(try street.wish(seconds: 120))
            street.network.run(for: .seconds(150))
            let over = try street.held(id, by: street.renter)
            #expect(over.countersignature != nil && over.paidMicros > 11_000)
        }
        let keys = (0..<Self.count).map { number in
            Ed25519.PrivateKey(seed: SHA256.hash(Array("sybil \(number)".utf8)))
        }
        let now = street.network.unixMilliseconds
        let envelopes = try (0..<Self.count).map { try Self.trade($0, keys, at: now) }
        for start in stride(from: 0, to: envelopes.count, by: 250) {
            let part = Array(envelopes[start..<min(start + 250, envelopes.count)])
            guard case .imported(let verdicts)? = street.network.ask(street.renter, .importRecords(part)) else {
                Issue.record("nothing was imported")
                return
            }
            #expect(verdicts.allSatisfy { $0 == .accept }, "\(verdicts.first { $0 != .accept }.map { "\($0)" } ?? "")")
        }
        guard case .snapshot(let snapshot)? = street.network.ask(street.renter, .snapshot) else { return }
        #expect(snapshot.statements.receipts.count == Self.count + 3)
        let me = TestNetwork.identity(of: street.renter).publicKey
        let walks = TrustWalks(TrustGraph(me: me, statements: snapshot.statements), seed: 5)
        let honest = walks.score(of: street.offer.author).value
        let sybils = keys.map { walks.score(of: $0.publicKey).value }
        let best = try #require(sybils.max())
        #expect(honest > best, "the honest provider has \(honest), the best of the others \(best)")
        // No walk of the renter's reaches them: what they paid each other makes them no more than newcomers.
        let stranger = walks.score(of: Ed25519.PrivateKey(seed: SHA256.hash(Array("nobody".utf8))).publicKey).value
        #expect(best <= stranger)
    }
}
