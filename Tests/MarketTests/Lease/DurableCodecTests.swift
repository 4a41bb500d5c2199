import Cryptography
import Primitives
import Testing

@testable import Market

@Suite struct `What the disk keeps of a lease` {
    typealias S = RecordSamples

    private static let terms = LeaseTerms(image: "pytorch:2", command: ["a", ""], environment: ["A=b"], ports: [22])

    private static func voucher(_ amount: Int64) -> SignedVoucher {
        Voucher(lease: S.lease().lease, nonce: 7, amountMicros: amount, tickHash: [UInt8](repeating: 3, count: 32))
            .signed(network: S.network, by: S.key(2))
    }

    private static func bid() throws -> SignedRecord {
        var random = S.random(1)
        let body = S.bid(&random, issuedAt: S.start)
        return try S.signed(.bid(body), by: S.key(2), sequence: 1, for: body.validUntil - S.start)
    }

    @Test func `comes back as it was written`() throws {
        let body = S.lease()
        let award = HeldAward(body: body, heldUntil: 9, sealedTerms: [1, 2, 3])
        #expect(try HeldAward(stored: award.stored) == award)
        var bid = try StoredBid(record: Self.bid(), terms: Self.terms)
        #expect(try StoredBid(stored: bid.stored) == bid && (try? HeldAward(stored: bid.stored)) == nil)
        bid.isForsaken = true
        #expect(try StoredBid(stored: bid.stored) == bid)
        #expect(throws: RecordError.self) {
            try StoredBid(record: S.signed(.offer(S.offer()), by: S.key(1), sequence: 1), terms: Self.terms)
        }
        var provider = ProviderMeter.MeterState()
        (provider.readyAt, provider.activeMilliseconds, provider.lastNumber) = (5, 77, 12)
        #expect(try ProviderMeter.MeterState(stored: provider.stored) == provider)
        provider.best = Self.voucher(40)
        #expect(try ProviderMeter.MeterState(stored: provider.stored) == provider)
        var renter = RenterMeter.MeterState()
        (renter.readyAt, renter.lastTick, renter.lastNonce, renter.promisedMicros) = (5, 6, 7, 8)
        #expect(try RenterMeter.MeterState(stored: renter.stored) == renter)
        renter.newest = Self.voucher(8).voucher
        #expect(try RenterMeter.MeterState(stored: renter.stored) == renter)
    }

    @Test func `terms that could not be read back are not taken`() {
        #expect(LeaseTerms(image: "a b").isWithinBounds && !LeaseTerms(image: "a\tb").isWithinBounds)
    }

    @Test func `books of a restored ledger stand where they stood, for debtor and creditor`() throws {
        let body = S.lease()
        for me in [body.provider, body.renter] {
            var ledger = CreditLedger()
            var last: CreditEntry?
            for (nonce, amount) in [(UInt64(1), Int64(10)), (2, 35)] {
                let voucher = Voucher(lease: body.lease, nonce: nonce, amountMicros: amount, tickHash: [])
                last = ledger.booking(of: voucher, for: body, by: me, at: 1)
                if let last { ledger.apply(last) }
            }
            var restored = CreditLedger()
            restored.apply(try CreditEntry(stored: try #require(last).stored))
            #expect(restored.accounts.map(\.balanceMicros) == ledger.accounts.map(\.balanceMicros))
            #expect(abs(restored.accounts.first?.balanceMicros ?? 0) == 35)
        }
    }

    /// A home may come from anywhere: what it holds is read within bounds.
    @Test(arguments: 1...30)
    func `damaged bytes never trap`(seed: Int) throws {
        var random = S.random(seed)
        let body = S.lease()
        var state = ProviderMeter.MeterState()
        state.best = Self.voucher(40)
        let wholes = [
            HeldAward(body: body, heldUntil: 9, sealedTerms: [1]).stored, state.stored,
            try StoredBid(record: Self.bid(), terms: Self.terms).stored,
        ]
        for whole in wholes {
            for _ in 0..<100 {
                var bytes = Array(whole.prefix(random.below(whole.count + 1)))
                for _ in 0..<random.below(4) where !bytes.isEmpty {
                    bytes[random.below(bytes.count)] = UInt8(random.below(256))
                }
                _ = try? HeldAward(stored: bytes)
                _ = try? StoredBid(stored: bytes)
                _ = try? StoredLease(stored: bytes)
                _ = try? StoredReceipt(stored: bytes)
                _ = try? ProviderMeter.MeterState(stored: bytes)
                _ = try? RenterMeter.MeterState(stored: bytes)
                _ = try? CreditEntry(stored: bytes)
            }
        }
    }
}
