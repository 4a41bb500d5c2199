import Cryptography
import Market
import Primitives
import Testing

@testable import Node

/// A receipt repeats why the lease ended, and trust is computed from that: the renter signs under no end but the one it knows.
@Suite struct `The end that a receipt names` {
    private typealias T = LeaseOfTwo

    /// As its renter holds it.
    private static func held() throws -> HeldLease {
        let record = try T.lease(of: try T.bid(1)).record
        let body = try #require(CounterFacts.body(of: record))
        let meter = RenterMeter(lease: body, key: T.renter, network: T.network)
        return HeldLease(record: record, body: body, terms: nil, meter: .renter(meter))
    }

    private static func close(
        _ lease: HeldLease,
        _ code: CloseCode,
        by author: Ed25519.PrivateKey
    ) throws -> SignedRecord {
        let state = LeaseStateBody(
            lease: lease.id,
            marketClass: lease.body.marketClass,
            provider: lease.body.provider,
            standing: .closed,
            code: code,
            endAt: lease.body.endAt
        )
        return try T.signed(.leaseState(state), by: author, until: lease.record.record.expiresAt)
    }

    /// Under which of these the renter would sign, so long after the start.
    private static func accepted(_ lease: HeldLease, afterMinutes minutes: Int64 = 10) throws -> [CloseCode] {
        let codes: [CloseCode] = [.done, .notAsDescribed, .maintenance, .unreachable, .expired, .lostState]
        return try codes.filter { code in
            let receipt = ReceiptBody(
                lease: lease.id,
                marketClass: lease.body.marketClass,
                renter: T.renter.publicKey,
                readySeconds: 0,
                activeSeconds: 0,
                unit: "USD",
                owedMicros: 0,
                paidMicros: 0,
                code: code,
                voucherHash: [],
                settlement: "credit"
            )
            let record = try T.signed(.receipt(receipt), by: T.provider, until: lease.record.record.expiresAt)
            return lease.agrees(withCodeOf: record, at: T.wall + minutes * 60_000)
        }
    }

    @Test func `is none of the renter's own, and no agreed end before its time, if it has heard of none`() throws {
        let lease = try Self.held()
        #expect(try Self.accepted(lease) == [.maintenance, .unreachable, .lostState])
        #expect(try Self.accepted(lease, afterMinutes: 239) == [.maintenance, .unreachable, .expired, .lostState])
    }

    @Test func `is the one that either has said`() throws {
        var lease = try Self.held()
        lease.providerClose = try Self.close(lease, .maintenance, by: T.provider)
        #expect(try Self.accepted(lease) == [.maintenance])
        lease.renterClose = try Self.close(lease, .done, by: T.renter)
        #expect(try Self.accepted(lease) == [.done, .maintenance])
        lease.providerClose = nil
        #expect(try Self.accepted(lease) == [.done])
    }
}
