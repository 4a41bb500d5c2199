import Cryptography
import Market
import Node
import Primitives
import Testing

@testable import Simulator

@Suite struct `The ledger of a run's leases` {
    private static let wall: Int64 = 1_790_000_000_000
    private static let (provider, renter) = (key(1), key(2))

    private static func key(_ number: UInt8) -> Ed25519.PrivateKey {
        Ed25519.PrivateKey(seed: [UInt8](repeating: number, count: 32))
    }

    private static func signed(_ body: RecordBody) throws -> SignedRecord {
        let end = wall + 3_600_000 + 7 * 86_400_000
        let record = Record(network: "main", sequence: 1, issuedAt: wall, expiresAt: end, body: body)
        return try SignedRecord(signing: record, by: provider)
    }

    /// One GPU for an hour at 0.36: a hundred micros a second.
    private static func lease() throws -> LeaseBody {
        LeaseBody(
            marketClass: .nvidiaConsumer,
            machine: try #require(MachineID([UInt8](repeating: 4, count: 16))),
            offer: try #require(OfferID([UInt8](repeating: 2, count: 16))),
            provider: provider.publicKey,
            renter: renter.publicKey,
            bid: try #require(BidID([UInt8](repeating: 1, count: 16))),
            slots: [LeaseBody.Slot(number: 0, previous: nil)],
            startAt: wall,
            endAt: wall + 3_600_000,
            price: PriceTerms(unit: "USD", gpuHourMicros: 360_000),
            capMicros: 360_000,
            mode: .onDemand,
            meterSeconds: 60,
            exposureMicros: 360_000,
            noticeSeconds: 0,
            settlement: "credit",
            termsHash: [UInt8](repeating: 0, count: 32)
        )
    }

    @Test(
        arguments: [(500, nil, false), (501, nil, true), (6_500, 60, false), (6_501, 60, true)]
            as [(Int64, Int64?, Bool)]
    )
    func `finds a promise for time of which the renter had not heard`(
        promisedMicros: Int64,
        heardForSeconds: Int64?,
        isFault: Bool
    ) throws {
        let body = try Self.lease()
        var ledger = LeaseLedger()
        func write(_ row: StoredRow, _ node: Int, at wall: Int64) -> (looked: [Invariant], fault: LeaseLedger.Fault?) {
            let key = node == 0 ? Self.provider : Self.renter
            return ledger.wrote(row, node: node, key: key.publicKey, unixMilliseconds: wall, at: .zero)
        }
        let acceptance = LeaseAcceptance(accepting: body, network: "main", until: Self.wall + 20_000, by: Self.renter)
        let record = try Self.signed(.lease(AcceptedLease(body: body, acceptance: acceptance)))
        let made = write(
            StoredRow(.leases, key: body.lease.bytes, value: StoredLease(record: record).stored),
            0,
            at: Self.wall
        )
        #expect(made.fault == nil && made.looked == [.noDoubleLease])
        let now = Self.wall + 1_800_000
        if let heardForSeconds {
            let state = LeaseStateBody(
                lease: body.lease,
                marketClass: body.marketClass,
                provider: body.provider,
                standing: .active,
                code: nil,
                endAt: body.endAt
            )
            let word = StoredRow(
                .leaseStates,
                key: body.lease.bytes + [0],
                value: try Self.signed(.leaseState(state)).envelope
            )
            // The provider had written it at once.
            _ = write(word, 0, at: Self.wall)
            _ = write(word, 1, at: now - heardForSeconds * 1_000)
        }
        var meter = RenterMeter.MeterState()
        meter.promisedMicros = promisedMicros
        let paid = write(StoredRow(.vouchers, key: body.lease.bytes, value: meter.stored), 1, at: now)
        #expect(paid.looked == [.exposureBounded] && (paid.fault?.kind == "unheard") == isFault)
    }
}
