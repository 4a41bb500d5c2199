import Cryptography
import Market
import Primitives
import Testing

@testable import Node

/// A receipt repeats why the lease ended, and trust is computed from that: the renter signs under no end but the one it knows.
@Suite struct `The end that a receipt names` {
    private static let start: Int64 = 1_790_000_000_000
    private static let network = "ends"
    private static let (provider, renter) = (key(1), key(2))

    private static func key(_ number: UInt8) -> Ed25519.PrivateKey {
        Ed25519.PrivateKey(seed: [UInt8](repeating: number, count: 32))
    }

    private static func signed(_ body: RecordBody, by author: Ed25519.PrivateKey) throws -> SignedRecord {
        let end = start + 4 * 3_600_000
        let record = Record(network: network, sequence: 1, issuedAt: start, expiresAt: end, body: body)
        return try SignedRecord(signing: record, by: author)
    }

    /// A lease of an hour, as its renter holds it.
    private static func held() throws -> HeldLease {
        let body = LeaseBody(
            marketClass: .nvidiaConsumer,
            machine: try #require(MachineID([UInt8](repeating: 4, count: 16))),
            offer: try #require(OfferID([UInt8](repeating: 2, count: 16))),
            provider: provider.publicKey,
            renter: renter.publicKey,
            bid: try #require(BidID([UInt8](repeating: 3, count: 16))),
            slots: [LeaseBody.Slot(number: 0, previous: nil)],
            startAt: start,
            endAt: start + 3_600_000,
            price: PriceTerms(unit: "USD", gpuHourMicros: 360_000),
            capMicros: 360_000,
            mode: .onDemand,
            meterSeconds: 60,
            exposureMicros: 12_000,
            noticeSeconds: 0,
            settlement: "credit",
            termsHash: [UInt8](repeating: 0, count: 32)
        )
        let acceptance = LeaseAcceptance(accepting: body, network: network, until: start + 20_000, by: renter)
        let record = try signed(.lease(AcceptedLease(body: body, acceptance: acceptance)), by: provider)
        let meter = RenterMeter(lease: body, key: renter, network: network)
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
        return try signed(.leaseState(state), by: author)
    }

    /// Under which of these the renter would sign, so long after the start.
    private static func accepted(_ lease: HeldLease, afterMinutes minutes: Int64 = 10) throws -> [CloseCode] {
        let codes: [CloseCode] = [.done, .notAsDescribed, .maintenance, .unreachable, .expired, .lostState]
        return try codes.filter { code in
            let receipt = ReceiptBody(
                lease: lease.id,
                marketClass: lease.body.marketClass,
                renter: renter.publicKey,
                readySeconds: 0,
                activeSeconds: 0,
                unit: "USD",
                owedMicros: 0,
                paidMicros: 0,
                code: code,
                voucherHash: [],
                settlement: "credit"
            )
            let wall = start + minutes * 60_000
            return lease.agrees(withCodeOf: try signed(.receipt(receipt), by: provider), at: wall)
        }
    }

    @Test func `is none of the renter's own, and no agreed end before its time, if it has heard of none`() throws {
        let lease = try Self.held()
        #expect(try Self.accepted(lease) == [.maintenance, .unreachable, .lostState])
        #expect(try Self.accepted(lease, afterMinutes: 59) == [.maintenance, .unreachable, .expired, .lostState])
    }

    @Test func `is the one that either has said`() throws {
        var lease = try Self.held()
        lease.providerClose = try Self.close(lease, .maintenance, by: Self.provider)
        #expect(try Self.accepted(lease) == [.maintenance])
        lease.renterClose = try Self.close(lease, .done, by: Self.renter)
        #expect(try Self.accepted(lease) == [.done, .maintenance])
        lease.providerClose = nil
        #expect(try Self.accepted(lease) == [.done])
    }
}
