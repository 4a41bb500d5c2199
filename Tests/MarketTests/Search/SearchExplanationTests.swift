import Testing

@testable import Market

@Suite struct `Search explanation` {
    @Test func `the survivors of each condition are counted in order`() throws {
        let table = try SearchTable(rows: [
            MarketRow(offerID: 1), MarketRow(offerID: 2, price: 600_000),
            MarketRow(offerID: 3, price: 300_000, country: "US"), MarketRow(offerID: 4, country: ""),
        ])

        let result = try table.result("country=DE price<=0.4")

        #expect(result.effectiveQuery == "country=DE price<=0.4USD")
        #expect(result.explanation.rowCount == 4)
        #expect(
            result.explanation.steps == [
                .init(term: "country=DE", passCount: 2, unknownCount: 1, survivorCount: 2),
                .init(term: "price<=0.4USD", passCount: 3, unknownCount: 0, survivorCount: 1),
            ]
        )
    }

    @Test func `the nearest miss is the offer that misses fewest conditions by least`() throws {
        let table = try SearchTable(rows: [
            MarketRow(offerID: 1, price: 500_000), MarketRow(offerID: 2, price: 450_000),
            MarketRow(offerID: 3, price: 410_000, country: "US"),
        ])

        let miss = try #require(try table.result("country=DE price<=0.4").explanation.nearestMiss)

        #expect(miss.id.offer.bytes[0] == 2)
        #expect(miss.shortfalls.map(\.description) == ["price<=0.4USD: 0.45USD, 0.05USD too much"])
    }

    @Test(arguments: [
        ("count>=4", "count>=4: 1, 3 too little"), ("memory>=48GB", "memory>=48GB: 24GB, 24GB too little"),
        ("age<30s", "age<30s: 1m, 31s too much"), ("duration>=8d", "duration>=8d: 1h to 7d, 1d too little"),
        ("duration<=30m", "duration<=30m: 1h to 7d, 30m too much"), ("gpu=h200", "gpu=h200-sxm: rtx-4090"),
        ("country=FR", "country=FR: DE"), ("disk>=1TB", "disk>=1TB: not stated"), ("live=false", "live=false: true"),
        ("fp32>=90", "fp32>=90: 82.58, 7.42 too little"), ("power<1kW", "power<1000W: not stated"),
        ("(gpu=h200 or count=2)", "(gpu=h200-sxm or count=2): no alternative holds"),
        ("price<=100sat", "price<=100sat: 0.4USD"), ("runtime=docker", "runtime=docker: not stated"),
        ("cuda>=9.0", "cuda>=9.0: 8.9"),
    ]) func `a miss says what was found and by how much`(query: String, text: String) throws {
        let table = try SearchTable(rows: [MarketRow()])

        #expect(try table.result(query).explanation.nearestMiss?.shortfalls.map(\.description) == [text])
    }

    @Test func `nothing is near when everything passes or nothing is there`() throws {
        #expect(try SearchTable(rows: [MarketRow()]).result("count=1").explanation.nearestMiss == nil)
        #expect(try SearchTable(rows: []).result("count=1").explanation.nearestMiss == nil)
    }

    @Test func `units that do not compare and trust that nobody knows are noted`() throws {
        let table = try SearchTable(rows: [
            MarketRow(offerID: 1), MarketRow(offerID: 2, unit: "sat"), MarketRow(offerID: 3, unit: "EUR"),
            MarketRow(offerID: 4, unit: "sat"),
        ])

        #expect(
            try table.result("price<=0.4 trust>=0.5").explanation.notes == [
                "1 of 4 rows are priced in EUR and do not compare with USD",
                "2 of 4 rows are priced in sat and do not compare with USD", "trust is not known for any provider yet",
            ]
        )
        #expect(try table.result("count=1", sort: "age").explanation.notes.isEmpty)
    }
}

@Suite struct `Search changes` {
    static func keys(_ rows: [MarketRow]) throws -> [SearchRowKey] {
        try SearchTable(rows: rows).result("").rows.map(SearchRowKey.init)
    }

    @Test func `rows appear, change and go; a move is no change`() throws {
        let before = try Self.keys([
            MarketRow(offerID: 1), MarketRow(offerID: 2), MarketRow(offerID: 3), MarketRow(offerID: 4),
        ])
        let after = try Self.keys([
            MarketRow(offerID: 1), MarketRow(offerID: 3, price: 1, sequence: 2),
            MarketRow(offerID: 4, heardSecondsAgo: 1_000),
            MarketRow(offerID: 5),
        ])

        let changes = SearchChange.between(before, after)

        #expect(changes.map(Self.text) == ["gone 2", "changed 3", "changed 4", "appeared 5"])
        #expect(SearchChange.between(after, after.reversed()).isEmpty)
        #expect(SearchChange.between([], []).isEmpty)
    }

    static func text(_ change: SearchChange) -> String {
        switch change {
        case .appeared(let id): "appeared \(id.offer.bytes[0])"
        case .changed(let id): "changed \(id.offer.bytes[0])"
        case .gone(let id): "gone \(id.offer.bytes[0])"
        }
    }
}
