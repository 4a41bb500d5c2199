import Cryptography
import Market
import Primitives
import Testing

@Suite struct `Price statistics` {
    typealias S = RecordSamples

    private func listing(_ number: Int, price: Int64, heardAt: Int64 = S.start, unit: String = "USD") throws -> Listing
    {
        var offer = S.offer(number, machine: number, price: price)
        offer.price.unit = unit
        return Listing(
            record: try S.signed(.offer(offer), by: S.key(number), sequence: 1, at: heardAt - S.start),
            offer: offer,
            machine: S.machine(number),
            heardAt: heardAt,
            vouchedUntil: heardAt + 30 * S.minute
        )
    }

    @Test(
        arguments: [
            ([5], 5, 5, 5), ([1, 2], 1, 1, 2), ([3, 1, 2], 1, 2, 3), (Array(1...10), 1, 5, 9),
            (Array(1...100), 10, 50, 90),
            (Array(repeating: 7, count: 33), 7, 7, 7),
        ] as [([Int64], Int64, Int64, Int64)]
    )
    func `quantiles are nearest ranks`(prices: [Int64], p10: Int64, median: Int64, p90: Int64) throws {
        let quantiles = try #require(PriceQuantiles(of: prices.reversed()))
        #expect(quantiles.count == prices.count)
        #expect([quantiles.p10, quantiles.median, quantiles.p90] == [p10, median, p90])
        #expect(PriceQuantiles(of: []) == nil)
    }

    @Test func `asked prices are of live offers, one unit at a time`() throws {
        let rows = [
            try listing(1, price: 300_000), try listing(2, price: 400_000), try listing(3, price: 500, unit: "sat"),
            try listing(4, price: 1, heardAt: S.start - S.hour),
        ]
        let sample = PriceSample(listings: rows, leases: [], at: S.start)
        #expect(
            sample.keys == [PriceSeriesKey(gpu: "rtx-4090", unit: "USD"), PriceSeriesKey(gpu: "rtx-4090", unit: "sat")]
        )
        let dollars = try #require(sample.askedQuantiles(of: PriceSeriesKey(gpu: "rtx-4090", unit: "USD")))
        #expect(dollars.count == 2 && dollars.median == 300_000 && dollars.p90 == 400_000)
        #expect(sample.leasedQuantiles(of: sample.keys[0]) == nil)
    }

    private func lease(_ number: Int, startAt: Int64, price: Int64) throws -> LeasedSlots {
        let body = S.lease(number, startAt: startAt, price: price)
        return try #require(LeasedSlots(try S.signedLease(body, at: startAt - S.start)))
    }

    @Test func `leased prices are of thirty days, by the machine that was leased`() throws {
        let rows = [try listing(1, price: 300_000)]
        let leases = [
            try lease(1, startAt: S.start, price: 250_000), try lease(2, startAt: S.start + S.day, price: 350_000),
        ]
        let now = S.start + 2 * S.day
        let sample = PriceSample(listings: rows, leases: leases, at: now)
        let key = PriceSeriesKey(gpu: "rtx-4090", unit: "USD")
        #expect(sample.leasedQuantiles(of: key)?.count == 2)
        #expect(sample.leasedQuantiles(of: key)?.p90 == 350_000)
        #expect(PriceSample(listings: rows, leases: leases, at: now + 29 * S.day).leasedQuantiles(of: key) == nil)
        let blind = PriceSample(listings: [], leases: leases, at: now)
        #expect(blind.unknownLeaseCount == 2 && blind.keys.isEmpty)
    }

    @Test func `a history keeps the last sample of each of ninety days, and survives its bytes`() throws {
        var history = PriceHistory()
        let key = PriceSeriesKey(gpu: "rtx-4090", unit: "USD")
        for day in 0..<100 {
            for hour in [3, 9] {
                let now = S.start / S.day * S.day + Int64(day) * S.day + Int64(hour) * S.hour
                let row = try listing(1, price: Int64(100_000 + day * 1_000 + hour), heardAt: now)
                history.note(PriceSample(listings: [row], leases: [], at: now))
            }
        }
        let days = history.days(of: key)
        #expect(days.count == PriceHistory.dayCountMax)
        #expect(days.last?.asked?.median == 199_009)
        #expect(zip(days, days.dropFirst()).allSatisfy { $0.day + 1 == $1.day })
        let encoded = history.encoded
        #expect(PriceHistory(decoding: encoded) == history)
        #expect(PriceHistory(decoding: Array(encoded.dropLast(3))).keys.isEmpty, "what is damaged is no history")
        #expect(PriceHistory(decoding: []).keys.isEmpty)
    }

    @Test func `a history keeps no more series than its bound`() throws {
        var history = PriceHistory()
        for number in 0..<(PriceHistory.seriesCountMax + 5) {
            var text = ""
            for digit in [number / 100, number / 10 % 10, number % 10] {
                text += ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"][digit]
            }
            history.note(PriceSample(listings: [try listing(1, price: 5, unit: text)], leases: [], at: S.start))
        }
        #expect(history.keys.count == PriceHistory.seriesCountMax)
        #expect(history.keys.first?.unit == "aaf", "the series that were seen first are gone")
        #expect(PriceHistory(decoding: history.encoded) == history)
    }

    @Test func `damaged bytes never trap`() {
        var random = S.random(77)
        for _ in 0..<500 { _ = PriceHistory(decoding: random.bytes(random.below(200))) }
    }
}
