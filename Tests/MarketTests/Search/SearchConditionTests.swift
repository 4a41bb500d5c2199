import Cryptography
import Identity
import Market
import Testing

@Suite struct `Search conditions` {
    /// Offers 1 to 6: a cheap single 4090, two 4090, an A100, a card outside the catalogue, one in another unit, a bare one.
    static func market() throws -> SearchTable {
        try SearchTable(rows: [
            MarketRow(provider: 1, offerID: 1, price: 300_000, country: "FR"),
            MarketRow(provider: 1, offerID: 2, devices: 2, price: 400_000, modes: [.onDemand, .interruptible]),
            MarketRow(
                provider: 2,
                offerID: 3,
                model: "a100-sxm4-80gb",
                devices: 4,
                marketClass: .nvidiaDatacenter,
                memoryMebibytes: 81_920,
                largestBlock: 2,
                price: 900_000,
                heardSecondsAgo: 1_200,
                country: "US",
                continent: "NA",
                adjust: { machine in
                    machine.host.diskGibibytes = 500
                    machine.host.memoryMebibytes = 262_144
                    machine.host.coreCount = 64
                    machine.network.downMegabitsPerSecond = 1_000
                    machine.network.upMegabitsPerSecond = 500
                    machine.network.reach = .public
                    machine.place.city = "New York"
                    machine.power.wattsPerDevice = 380
                    machine.runtimes = ["docker", "podman"]
                }
            ),
            MarketRow(
                provider: 3,
                offerID: 4,
                model: "",
                marketClass: .other,
                memoryMebibytes: 11_500,
                price: 100_000,
                adjust: { $0.devices[0].computeCapability = "7.2" }
            ),
            MarketRow(provider: 3, offerID: 5, price: 250, unit: "sat", durationMin: 86_400),
            MarketRow(provider: 4, offerID: 6, price: 700_000, vouchedSeconds: 0, hasMachine: false),
        ])
    }

    @Test(arguments: [
        ("", [4, 1, 2, 6, 3, 5]),
        ("gpu=rtx-4090", [1, 2, 5]), ("gpu!=rtx-4090", [3]), ("gpu=a100", [3]),
        ("gpu in [rtx-4090,a100]", [1, 2, 3, 5]),
        ("class=consumer", [1, 2, 6, 5]), ("class=other", [4]), ("class notin [consumer,other]", [3]),
        ("vendor=nvidia", [1, 2, 6, 3, 5]), ("arch=ada", [1, 2, 5]),
        ("count>=2", [2, 3]), ("count=1", [4, 1, 6, 5]), ("count>2", []), ("count in [1,2]", [4, 1, 2, 6, 3, 5]),
        ("memory>=24GB", [1, 2, 3, 5]), ("memory=12GB", [4]), ("memory<24GiB", [4]), ("memory!=24GB", [4, 3]),
        ("cuda>=8.0", [1, 2, 3, 5]), ("cuda=7.2", [4]), ("bandwidth>1TB/s", [1, 2, 3, 5]), ("bandwidth>2000", [3]),
        ("fp32>=80", [1, 2, 5]), ("fp16>=300", [3]), ("tdp<=400W", [3]), ("power<=380", [3]), ("power>380", []),
        ("price<=0.40", [4, 1, 2]), ("price<0.40", [4, 1]), ("price>0.4", [6, 3]), ("price!=0.3", [4, 2, 6, 3]),
        ("price<=250sat", [5]), ("price in [0.1,0.3]", [4, 1]), ("price notin [0.1,0.3]", [2, 6, 3]),
        ("unit=sat", [5]), ("unit!=sat", [4, 1, 2, 6, 3]),
        ("country in [DE,FR]", [4, 1, 2, 5]), ("country!=DE", [1, 3]), ("continent=NA", [3]), ("continent!=EU", [3]),
        ("city=\"new york\"", [3]), ("city!=berlin", [3]),
        ("age<=1m", [4, 1, 2, 6, 5]), ("age>15m", [3]), ("live=true", [4, 1, 2, 3, 5]), ("live=false", [6]),
        ("live!=true", [6]),
        ("silent=true", [3]), ("silent=false", [4, 1, 2, 6, 5]),
        ("interruptible=true", [2]), ("interruptible!=true", [4, 1, 6, 3, 5]),
        ("duration=4h", [4, 1, 2, 6, 3]), ("duration<=1h", [4, 1, 2, 6, 3]), ("duration>7d", []), ("duration!=4h", [5]),
        ("min>=1d", [5]), ("max>=7d", [4, 1, 2, 6, 3, 5]),
        ("disk>=500GB", [3]), ("ram>256GB", []), ("ram>=256GB", [3]), ("cores<=64", [3]), ("down>=1Gbps", [3]),
        ("up>500", []),
        ("reach=public", [3]), ("reach!=public", []), ("runtime=podman", [3]), ("runtime!=docker", []),
        ("machine=0303", [4, 5]), ("machine=030", [4, 5]), ("machine=04", [6]), ("offer=05", [5]), ("offer=051", []),
        ("offer!=05", [4, 1, 2, 6, 3]), ("trust>=0", []),
        ("(gpu=a100 or price<=0.1)", [4, 3]), ("(gpu=rtx-4090 (country=FR or count>=2) or gpu=a100)", [1, 2, 3]),
        ("gpu=rtx-4090 price<=0.4 country=DE", [2]),
    ]) func `a condition passes exactly the rows it names`(query: String, offers: [UInt8]) throws {
        #expect(try Self.market().found(query) == offers)
    }

    @Test func `a provider is found by the beginning of either form of its id`() throws {
        let peer = PeerID(publicKey: MarketRow.key(2).publicKey)

        #expect(try Self.market().found("provider=\(peer)") == [3])
        #expect(try Self.market().found("provider=\(peer.cidText)") == [3])
        #expect(try Self.market().found("provider=\(peer.description.prefix(20))") == [3])
        #expect(try Self.market().found("provider=12D3Koo").count == 6)
        #expect(try Self.market().found("provider!=\(peer)") == [4, 1, 2, 6, 5])
    }

    @Test func `trust is compared where it is known`() throws {
        let trust: [UInt8: Int] = [1: 700, 2: 300]

        #expect(try Self.market().found("trust>=0.5", trust: trust) == [1, 2])
        #expect(try Self.market().found("trust<0.5", trust: trust) == [3])
    }

    @Test func `devices that differ have no model in common`() throws {
        let mixed = MarketRow(devices: 2, adjust: { $0.devices[1].catalogueID = "rtx-3090" })

        let table = try SearchTable(rows: [mixed])

        #expect(try table.found("gpu=rtx-4090").isEmpty)
        #expect(try table.found("gpu!=rtx-4090").isEmpty)
        #expect(try table.found("class=consumer") == [1])
    }

    @Test func `of listings with one id the first counts`() throws {
        let first = try MarketRow(price: 1).listing()
        let second = try MarketRow(price: 2).listing()

        let table = SearchTable(listings: [first, second])

        #expect(table.rowCount == 1)
        #expect(table.listings[0].offer.price.gpuHourMicros == 1)
    }

    /// A listing need not come from the book; no value may stop the search.
    @Test func `absurd values neither trap nor pass for small ones`() throws {
        let template = MarketRow()
        let sound = try template.listing()
        var offer = sound.offer
        offer.price = PriceTerms(
            unit: "USD",
            gpuHourMicros: .max,
            storageGibibyteMonthMicros: .max,
            trafficGibibyteMicros: .max
        )
        (offer.largestBlock, offer.durationMinSeconds, offer.durationMaxSeconds) = (.max, .min, .max)
        var machine = try #require(sound.machine)
        machine.power.wattsPerDevice = .max
        machine.power.gramsPerKilowattHour = .max
        machine.host.diskGibibytes = .max
        machine.host.coreCount = .min
        machine.devices[0].memoryMebibytes = .max
        machine.devices[0].catalogueID = "unknown"
        let listing = Listing(
            record: sound.record,
            offer: offer,
            machine: machine,
            heardAt: -(1 << 61),
            vouchedUntil: .max
        )
        let other = Listing(record: sound.record, offer: offer, heardAt: 1 << 61, vouchedUntil: .min)

        for listing in [listing, other] {
            let table = SearchTable(listings: [listing])
            for key in [
                "price", "price/fp32", "price/fp16", "price/gb", "price/bw", "price/mtok:100000B:16",
                "kwh/mtok:1M:0.001", "gco2/mtok:7B:2", "rtt", "trust", "age", "-age",
            ] {
                let request = try SearchRequest(
                    query: SearchQuery(
                        text: "count=4 price<=0.1 age<1h duration=1h memory>=1GB disk>=1GB power<1W cores>1"
                    ),
                    sort: SearchSort(text: key),
                    hours: 1,
                    diskGibibytes: SearchRequest.Bounds.gibibytesMax,
                    trafficGibibytes: SearchRequest.Bounds.gibibytesMax
                )
                #expect(table.search(request, context: SearchContext(now: 1 << 61)).rows.isEmpty)
                let everything = try SearchRequest(
                    query: .everything,
                    sort: SearchSort(text: key),
                    diskGibibytes: 1_000
                )
                for row in table.search(everything, context: SearchContext(now: -(1 << 61))).rows {
                    #expect(row.quote.totalMicros == .max)
                }
            }
        }
    }
}
