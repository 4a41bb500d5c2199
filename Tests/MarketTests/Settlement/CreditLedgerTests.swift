import Cryptography
import Market
import Testing

@Suite struct `Credit ledger` {
    typealias S = RecordSamples
    let lease = RecordSamples.lease()

    func voucher(_ nonce: UInt64, _ amount: Int64) -> Voucher {
        Voucher(lease: lease.lease, nonce: nonce, amountMicros: amount, tickHash: [UInt8](repeating: 1, count: 32))
    }

    @Test func `a voucher is booked once, a later one of its lease adds the difference`() throws {
        var ledger = CreditLedger()
        let (me, peer) = (lease.provider, lease.renter)
        let first = try #require(ledger.booking(of: voucher(1, 100), for: lease, by: me, at: 1))
        // A crash between storing and answering asks again: until it is applied the booking is the same.
        #expect(ledger.booking(of: voucher(1, 100), for: lease, by: me, at: 1) == first)
        ledger.apply(first)
        ledger.apply(first)
        #expect(ledger.balance(with: peer, unit: "USD") == 100)
        #expect(ledger.booking(of: voucher(1, 100), for: lease, by: me, at: 2) == nil)
        #expect(ledger.booking(of: voucher(1, 150), for: lease, by: me, at: 2) == nil)
        #expect(ledger.booking(of: voucher(2, 100), for: lease, by: me, at: 2) == nil)
        let second = try #require(ledger.booking(of: voucher(2, 150), for: lease, by: me, at: 2))
        ledger.apply(second)
        ledger.apply(first)
        #expect(ledger.balance(with: peer, unit: "USD") == 150 && ledger.balance(with: peer, unit: "sat") == 0)
        #expect(second.changeMicros == 50)
    }

    @Test func `what one is owed the other owes, and strangers book nothing`() throws {
        var (provider, renter) = (CreditLedger(), CreditLedger())
        let earned = try #require(provider.booking(of: voucher(1, 70), for: lease, by: lease.provider, at: 1))
        let owed = try #require(renter.booking(of: voucher(1, 70), for: lease, by: lease.renter, at: 1))
        provider.apply(earned)
        renter.apply(owed)
        #expect(provider.balance(with: lease.renter, unit: "USD") == 70)
        #expect(renter.balance(with: lease.provider, unit: "USD") == -70)
        #expect(provider.booking(of: voucher(2, 80), for: lease, by: S.key(9).publicKey, at: 1) == nil)
        #expect(provider.booking(of: voucher(2, lease.capMicros + 1), for: lease, by: lease.provider, at: 1) == nil)
        #expect(provider.booking(of: voucher(2, 80), for: S.lease(5), by: lease.provider, at: 1) == nil)
    }
}
