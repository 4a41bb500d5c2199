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
    }

    @Test func `old bookings become one for each account, and no balance changes`() throws {
        var ledger = CreditLedger()
        let me = lease.provider
        var rows: [LeaseID: CreditEntry] = [:]
        for number in 0..<20 {
            var other = lease
            other.bid = BidID(S.bytes16(number))
            let voucher = Voucher(
                lease: other.lease,
                nonce: 1,
                amountMicros: 10,
                tickHash: [UInt8](repeating: 1, count: 32)
            )
            let entry = try #require(ledger.booking(of: voucher, for: other, by: me, at: Int64(number)))
            ledger.apply(entry)
            rows[entry.key.lease] = entry
        }
        let held = try #require(rows.keys.min())
        for round in 1...2 {
            // Nine, then the rest; the one that is still held stays.
            let now = CreditLedger.foldMilliseconds + (round == 1 ? 9 : 100)
            let fold = try #require(ledger.fold(at: now) { $0 == held })
            for entry in fold.carried { rows[entry.key.lease] = try CreditEntry(stored: entry.stored) }
            for lease in fold.folded { rows[lease] = nil }
            ledger.apply(fold)
            #expect(ledger.balance(with: lease.renter, unit: "USD") == 200 && fold.carried.count == 1)
            var restarted = CreditLedger()
            for entry in rows.values { restarted.apply(entry) }
            #expect(restarted.balance(with: lease.renter, unit: "USD") == 200)
        }
        #expect(rows.count == 2 && rows[held] != nil)
        #expect(
            ledger.fold(at: .max - CreditLedger.foldMilliseconds) { $0 == held } == nil,
            "the past is not folded again"
        )
    }

    @Test func `two vouchers that are on their way to the disk at once count once`() throws {
        var ledger = CreditLedger()
        let (me, peer) = (lease.provider, lease.renter)
        let first = try #require(ledger.booking(of: voucher(1, 100), for: lease, by: me, at: 1))
        let second = try #require(ledger.booking(of: voucher(2, 150), for: lease, by: me, at: 1))
        ledger.apply(first)
        ledger.apply(second)
        #expect(ledger.balance(with: peer, unit: "USD") == 150)
    }

    @Test(arguments: [Int64(40), 100, 130])
    func `a receipt is a lease's last booking, whatever was promised`(paid: Int64) throws {
        let receipt = ReceiptBody(
            lease: lease.lease,
            marketClass: lease.marketClass,
            renter: lease.renter,
            readySeconds: 1,
            activeSeconds: 1,
            unit: lease.price.unit,
            owedMicros: paid,
            paidMicros: paid,
            code: .done,
            voucherHash: [UInt8](repeating: 1, count: 32),
            settlement: lease.settlement
        )
        for (me, peer, sign) in [(lease.provider, lease.renter, Int64(1)), (lease.renter, lease.provider, -1)] {
            var ledger = CreditLedger()
            ledger.apply(try #require(ledger.booking(of: voucher(1, 100), for: lease, by: me, at: 1)))
            let last = ledger.booking(of: receipt, for: lease, by: me, at: 2)
            #expect((last == nil) == (paid == 100))
            if let last {
                ledger.apply(last)
                let stored = try CreditEntry(stored: last.stored)
                #expect(stored == last)
                var restarted = CreditLedger()
                restarted.apply(stored)
                #expect(restarted == ledger || restarted.balance(with: peer, unit: "USD") == sign * paid)
                #expect(ledger.booking(of: voucher(9, 900), for: lease, by: me, at: 3) == nil)
            }
            #expect(ledger.balance(with: peer, unit: "USD") == sign * paid)
        }
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
