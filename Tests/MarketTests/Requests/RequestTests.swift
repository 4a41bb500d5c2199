import Cryptography
import Market
import Primitives
import Testing

/// A renter's request and providers' rows, by small numbers: provider 1 asks 0.35, and so on.
enum RequestSamples {
    typealias S = RecordSamples

    static func listing(
        _ provider: Int,
        price: Int64 = 350_000,
        lowest: Int64 = 0,
        unit: String = "USD",
        change: (inout OfferBody) -> Void = { _ in }
    ) throws -> Listing {
        var offer = S.offer(provider, machine: provider, price: price)
        offer.price.lowestBidMicros = lowest
        offer.price.unit = unit
        change(&offer)
        return Listing(
            record: try S.signed(.offer(offer), by: S.key(provider), sequence: 1),
            offer: offer,
            machine: S.machine(provider),
            heardAt: S.start,
            vouchedUntil: S.start + 30 * S.minute
        )
    }

    /// For two hours; the most that one GPU may cost for an hour is `price`.
    static func request(
        price: Int64 = 400_000,
        count: Int = 1,
        filters: String = "",
        isPublic: Bool = false,
        change: (inout RequestBody) -> Void = { _ in }
    ) throws -> SignedRecord {
        var body = RequestBody(
            request: RequestID(S.bytes16(7)),
            alternatives: [.init(marketClass: .nvidiaConsumer, catalogueIDs: ["rtx-4090"], count: count)],
            filters: filters,
            unit: "USD",
            totalMicrosMax: price * 2 * Int64(count),
            durationSeconds: 7_200,
            deadline: S.start + S.minute,
            hasPublicBids: isPublic,
            sealingKey: [UInt8](repeating: 1, count: 32)
        )
        change(&body)
        return try S.signed(.request(body), by: S.key(9), sequence: 1, for: 20 * S.minute)
    }

    static func bid(_ provider: Int, on request: SignedRecord, price: Int64, count: Int = 1) throws -> SignedRecord {
        let body = BidBody(
            bid: BidID(S.bytes16(provider)),
            marketClass: .nvidiaConsumer,
            counterparty: request.author,
            offer: OfferID(S.bytes16(provider)),
            target: .request(RequestID(S.bytes16(7))),
            targetRecord: request.id,
            count: count,
            unit: "USD",
            gpuHourMicros: price,
            durationSeconds: 7_200,
            startBy: S.start + 10 * S.minute,
            validUntil: S.start + 10 * S.minute,
            termsHash: [UInt8](repeating: 0, count: 32),
            auctionDeadline: S.start + S.minute
        )
        return try S.signed(.bid(body), by: S.key(provider), sequence: 1, for: 10 * S.minute)
    }
}

@Suite struct `A provider's bids on requests` {
    typealias S = RecordSamples
    typealias R = RequestSamples

    private func price(
        _ request: SignedRecord,
        _ listing: Listing,
        rivals: [Int64] = [],
        standing: Int64? = nil,
        policy: (inout CounterPolicy) -> Void = { _ in },
        at now: Int64 = S.start
    ) -> Int64? {
        var rules = CounterPolicy()
        policy(&rules)
        return RequestBidder(me: S.key(1).publicKey, policy: rules)
            .bid(on: request, with: [listing], rivals: rivals, standing: standing, at: now)?.gpuHourMicros
    }

    @Test func `a private bid is the lowest price that the offer considers, once`() throws {
        let request = try R.request()
        #expect(price(request, try R.listing(1)) == 350_000, "an offer without a lowest bid has one price")
        #expect(price(request, try R.listing(1, lowest: 200_000)) == 200_000)
        #expect(price(request, try R.listing(1, lowest: 200_000), standing: 200_000) == nil)
        #expect(
            price(request, try R.listing(1, lowest: 200_000), policy: { $0.floorMicros = ["USD": 250_000] }) == 250_000
        )
    }

    @Test func `no bid is above what the renter pays, or below what the provider takes`() throws {
        #expect(price(try R.request(price: 349_999), try R.listing(1)) == nil)
        #expect(price(try R.request(price: 300_000, isPublic: true), try R.listing(1, lowest: 200_000)) == 300_000)
        #expect(price(try R.request(), try R.listing(1), policy: { $0.floorMicros = ["USD": 500_000] }) == nil)
        #expect(price(try R.request(), try R.listing(1), policy: { $0.floorMicros = ["EUR": 500_000] }) == 350_000)
    }

    @Test func `in public it goes a twenty-fifth below the best rival, down to its lowest price`() throws {
        let request = try R.request(isPublic: true)
        let listing = try R.listing(1, lowest: 280_000)
        #expect(price(request, listing) == 350_000)
        #expect(price(request, listing, rivals: [300_000, 320_000]) == 288_000)
        #expect(price(request, listing, rivals: [350_000], standing: 350_000) == 336_000)
        #expect(price(request, listing, rivals: [360_000], standing: 350_000) == nil, "who leads says nothing")
        #expect(price(request, listing, rivals: [282_000], standing: 290_000) == 280_000)
        #expect(price(request, listing, rivals: [280_000], standing: 290_000) == nil, "who cannot win leaves")
        #expect(price(request, listing, rivals: [280_000, 290_000], standing: 290_000) == 280_000)
    }

    @Test func `nobody gives way to a bid that it cannot beat: it may be empty`() throws {
        let request = try R.request(isPublic: true)
        let listing = try R.listing(1, lowest: 280_000)
        #expect(price(request, listing, rivals: [1]) == 350_000)
        #expect(price(request, listing, rivals: [280_000]) == 350_000)
        #expect(price(request, listing, rivals: [1, 300_000]) == 288_000)
        #expect(price(request, listing, rivals: [1], standing: 350_000) == nil, "said once")
    }

    @Test func `what does not fit is not bid on`() throws {
        let listing = try R.listing(1)
        let misfits: [(inout RequestBody) -> Void] = [
            { $0.unit = "EUR" }, { $0.durationSeconds = 60 }, { $0.alternatives[0].count = 3 },
            { $0.alternatives[0].catalogueIDs = ["rtx-3090"] }, { $0.alternatives[0].memoryMinMebibytes = 25 * 1_024 },
            { $0.alternatives[0].marketClass = .amdConsumer }, { $0.filters = "country=DE" },
            { $0.filters = "nonsense" }, { $0.startAt = $0.deadline + 1 },
        ]
        for change in misfits { #expect(price(try R.request(change: change), listing) == nil) }
        #expect(price(try R.request(filters: "memory>=24GB"), listing) == 350_000)
        #expect(price(try R.request(filters: "trust>=0.9"), listing) == 350_000, "the renter judges that itself")
        #expect(price(try R.request(), listing, at: S.start + S.minute) == nil, "too late")
        #expect(price(try R.request(), listing, policy: { $0.blockedPeers = [S.key(9).publicKey] }) == nil)
        let other = try R.listing(2)
        #expect(price(try R.request(), other) == nil, "with others' offers nobody bids")
    }

    @Test func `of several offers the cheaper one is bid`() throws {
        let rows = [try R.listing(1, price: 390_000), try R.listing(1, price: 310_000)]
        let bid = RequestBidder(me: S.key(1).publicKey, policy: CounterPolicy())
            .bid(on: try R.request(), with: rows, rivals: [], standing: nil, at: S.start)
        #expect(bid?.gpuHourMicros == 310_000)
    }
}

@Suite struct `A renter's choice among bids` {
    typealias S = RecordSamples
    typealias R = RequestSamples

    private func ranked(
        _ request: SignedRecord,
        _ bids: [SignedRecord],
        culprits: Set<Ed25519.PublicKey> = [],
        trust: [Ed25519.PublicKey: Thousandths] = [:],
        at now: Int64 = S.start
    ) throws -> [RequestChoice.Candidate] {
        let rows = try (1...4).map { try R.listing($0) }
        let choice = RequestChoice(of: request, culprits: culprits, context: SearchContext(now: now, trust: trust))
        return try #require(choice).ranked(bids) { id in rows.first { $0.id == id } }
    }

    @Test func `the cheapest whole wins, and ties go to the lower record`() throws {
        let request = try R.request()
        let bids = [
            try R.bid(1, on: request, price: 300_000), try R.bid(2, on: request, price: 290_000),
            try R.bid(3, on: request, price: 290_000),
        ]
        let order = try ranked(request, bids)
        #expect(order.allSatisfy { $0.shortfall == nil })
        #expect(order.map(\.totalMicros) == [580_000, 580_000, 600_000])
        #expect(order[0].record.id < order[1].record.id)
        #expect(try ranked(request, bids.reversed()).map(\.record.id) == order.map(\.record.id))
    }

    @Test func `what falls short stands behind and says why`() throws {
        let request = try R.request(filters: "trust>=0.5")
        let bids = [
            try R.bid(1, on: request, price: 100_000), try R.bid(2, on: request, price: 500_000),
            try R.bid(3, on: request, price: 200_000), try R.bid(4, on: request, price: 300_000),
            try R.bid(5, on: request, price: 50_000),
        ]
        let trust = Dictionary(
            uniqueKeysWithValues: (1...5).map { (S.key($0).publicKey, Thousandths(count: $0 == 3 ? 400 : 700)) }
        )
        let order = try ranked(request, bids, culprits: [S.key(1).publicKey], trust: trust)
        #expect(order.map(\.record.author) == [4, 5, 1, 3, 2].map { S.key($0).publicKey })
        #expect(order.map(\.shortfall) == [nil, .unknownOffer, .proven, .filters, .tooDear])
        #expect(try ranked(request, [bids[3]], trust: trust, at: S.start + 11 * S.minute).first?.shortfall == .expired)
    }

    @Test func `a bid on an older version or for another count is no answer`() throws {
        let (old, new) = (try R.request(price: 300_000), try R.request())
        #expect(try ranked(new, [try R.bid(1, on: old, price: 1)]).first?.shortfall == .notForThisRequest)
        #expect(try ranked(new, [try R.bid(1, on: new, price: 1, count: 2)]).first?.shortfall == .wrongGPUs)
    }

    /// Who is tried, in order, when nobody keeps its word.
    private func attempts(
        _ request: SignedRecord,
        _ bids: [SignedRecord],
        rows: [Listing],
        trusted: Int? = nil,
        networks: [Int] = [],
        at now: Int64 = S.start
    ) throws -> [Int] {
        let choice = try #require(RequestChoice(of: request, culprits: [], context: SearchContext(now: now)))
        let order = choice.ranked(bids) { id in rows.first { $0.id == id } }
        var tried: Set<Ed25519.PublicKey> = []
        var attempts: [Int] = []
        let names = Dictionary(uniqueKeysWithValues: rows.indices.map { (rows[$0].provider, $0 + 1) })
        while true {
            func network(_ provider: Int) -> Int { networks.isEmpty ? provider : networks[provider - 1] }
            let next = choice.next(
                of: order,
                tried: tried,
                attemptCount: attempts.count,
                turns: { key in attempts.count { network($0) == network(names[key] ?? 0) } },
                trust: { candidates in
                    let scores = candidates.map { candidate in
                        let number = names[candidate.record.author]
                        return (candidate.record.author, Thousandths(count: number == trusted ? 600 : 300))
                    }
                    return Dictionary(uniqueKeysWithValues: scores)
                }
            )
            guard let next else { return attempts }
            #expect(tried.insert(next.record.author).inserted)
            attempts.append(names[next.record.author] ?? 0)
        }
    }

    @Test func `cheap strangers take every other attempt, and the provider that is trusted one of the first two`()
        throws
    {
        let request = try R.request()
        let rows = try (1...7).map { try R.listing($0) }
        let bids = try (1...7).map { try R.bid($0, on: request, price: 100_000 + Int64($0) * 10_000) }
        #expect(try attempts(request, bids, rows: rows) == [1, 2, 3, 4, 5, 6, 7])
        #expect(try attempts(request, bids, rows: rows, trusted: 7) == [1, 7, 2, 3, 4, 5, 6])
        #expect(
            try attempts(request, bids, rows: rows, trusted: 1) == [1, 2, 3, 4, 5, 6, 7],
            "the cheapest is asked first"
        )
    }

    @Test func `one host with many keys wastes one attempt for each host there is`() throws {
        let request = try R.request()
        let rows = try (1...7).map { try R.listing($0) }
        let bids = try (1...7).map { try R.bid($0, on: request, price: 100_000 + Int64($0) * 10_000) }
        #expect(try attempts(request, bids, rows: rows, networks: [1, 1, 1, 1, 1, 2, 3]) == [1, 6, 7, 2, 3, 4, 5])
        #expect(try attempts(request, bids, rows: rows, networks: [1, 2, 1, 2, 1, 2, 3]) == [1, 2, 7, 3, 4, 5, 6])
        #expect(
            try attempts(request, bids, rows: rows, trusted: 5, networks: [1, 1, 1, 1, 1, 2, 3]) == [
                1, 5, 6, 7, 2, 3, 4,
            ],
            "whoever is trusted needs no turn"
        )
    }

    @Test func `what is in the market counts whatever it costs, if it has what is asked`() throws {
        let choice = try #require(
            RequestChoice(of: try R.request(price: 1), culprits: [], context: SearchContext(now: S.start))
        )
        let rows = try (1...3).map { try R.listing($0) }
        let short = try R.listing(4) { ($0.durationMinSeconds, $0.durationMaxSeconds) = (60, 60) }
        let foreign = try R.listing(5) { $0.price.unit = "sat" }
        #expect(choice.matchCount(among: rows + [short, foreign]) == 3)
        #expect(choice.matchCount(among: [short, foreign]) == 0)
    }

    @Test func `whoever still gathers bids has promised nothing, and comes last if its auction ends in time`() throws {
        let request = try R.request()
        let rows = try [0, 60, 599, 600].enumerated().map { place, seconds in
            try R.listing(place + 1) { offer in
                offer.awardWindowSeconds = seconds
                if seconds > 0 { offer.awardPolicy = .bestAtDeadline }
            }
        }
        let bids = try (1...4).map { try R.bid($0, on: request, price: 500_000 - Int64($0) * 50_000 - 100_000) }
        #expect(try attempts(request, bids, rows: rows) == [1, 3, 2], "the fourth ends when the bids do")
    }

    @Test func `strangers push no provider out that was paid before, and the dearest of them go`() throws {
        let request = try R.request()
        var kept = PrivateBids(unit: "USD")
        let paid: Set = [S.key(1).publicKey, S.key(2).publicKey]
        #expect(try kept.keep(R.bid(1, on: request, price: 390_000), from: 1) { paid })
        #expect(try kept.keep(R.bid(2, on: request, price: 395_000), from: 2) { paid })
        for number in 3...200 {
            let bid = try R.bid(number, on: request, price: 1_000 - Int64(number))
            let isHeld = kept.keep(bid, from: UInt64(number)) { paid }
            #expect(isHeld, "each is cheaper than those before")
            #expect(kept.count <= PrivateBids.countMax)
        }
        #expect(kept.count == PrivateBids.countMax)
        let authors = kept.records.map(\.author)
        #expect(paid.isSubset(of: authors) && authors.contains(S.key(200).publicKey))
        #expect(!authors.contains(S.key(3).publicKey), "the dearest of the strangers")
        let late = try R.bid(201, on: request, price: 390_000)
        let isHeld = kept.keep(late, from: 201) { paid }
        #expect(!isHeld)
        // Of those who were paid the dearest goes, once they are many and the strangers have but their half.
        var known = PrivateBids(unit: "USD")
        let all = Set((1...100).map { S.key($0).publicKey })
        for number in 1...100 {
            _ = known.keep(try R.bid(number, on: request, price: Int64(number)), from: UInt64(number)) { all }
        }
        #expect(known.records.map(\.author) == (1...PrivateBids.countMax).map { S.key($0).publicKey })
    }

    @Test func `one host's keys push out no bid from elsewhere, however cheap they are`() throws {
        let request = try R.request()
        var kept = PrivateBids(unit: "USD")
        for number in 1...20 {
            let isHeld = kept.keep(try R.bid(number, on: request, price: 390_000), from: UInt64(number)) { [] }
            #expect(isHeld)
        }
        for number in 21...200 { _ = kept.keep(try R.bid(number, on: request, price: 1), from: 7) { [] } }
        let late = kept.keep(try R.bid(201, on: request, price: 395_000), from: 201) { [] }
        #expect(late && kept.count == PrivateBids.countMax)
        let authors = kept.records.map(\.author)
        let others = ((1...20).filter { $0 != 7 } + [201]).map { S.key($0).publicKey }
        #expect(Set(others).isSubset(of: authors))
        #expect(kept.network(of: S.key(201).publicKey) == 201 && kept.network(of: S.key(7).publicKey) == nil)
    }

    @Test func `plans survive their bytes, and damaged ones are none`() {
        let plans = (1...5).map { number in
            RequestPlan(
                request: RequestID(S.bytes16(number)),
                deadline: S.start + Int64(number),
                isAutomatic: number % 2 == 0,
                terms: LeaseTerms(image: "image-\(number)", command: ["run"], ports: [8_080])
            )
        }
        let bytes = RequestPlan.encoded(plans)
        #expect(RequestPlan.decoded(bytes) == plans)
        #expect(RequestPlan.decoded([]).isEmpty && RequestPlan.decoded(Array(bytes.dropLast(2))).isEmpty)
        var random = S.random(3)
        for _ in 0..<300 { _ = RequestPlan.decoded(random.bytes(random.below(200))) }
    }
}
