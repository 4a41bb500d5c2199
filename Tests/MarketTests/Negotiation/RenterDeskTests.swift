import Cryptography
import Market
import Primitives
import Testing

@Suite struct `Renter desk` {
    typealias S = RecordSamples

    /// One renter and one counter, talking without delay through whatever the test lets pass.
    struct Deal {
        var street: CounterStreet
        var desk = RenterDesk(key: S.key(2), network: S.network)
        let bid = BidID(S.bytes16(1))
        var isDeaf = false
        var stored: [RenterChange] = []
        /// What the disk has not taken yet; `nil` when it takes everything at once.
        var onTheirWay: [RenterChange]?
        var isLost = false
        var lease: SignedRecord?
        var failure: BidFailure?
        var sent = 0
        /// Changes an award on its way.
        var tamper: (inout LeaseBody) -> Void = { _ in }
        var hidesPasts = false
        /// How far the renter's wall clock is ahead, in milliseconds.
        var skew: Int64 = 0

        init(offer: OfferBody = S.offer()) throws {
            street = try CounterStreet(offer: offer)
        }

        mutating func place(price: Int64 = 350_000) throws {
            let offer = try S.signed(.offer(street.offer), by: S.key(1), sequence: 5, at: street.wall - S.start)
            let draft = BidDraft(
                offer: offer,
                count: 1,
                gpuHourMicros: price,
                durationSeconds: 3_600,
                terms: LeaseTerms(image: "a")
            )
            handle(.clock(unixMilliseconds: street.wall + skew))
            let (salt, secret) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32))
            handle(.place(bid, draft, salt: salt, ephemeralSecret: secret))
        }

        mutating func handle(_ input: RenterDesk.Input) {
            var outputs: [RenterDesk.Output] = []
            desk.handle(input, at: street.now, into: &outputs)
            desk.checkInvariants()
            for output in outputs {
                switch output {
                case .sign(let id, let body, let expiresAt):
                    let wall = street.wall + skew
                    let record = try? S.signed(
                        body,
                        by: S.key(2),
                        sequence: 3,
                        at: wall - S.start,
                        for: expiresAt - wall
                    )
                    handle(record.map { .signed(id, $0) } ?? .signFailed(id, .signingStopped))
                case .send(let id, _, let content):
                    sent += 1
                    if !isDeaf { deliver(id, content) }
                case .persist(_, let changes) where onTheirWay != nil: onTheirWay? += changes
                case .persist(let id, let changes):
                    stored += changes
                    handle(.persisted(id))
                case .lost: isLost = true
                case .leased(_, let record): lease = record
                case .failed(_, let failure): self.failure = failure
                }
            }
        }

        private mutating func deliver(_ id: BidID, _ content: MarketMessage.Content) {
            let (conversation, renter) = (CounterConversation(rawValue: 1), S.key(2).publicKey)
            let before = street.replies.count
            switch content {
            case .bid(let envelope, let terms):
                guard let record = try? SignedRecord(envelope: envelope) else { return }
                street.handle(.bid(conversation, from: renter, group: 7, record, sealedTerms: terms))
            case .accept(let bid, let acceptance): street.handle(.accept(conversation, from: renter, bid, acceptance))
            case .cancel(let bid): street.handle(.cancel(conversation, from: renter, bid))
            case .tick, .voucher, .receipt, .state, .notice, .held, .award, .lease, .refusal, .countersignature, .done:
                return
            }
            for reply in street.replies.dropFirst(before) {
                var content = reply.content
                if case .award(let award) = content {
                    var body = award.body
                    tamper(&body)
                    let pasts = hidesPasts ? [] : award.pasts
                    content = .award(LeaseAward(body: body, heldUntil: award.heldUntil, pasts: pasts))
                }
                handle(.answer(id, from: S.key(1).publicKey, content))
            }
        }

        mutating func advance(_ milliseconds: Int64) {
            street.advance(milliseconds)
            handle(.deadlineReached)
        }
    }

    @Test func `a bid becomes a lease that both hold`() throws {
        var deal = try Deal()
        try deal.place()
        let lease = try #require(deal.lease)
        #expect(deal.street.leased.map(\.id) == [lease.id] && deal.failure == nil && !deal.isLost)
        #expect(deal.stored.count == 3 && deal.stored.contains(.putLease(lease)) && deal.stored.contains(.dropBid))
    }

    @Test func `no acceptance is sent before the bid is durable`() throws {
        var deal = try Deal()
        deal.onTheirWay = []
        try deal.place()
        #expect(deal.sent == 1 && deal.street.leased.isEmpty)
        guard case .putBid(let record)? = deal.onTheirWay?.first else {
            Issue.record("written \(deal.onTheirWay ?? [])")
            return
        }
        #expect(record.author == S.key(2).publicKey && deal.onTheirWay?.count == 1)
        deal.onTheirWay = nil
        deal.handle(.persisted(deal.bid))
        #expect(deal.sent == 2 && deal.lease != nil)
    }

    @Test func `a bid that cannot be written is taken back`() throws {
        var deal = try Deal()
        deal.onTheirWay = []
        try deal.place()
        deal.onTheirWay = nil
        deal.handle(.persistFailed(deal.bid))
        #expect(deal.failure == .notDurable && !deal.isLost && deal.street.disk.openAwards.isEmpty)
    }

    @Test func `a bid whose acceptance nobody answers is lost, and its provider says what came of it`() throws {
        var deal = try Deal()
        deal.onTheirWay = []
        try deal.place()
        deal.onTheirWay = nil
        deal.isDeaf = true
        deal.handle(.persisted(deal.bid))
        for _ in 0..<40 where deal.failure == nil { deal.advance(2_000) }
        #expect(deal.failure == .uncertain && deal.isLost && !deal.stored.contains(.dropBid))
        let renter = S.key(2).publicKey
        deal.street.handle(.cancel(CounterConversation(rawValue: 2), from: renter, deal.bid))
        #expect(deal.street.replies.last?.content == .done)
    }

    @Test func `a bid that is taken back too late is answered with its lease`() throws {
        var deal = try Deal()
        try deal.place()
        let lease = try #require(deal.lease)
        let renter = S.key(2).publicKey
        deal.street.handle(.cancel(CounterConversation(rawValue: 2), from: renter, deal.bid))
        #expect(deal.street.replies.last?.content == .lease(envelope: lease.envelope))
    }

    @Test func `a lost answer is asked for again`() throws {
        var deal = try Deal()
        deal.isDeaf = true
        try deal.place()
        #expect(deal.sent == 1 && deal.lease == nil)
        deal.isDeaf = false
        deal.advance(3_001)
        #expect(deal.lease != nil)
    }

    @Test func `silence ends a bid, which is taken back`() throws {
        var deal = try Deal()
        deal.isDeaf = true
        try deal.place()
        for _ in 0..<40 { deal.advance(2_000) }
        #expect(deal.failure == .noAnswer && deal.sent == 5 + 1 && deal.desk.nextDeadline == nil)
    }

    @Test func `a refusal is told`() throws {
        var deal = try Deal()
        try deal.place(price: 1)
        #expect(deal.failure == .refused(Refusal(.priceTooLow, nearestMicros: 350_000)))
    }

    static let tricks: [(String, @Sendable (inout LeaseBody) -> Void)] = [
        ("price", { $0.price.gpuHourMicros += 1 }),
        ("cap", { $0.capMicros += 1 }),
        ("end_at", { $0.endAt -= 1 }),
        ("lease_id", { $0.bid = BidID(RecordSamples.bytes16(9)) }),
        ("machine_id", { $0.machine = MachineID(RecordSamples.bytes16(9)) }),
        ("slots", { $0.slots = [LeaseBody.Slot(number: 9, previous: nil)] }),
        ("exposure", { $0.exposureMicros = 10_000_001 }),
        ("settlement", { $0.settlement = "gold" }),
        ("terms_hash", { $0.termsHash[0] ^= 1 }),
        ("notice_s", { $0.mode = .interruptible }),
    ]

    @Test(arguments: tricks.indices) func `an award that is not what was bid for is let go`(index: Int) throws {
        let (field, trick) = Self.tricks[index]
        var deal = try Deal()
        deal.tamper = trick
        try deal.place()
        #expect(deal.failure == .wrongAward(field) && deal.stored.last == .dropBid && deal.lease == nil)
        // The counter's devices are free again.
        #expect(deal.street.disk.openAwards.isEmpty)
    }

    @Test func `a slot whose last lease is not shown to be over is not accepted`() throws {
        var deal = try Deal()
        deal.tamper = { $0.slots[0].previous = LeaseID(RecordSamples.bytes16(3)) }
        try deal.place()
        #expect(deal.failure == .slotTaken(0))
        // A real past, closed early, is shown by its close; without it the slot counts as taken.
        for hides in [false, true] {
            var next = try Deal()
            _ = next.street.say(9, by: 5, try next.street.bid(9, by: 5))
            let award = try #require(next.street.award(9))
            next.street.accept(9, by: 5, award)
            try next.street.close(award.body)
            next.hidesPasts = hides
            try next.place()
            #expect((next.lease != nil) == !hides)
            #expect(next.failure == (hides ? .slotTaken(0) : nil))
        }
    }

    @Test func `a bidder in an auction reminds its provider, and asks at once when they meet again`() throws {
        var offer = S.offer()
        (offer.awardPolicy, offer.awardWindowSeconds) = (.bestAtDeadline, 1_200)
        var deal = try Deal(offer: offer)
        deal.isDeaf = true
        try deal.place()
        for _ in 0..<300 { deal.advance(2_000) }
        #expect((12...15).contains(deal.sent), "five times in half a minute, then each minute: \(deal.sent)")
        let before = deal.sent
        deal.handle(.met(S.key(1).publicKey))
        deal.handle(.met(S.key(5).publicKey))
        #expect(deal.sent == before + 1)
    }

    @Test func `clocks that differ by half a minute make a lease, and by three a clear refusal`() throws {
        for (seconds, isLeased) in [(Int64(60), true), (-30, true), (180, false), (-180, false)] {
            var deal = try Deal()
            deal.skew = seconds * 1_000
            try deal.place()
            #expect((deal.lease != nil) == isLeased, "\(seconds)")
            if !isLeased {
                #expect(deal.failure == .clocksDiffer || deal.failure == .refused(Refusal(.expired)), "\(seconds)")
            }
        }
    }

    @Test func `a wait that is longer than the bid is told as it is`() throws {
        var deal = try Deal()
        deal.isDeaf = true
        try deal.place()
        let refusal = Refusal(.coolingDown, retryMilliseconds: 600_000)
        deal.handle(.answer(deal.bid, from: S.key(1).publicKey, .refusal(refusal)))
        #expect(deal.failure == .refused(refusal))
    }
}
