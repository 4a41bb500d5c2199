import Cryptography
import Market
import Testing

@testable import Node

/// A provider, a renter, and what both sign of one lease of four hours.
enum LeaseOfTwo {
    static let wall: Int64 = 1_790_000_000_000
    static let network = "denied"
    static let (renter, provider) = (key(1), key(2))

    static func key(_ number: UInt8) -> Ed25519.PrivateKey {
        Ed25519.PrivateKey(seed: [UInt8](repeating: number, count: 32))
    }

    static func signed(
        _ body: RecordBody,
        by author: Ed25519.PrivateKey,
        until end: Int64
    ) throws -> SignedRecord {
        let record = Record(network: network, sequence: 1, issuedAt: wall, expiresAt: end, body: body)
        return try SignedRecord(signing: record, by: author)
    }

    static func bid(_ number: Int) throws -> StoredBid {
        let body = BidBody(
            bid: try #require(BidID([UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 1, count: 14))),
            marketClass: .nvidiaConsumer,
            counterparty: provider.publicKey,
            offer: try #require(OfferID([UInt8](repeating: 2, count: 16))),
            targetRecord: try #require(RecordID([UInt8](repeating: 9, count: 32))),
            count: 1,
            unit: "USD",
            gpuHourMicros: 360_000,
            durationSeconds: 4 * 3_600,
            startBy: wall + 55_000,
            validUntil: wall + 55_000,
            termsHash: [UInt8](repeating: 0, count: 32)
        )
        return try StoredBid(
            record: signed(.bid(body), by: renter, until: wall + 55_000),
            terms: LeaseTerms(image: "a")
        )
    }

    /// The lease of a bid, and its provider's word of the same moment that the GPUs can be used.
    static func lease(of bid: StoredBid) throws -> (record: SignedRecord, active: SignedRecord) {
        let body = LeaseBody(
            marketClass: .nvidiaConsumer,
            machine: try #require(MachineID([UInt8](repeating: 4, count: 16))),
            offer: bid.body.offer,
            provider: provider.publicKey,
            renter: renter.publicKey,
            bid: bid.body.bid,
            slots: [LeaseBody.Slot(number: 0, previous: nil)],
            startAt: wall,
            endAt: wall + 4 * 3_600_000,
            price: PriceTerms(unit: "USD", gpuHourMicros: 360_000),
            capMicros: 1_440_000,
            mode: .onDemand,
            meterSeconds: 60,
            exposureMicros: 1_000_000,
            noticeSeconds: 0,
            settlement: "credit",
            termsHash: bid.body.termsHash
        )
        let acceptance = LeaseAcceptance(accepting: body, network: network, until: wall + 20_000, by: renter)
        let state = LeaseStateBody(
            lease: body.lease,
            marketClass: body.marketClass,
            provider: body.provider,
            standing: .active,
            code: nil,
            endAt: body.endAt
        )
        let end = LeaseBody.expiryMax(endAt: body.endAt)
        return (
            try signed(.lease(AcceptedLease(body: body, acceptance: acceptance)), by: provider, until: end),
            try signed(.leaseState(state), by: provider, until: end)
        )
    }
}
