import Cryptography
import Market
import Primitives
import Testing

@Suite struct `Order books` {
    typealias S = RecordSamples
    private let models = Catalogue.standard.models(named: "rtx-4090")

    private func listing(_ provider: Int, price: Int64) throws -> Listing {
        let offer = S.offer(provider, machine: provider, price: price)
        return Listing(
            record: try S.signed(.offer(offer), by: S.key(provider), sequence: 1),
            offer: offer,
            machine: S.machine(provider),
            heardAt: S.start,
            vouchedUntil: S.start + 30 * S.minute
        )
    }

    private func bid(_ bidder: Int, on counterparty: Int, target: BidBody.Target, price: Int64) throws -> SignedRecord {
        let record = try #require(RecordID([UInt8](repeating: 1, count: 32)))
        let body = BidBody(
            bid: BidID(S.bytes16(bidder)),
            marketClass: .nvidiaConsumer,
            counterparty: S.key(counterparty).publicKey,
            offer: OfferID(S.bytes16(target == .offer ? counterparty : bidder)),
            target: target,
            targetRecord: record,
            count: 1,
            unit: "USD",
            gpuHourMicros: price,
            durationSeconds: 3_600,
            startBy: S.start + S.minute,
            validUntil: S.start + S.minute,
            termsHash: [UInt8](repeating: 0, count: 32)
        )
        return try S.signed(.bid(body), by: S.key(bidder), sequence: 1, for: S.minute)
    }

    private func request(_ renter: Int, total: Int64, ids: [String] = ["rtx-4090"]) throws -> SignedRecord {
        let body = RequestBody(
            request: RequestID(S.bytes16(renter)),
            alternatives: [.init(marketClass: .nvidiaConsumer, catalogueIDs: ids, count: 2)],
            unit: "USD",
            totalMicrosMax: total,
            durationSeconds: 7_200,
            deadline: S.start + S.hour,
            hasPublicBids: true,
            sealingKey: [UInt8](repeating: 1, count: 32)
        )
        return try S.signed(.request(body), by: S.key(renter), sequence: 1, for: S.hour)
    }

    @Test func `asks rise, bids and requests fall, and only what concerns the model is there`() throws {
        var statements = MarketStatements()
        statements.bids = [
            try bid(8, on: 1, target: .offer, price: 100_000), try bid(9, on: 1, target: .offer, price: 200_000),
            try bid(7, on: 99, target: .offer, price: 900_000),
            try bid(2, on: 5, target: .request(RequestID(S.bytes16(5))), price: 310_000),
            try bid(1, on: 5, target: .request(RequestID(S.bytes16(5))), price: 290_000),
        ]
        statements.requests = [
            try request(5, total: 1_600_000), try request(6, total: 3_200_000),
            try request(4, total: 9, ids: ["rtx-3090"]),
        ]
        let rows = [try listing(2, price: 400_000), try listing(1, price: 300_000)]
        let book = OrderBook(of: models, listings: rows, statements: statements, at: S.start)
        #expect(book.asks.map(\.gpuHourMicros) == [300_000, 400_000])
        #expect(book.bids.map(\.body.gpuHourMicros) == [200_000, 100_000])
        // 3.2 USD for two GPUs and two hours is 0.8 an hour.
        #expect(book.wants.map(\.gpuHourMicrosMax) == [800_000, 400_000])
        #expect(book.wants[1].bids.map(\.body.gpuHourMicros) == [290_000, 310_000])
        let later = OrderBook(of: models, listings: rows, statements: statements, at: S.start + 2 * S.hour)
        #expect(later.asks.isEmpty && later.bids.isEmpty && later.wants.isEmpty)
    }
}
