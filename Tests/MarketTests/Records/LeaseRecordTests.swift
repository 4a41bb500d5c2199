import Cryptography
import Market
import Primitives
import Testing

@Suite struct `Lease records` {
    typealias S = RecordSamples

    func error(_ body: RecordBody, by key: Int = 1, expires: Int64? = nil) -> RecordError? {
        let life = expires ?? body.expiryMax(issuedAt: S.start) - S.start
        do {
            _ = try S.signed(body, by: S.key(key), sequence: 1, for: life)
            return nil
        } catch { return error as? RecordError }
    }

    static let brokenLeases: [(RecordError, @Sendable (inout LeaseBody) -> Void)] = [
        (.outOfBounds("lease.slots"), { $0.slots = [] }),
        (.outOfBounds("lease.slots"), { $0.slots = (0..<33).map { LeaseBody.Slot(number: $0, previous: nil) } }),
        (.outOfBounds("slot.number"), { $0.slots[0].number = 256 }),
        (.unsorted("lease.slots"), { $0.slots.append($0.slots[0]) }),
        (.contradiction("slot.previous"), { $0.slots[0].previous = $0.lease }),
        (.outOfBounds("lease.end_at"), { $0.endAt = $0.startAt }),
        (.outOfBounds("lease.end_at"), { $0.endAt = $0.startAt + 90 * 86_400_000 + 1 }),
        (
            .outOfBounds("lease.start_at"),
            {
                $0.startAt += 8 * 86_400_000; $0.endAt += 8 * 86_400_000
            }
        ),
        (.outOfBounds("lease.cap"), { $0.capMicros = 1_000_000_000_000_000_001 }),
        (.outOfBounds("lease.cap"), { $0.capMicros = -1 }),
        (.outOfBounds("lease.exposure"), { $0.exposureMicros = $0.capMicros + 1 }),
        (.outOfBounds("lease.meter_s"), { $0.meterSeconds = 0 }),
        (.outOfBounds("lease.meter_s"), { $0.meterSeconds = 3_601 }),
        (.outOfBounds("lease.notice_s"), { $0.noticeSeconds = 30 * 86_400 + 1 }),
        (.outOfBounds("lease.settlement"), { $0.settlement = "" }),
        (.outOfBounds("lease.terms_hash"), { $0.termsHash = [1] }),
        (.text("price.unit"), { $0.price.unit = "$" }),
    ]

    @Test(arguments: brokenLeases.indices) func `a lease beyond its bounds is not signed`(index: Int) {
        let (expected, breakLease) = Self.brokenLeases[index]
        var body = S.lease()
        breakLease(&body)
        #expect(error(.lease(S.accepted(body))) == expected)
    }

    @Test func `a lease binds only with both signatures, over these very bytes, for this network and moment`() throws {
        let body = S.lease()
        let lease = try S.signedLease(body)
        #expect(lease.signatureChecks.count == 2 && lease.signatureChecks.allSatisfy(\.holds))
        var dearer = body
        dearer.capMicros += 1
        let swapped = AcceptedLease(body: dearer, acceptance: S.accepted(body).acceptance)
        let forged = try S.signed(.lease(swapped), by: S.key(1), sequence: 1, for: S.hour)
        #expect(forged.signatureChecks.map(\.holds) == [true, false])
        let foreign = try S.signed(.lease(S.accepted(body, network: "other")), by: S.key(1), sequence: 1, for: S.hour)
        #expect(foreign.signatureChecks.map(\.holds) == [true, false])
        // Only the provider may sign it, and only while the renter's word holds.
        #expect(error(.lease(S.accepted(body)), by: 3) == .contradiction("lease.provider"))
        #expect(error(.lease(S.accepted(body, until: S.start - 1))) == .outOfBounds("acceptance.accept_until"))
        #expect(error(.lease(S.accepted(body, until: S.start + 60_001))) == .outOfBounds("acceptance.accept_until"))
    }

    @Test func `a record about a lease ends at most a week after it`() {
        let body = S.lease(hours: 2)
        let latest = 2 * S.hour + 7 * S.day
        #expect(error(.lease(S.accepted(body)), expires: latest) == nil)
        #expect(error(.lease(S.accepted(body)), expires: latest + 1) == .outOfBounds("record.expires_at"))
        let state = LeaseStateBody(
            lease: body.lease,
            marketClass: .other,
            provider: S.key(1).publicKey,
            standing: .active,
            endAt: body.endAt
        )
        #expect(error(.leaseState(state), expires: latest + 1) == .outOfBounds("record.expires_at"))
        var closed = state
        closed.standing = .closed
        #expect(error(.leaseState(closed)) == .contradiction("lease_state.code"))
        // The end of time is only a number.
        var endless = state
        endless.endAt = .max
        #expect(error(.leaseState(endless), expires: S.hour) == .outOfBounds("lease_state.end_at"))
        var eternal = body
        eternal.endAt = .max
        #expect(error(.lease(S.accepted(eternal)), expires: S.hour) == .outOfBounds("lease.end_at"))
    }

    @Test func `a bid lives a minute, in an auction until ten minutes after its deadline`() {
        var random = S.random(1)
        var bid = S.bid(&random, issuedAt: S.start)
        (bid.auctionDeadline, bid.validUntil) = (0, S.start + 1)
        #expect(error(.bid(bid), expires: 60_000) == nil)
        #expect(error(.bid(bid), expires: 60_001) == .outOfBounds("record.expires_at"))
        bid.auctionDeadline = S.start + S.hour
        #expect(error(.bid(bid), expires: S.hour + 600_000) == nil)
        #expect(error(.bid(bid), expires: S.hour + 600_001) == .outOfBounds("record.expires_at"))
        for deadline in [S.start + S.day + 1, .max] {
            bid.auctionDeadline = deadline
            #expect(error(.bid(bid), expires: 1_000) == .outOfBounds("bid.auction_deadline"))
        }
    }

    @Test func `a countersignature carries its receipt, and is the renter's`() throws {
        let receipt = try S.signed(.receipt(S.receipt()), by: S.key(1), sequence: 1)
        let body = try #require(CountersignatureBody(receipt))
        #expect(error(.countersignature(body), by: 3) == .contradiction("countersignature.receipt"))
        let signed = try S.signed(.countersignature(body), by: S.key(2), sequence: 1)
        let read = try SignedRecord(envelope: signed.envelope)
        #expect(read.signatureChecks.count == 2 && read.signatureChecks.allSatisfy(\.holds))
        #expect(read.subject.author == S.key(2).publicKey && read.subject.id.count == 48)
        // It is kept where its provider's market is.
        let (profile, provider) = (MarketProfile.first, S.key(1).publicKey)
        #expect(profile.lane(of: read) == .offers(profile.segment(of: provider, in: .nvidiaConsumer)))
        let offer = try S.signed(.offer(S.offer()), by: S.key(1), sequence: 1)
        #expect(CountersignatureBody(offer) == nil)
    }

    @Test func `a request is welcome with each class that it names, a storefront nowhere`() throws {
        var random = S.random(2)
        var body = S.request(&random, issuedAt: S.start)
        body.alternatives = [
            RequestBody.Alternative(marketClass: .nvidiaDatacenter, count: 1),
            RequestBody.Alternative(marketClass: .other, count: 2),
        ]
        let request = try S.signed(.request(body), by: S.key(1), sequence: 1, for: S.hour)
        let profile = MarketProfile.first
        let lanes = profile.topics(network: "main").compactMap { MarketTopic(text: $0)?.lane }
        let welcoming = lanes.filter { lane in profile.carries(request, in: { $0 == lane }) }
        #expect(welcoming == [.requests(.other), .requests(.nvidiaDatacenter)])
        let storefront = try S.signed(.storefront(S.storefront(&random)), by: S.key(1), sequence: 1)
        #expect(!profile.carries(storefront) { _ in true })
        body.alternatives.append(body.alternatives[0])
        #expect(error(.request(body), expires: S.hour) == .contradiction("request.alternatives"))
        body.alternatives = []
        #expect(error(.request(body), expires: S.hour) == .outOfBounds("request.alternatives"))
    }

    @Test func `a close has a key of its own, and 4,096 leases of a provider stay`() throws {
        let lease = S.lease()
        func state(_ standing: LeaseStanding, _ code: CloseCode?, _ sequence: UInt64) throws -> SignedRecord {
            let body = LeaseStateBody(
                lease: lease.lease,
                marketClass: .other,
                provider: lease.provider,
                standing: standing,
                code: code,
                endAt: lease.endAt
            )
            return try S.signed(.leaseState(body), by: S.key(2), sequence: sequence, for: S.hour)
        }
        var story = BookStory()
        let close = try state(.closed, .done, 1)
        #expect(story.admit(close) == .admitted)
        let active = try state(.active, nil, 2)
        #expect(story.admit(active) == .admitted)
        #expect(story.book.current(close.subject)?.id == close.id)
        #expect(RecordKind.lease.subjectsPerGroupMax == 4_096 && RecordKind.bid.subjectsPerGroupMax == 64)
        for number in 2..<102 {
            story.admit(try S.signedLease(S.lease(number, slots: [number]), sequence: UInt64(number)))
        }
        #expect(story.book.recordCount == 102)
        for number in 0..<70 {
            var random = S.random(number)
            var bid = S.bid(&random, issuedAt: S.start)
            bid.marketClass = .other
            story.admit(try S.signed(.bid(bid), by: S.key(2), sequence: UInt64(200 + number), for: 60_000))
        }
        #expect(story.book.recordCount == 102 + 64)
        story.expire(at: 60_001)
        #expect(story.book.recordCount == 102)
    }
}
