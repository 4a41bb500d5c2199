import Cryptography
import Testing

@testable import Market

@Suite struct `Search ranking` {
    static func ranks(_ rows: [MarketRow], _ sort: String) throws -> [String] {
        try SearchTable(rows: rows).result("", sort: sort).rows.map { "\($0.id.offer.bytes[0]): \($0.rank)" }
    }

    @Test func `a quote adds the GPUs, the disk and the traffic of the request`() throws {
        let table = try SearchTable(rows: [MarketRow(devices: 4, price: 400_000, storage: 72_000, traffic: 10_000)])
        let request = try SearchRequest(
            query: SearchQuery(text: "count>=2"),
            hours: 10,
            diskGibibytes: 100,
            trafficGibibytes: 33
        )

        let quote = try #require(table.search(request, context: SearchContext(now: MarketRow.now)).rows.first?.quote)

        #expect(quote.gpuCount == 2)
        #expect(quote.gpuMicros == 800_000)
        #expect(quote.storageMicros == 10_000)
        #expect(quote.trafficMicros == 33_000)
        #expect(quote.totalMicros == 843_000)
        #expect(quote.unit == "USD")
    }

    @Test func `price ranks by the whole quote and puts other units last`() throws {
        let rows = [
            MarketRow(offerID: 1, price: 500_000), MarketRow(offerID: 2, price: 1, unit: "sat"),
            MarketRow(offerID: 3, price: 300_000),
        ]

        #expect(try Self.ranks(rows, "price") == ["3: 0.3 USD/h", "1: 0.5 USD/h", "2: unknown: priced in sat"])
        #expect(try Self.ranks(rows, "-price") == ["1: 0.5 USD/h", "3: 0.3 USD/h", "2: unknown: priced in sat"])
    }

    @Test func `prices per figure divide by what the catalogue claims`() throws {
        let rows = [
            MarketRow(offerID: 1, price: 412_900),
            MarketRow(offerID: 2, model: "p40", price: 117_600),
            MarketRow(offerID: 3, model: "nobody-knows", price: 1),
        ]

        // 0.4129 ÷ 82.58; 0.1176 ÷ 11.76.
        #expect(
            try Self.ranks(rows, "price/fp32") == [
                "1: 0.005 USD/TFLOPS-h (claimed)", "2: 0.01 USD/TFLOPS-h (claimed)", "3: unknown: fp32 not known",
            ]
        )
        // 0.4129 ÷ 165.2 dense tensor; 0.1176 ÷ 0.18 vector.
        #expect(
            try Self.ranks(rows, "price/fp16") == [
                "1: 0.002499394 USD/TFLOPS-h (claimed)", "2: 0.653333333 USD/TFLOPS-h (claimed, vector)",
                "3: unknown: fp16 not known",
            ]
        )
        // 0.4129 ÷ 1,008; 0.1176 ÷ 346.
        #expect(
            try Self.ranks(rows, "price/bw") == [
                "2: 0.000339884 USD/(GB/s)-h (claimed)", "1: 0.000409623 USD/(GB/s)-h (claimed)",
                "3: unknown: bandwidth not known",
            ]
        )
        // Without a model the driver's size counts, rounded up to whole GiB: 24.
        #expect(
            try Self.ranks(rows, "price/gb") == [
                "3: 0.000000041 USD/GB-h (claimed)", "2: 0.0049 USD/GB-h (claimed)",
                "1: 0.017204166 USD/GB-h (claimed)",
            ]
        )
    }

    @Test func `tokens follow the decode roofline and what does not fit is rejected aloud`() throws {
        let rows = [
            MarketRow(offerID: 1, price: 360_000),
            MarketRow(offerID: 2, model: "rtx-3080-10gb", price: 100_000),
            MarketRow(offerID: 3, model: "b300-sxm", price: 4_000_000),
        ]
        let table = try SearchTable(rows: rows)

        let result = try table.result("", sort: "price/mtok:7B:2")

        // 1,008 GB/s ÷ 14 GB = 72 tokens/s = 0.2592 Mtok/h; 14 GB do not fit 80 % of 10 GB.
        #expect(
            result.rows.map { "\($0.id.offer.bytes[0]): \($0.rank)" } == [
                "1: 1.388888888 USD/Mtok (claimed)", "3: unknown: bandwidth not known",
            ]
        )
        #expect(result.explanation.steps.map(\.term) == ["fits 7B parameters of 2 bytes with 20 % to spare"])
        #expect(result.explanation.steps.map(\.survivorCount) == [2])
        #expect(result.effectiveSort == "price/mtok:7B:2")
    }

    @Test func `a model may lie across the GPUs of one lease`() throws {
        let table = try SearchTable(rows: [MarketRow(devices: 4)])

        #expect(try table.found("count>=2", sort: "price/mtok:19B:2") == [1])
        #expect(try table.found("count>=2", sort: "price/mtok:20B:2") == [])
        #expect(try table.found("count>=3", sort: "price/mtok:20B:2") == [1])
    }

    @Test func `energy takes the stated power, else the board power, and says which`() throws {
        let stated = MarketRow(
            offerID: 1,
            adjust: { machine in
                machine.power.wattsPerDevice = 360
                machine.power.gramsPerKilowattHour = 100
            }
        )
        let rows = [stated, MarketRow(offerID: 2)]

        // 0.36 kW ÷ 0.2592 Mtok/h; 0.45 kW ÷ 0.2592 Mtok/h.
        #expect(
            try Self.ranks(rows, "kwh/mtok:7B:2") == [
                "1: 1.388888888 kWh/Mtok (claimed)", "2: 1.736111111 kWh/Mtok (claimed, board power)",
            ]
        )
        #expect(
            try Self.ranks(rows, "gco2/mtok:7B:2") == [
                "1: 138.888888888 gCO2/Mtok (claimed)", "2: unknown: emissions not stated",
            ]
        )
    }

    @Test func `measured and believed facts rank where they are known`() throws {
        let table = try SearchTable(rows: (1...3).map { MarketRow(provider: UInt8($0), offerID: UInt8($0)) })
        var context = SearchContext(now: MarketRow.now)
        context.roundTrips = [
            MarketRow.key(1).publicKey: .milliseconds(40), MarketRow.key(3).publicKey: .microseconds(1_500),
        ]
        context.trust = [
            MarketRow.key(1).publicKey: Thousandths(count: 200), MarketRow.key(2).publicKey: Thousandths(count: 710),
        ]

        func ranks(_ sort: String) throws -> [String] {
            let request = try SearchRequest(query: .everything, sort: SearchSort(text: sort))
            return table.search(request, context: context).rows.map { "\($0.id.offer.bytes[0]): \($0.rank)" }
        }

        #expect(try ranks("rtt") == ["3: 1.5 ms", "1: 40 ms", "2: unknown: not measured"])
        #expect(try ranks("-rtt") == ["1: 40 ms", "3: 1.5 ms", "2: unknown: not measured"])
        #expect(try ranks("trust") == ["2: 0.71 trust", "1: 0.2 trust", "3: unknown: trust not known"])
        #expect(try ranks("-trust") == ["1: 0.2 trust", "2: 0.71 trust", "3: unknown: trust not known"])
    }

    @Test func `age puts what was heard last first`() throws {
        let rows = [MarketRow(offerID: 1, heardSecondsAgo: 600), MarketRow(offerID: 2, heardSecondsAgo: 5)]

        #expect(try Self.ranks(rows, "age") == ["2: 5 s", "1: 600 s"])
    }

    @Test func `ties are settled by provider and offer, whatever the order of the listings`() throws {
        let rows = [(3, 1), (1, 2), (2, 9), (1, 1), (2, 3)].map {
            MarketRow(provider: UInt8($0.0), offerID: UInt8($0.1))
        }
        let listings = try rows.map { try $0.listing() }
        let request = try SearchRequest(query: .everything)

        let orders = [listings, listings.reversed()].map { listings in
            SearchTable(listings: listings).search(request, context: SearchContext(now: MarketRow.now)).rows.map(\.id)
        }

        #expect(orders[0] == listings.map(\.id).sorted())
        #expect(orders[1] == orders[0])
    }

    @Test func `the limit cuts the rows and keeps the count`() throws {
        let table = try SearchTable(rows: (1...5).map { MarketRow(offerID: UInt8($0)) })

        let result = try table.result("count=1", limit: 2)

        #expect(result.rows.count == 2)
        #expect(result.matchCount == 5)
    }

    @Test(arguments: [
        "price", "price/fp32", "price/fp16", "price/gb", "price/bw", "price/mtok:7B:2", "kwh/mtok:1.5B:0.5",
        "gco2/mtok:800M:1",
        "rtt", "trust", "age", "-price", "-price/mtok:1000B:1",
    ]) func `a sort key prints as it is written`(text: String) throws {
        #expect(try SearchSort(text: text).description == text)
    }

    @Test(arguments: [
        ("prise", "price"), ("price/mtok", "price/mtok:7B:2"), ("price/mtok:7:2", "price/mtok:7B:2"),
        ("price/mtok:7B:17", "price/mtok:7B:2"), ("price/mtok:0B:1", "price/mtok:7B:2"), ("kwh/mtok", "kwh/mtok:7B:2"),
        ("weather", nil), ("", nil),
    ]) func `another text is no sort key`(text: String, nearest: String?) {
        #expect(throws: SearchSortError(text: text, nearest: nearest)) { try SearchSort(text: text) }
    }

    @Test func `a request outside its bounds is refused by name`() {
        #expect(throws: SearchRequestError.outOfBounds(name: "limit", found: 0, accepted: 1...10_000)) {
            try SearchRequest(query: .everything, limit: 0)
        }
        #expect(throws: SearchRequestError.outOfBounds(name: "hours", found: 2_161, accepted: 1...2_160)) {
            try SearchRequest(query: .everything, hours: 2_161)
        }
        #expect(throws: SearchRequestError.self) { try SearchRequest(query: .everything, diskGibibytes: -1) }
        #expect(throws: SearchRequestError.self) { try SearchRequest(query: .everything, trafficGibibytes: .max) }
    }
}
