import Cryptography
import OrderedCollections
import Primitives
import Testing

@testable import Market

@Suite struct `Provider counter` {
    typealias S = RecordSamples

    @Test func `a bid becomes an award, an acceptance a lease, a close free devices`() throws {
        var street = try CounterStreet()
        _ = street.say(1, by: 2, try street.bid(1, by: 2))
        let award = try #require(street.award(1))
        #expect(award.body.slots == [LeaseBody.Slot(number: 0, previous: nil)] && award.pasts.isEmpty)
        #expect(award.heldUntil == street.wall + 10_000 && street.disk.openAwards.count == 1)
        #expect(street.free[street.offer.offer] == [1])
        street.accept(1, by: 2, award)
        let lease = try #require(street.leased.first)
        #expect(lease.signatureChecks.allSatisfy { $0.holds })
        guard case .lease(let envelope)? = street.answer(1) else {
            Issue.record("no lease")
            return
        }
        #expect(envelope == lease.envelope)
        try street.close(award.body, by: 2)
        #expect(street.free[street.offer.offer] == [0, 1])
        // The next lease of the slot names the last one and shows its close.
        _ = street.say(2, by: 3, try street.bid(2, by: 3, slots: [0]))
        let next = try #require(street.award(2))
        #expect(next.body.slots[0].previous == award.body.lease && next.pasts.count == 1)
        #expect(next.pasts[0].lease == lease.envelope && !next.pasts[0].close.isEmpty)
    }

    @Test func `a lost answer is asked for again and is the same`() throws {
        var street = try CounterStreet()
        let bid = try street.bid(1, by: 2)
        let first = street.say(1, by: 2, bid)
        #expect(street.say(1, by: 2, bid) == first && street.disk.openAwards.count == 1)
        let award = try #require(street.award(1))
        street.accept(1, by: 2, award)
        street.accept(1, by: 2, award)
        _ = street.say(1, by: 2, bid)
        #expect(street.leased.count == 1)
        let leases = street.replies.filter { if case .lease = $0.content { true } else { false } }
        #expect(leases.count == 3)
    }

    @Test func `an award that nobody accepts lapses, and its bidder waits ten minutes, then twenty`() throws {
        var street = try CounterStreet()
        _ = street.say(1, by: 2, try street.bid(1, by: 2))
        let award = try #require(street.award(1))
        street.advance(10_001)
        #expect(street.disk.openAwards.isEmpty && street.free[street.offer.offer] == [0, 1])
        street.accept(1, by: 2, award)
        #expect(street.refusal(1)?.code == .expired && street.leased.isEmpty)
        _ = street.say(2, by: 2, try street.bid(2, by: 2))
        #expect(street.refusal(2)?.code == .coolingDown)
        street.advance(600_000)
        _ = street.say(3, by: 2, try street.bid(3, by: 2))
        #expect(street.award(3) != nil)
        street.advance(10_001)
        _ = street.say(4, by: 2, try street.bid(4, by: 2))
        let wait = try #require(street.refusal(4)?.retryMilliseconds)
        #expect(wait > 1_190_000 && wait <= 1_200_000)
    }

    @Test func `one open award per bidder and per network, and strangers leave half of the room`() throws {
        var offer = S.offer()
        (offer.slots, offer.freeSlots, offer.largestBlock) = ([0, 1, 2, 3], [0, 1, 2, 3], 4)
        var street = try CounterStreet(offer: offer)
        _ = street.say(1, by: 2, try street.bid(1, by: 2))
        _ = street.say(2, by: 2, try street.bid(2, by: 2))
        #expect(street.refusal(2) == nil && street.award(2) == nil, "it waits for its turn")
        _ = street.say(3, by: 3, try street.bid(3, by: 3), group: 1_002)
        #expect(street.refusal(3) == nil && street.award(3) == nil)
        _ = street.say(4, by: 4, try street.bid(4, by: 4))
        #expect(street.award(4) != nil)
        _ = street.say(5, by: 5, try street.bid(5, by: 5))
        #expect(street.refusal(5)?.code == .strangersFull)
        // Who has leased here before is no stranger.
        street.accept(4, by: 4, try #require(street.award(4)))
        _ = street.say(6, by: 4, try street.bid(6, by: 4, count: 2))
        #expect(street.award(6) != nil)
    }

    @Test func `refusals say why, and what would be considered`() throws {
        var policy = CounterPolicy()
        policy.blockedPeers = [S.key(9).publicKey]
        policy.floorMicros = ["USD": 200_000]
        var offer = S.offer()
        offer.price.lowestBidMicros = 100_000
        var street = try CounterStreet(offer: offer, policy: policy)
        func code(_ number: Int, _ renter: Int, _ record: SignedRecord) -> Refusal.Code? {
            _ = street.say(number, by: renter, record)
            return street.refusal(number)?.code
        }
        #expect(try code(1, 9, street.bid(1, by: 9)) == .blocked)
        #expect(try code(2, 2, street.bid(2, by: 2, price: 199_999)) == .priceTooLow)
        #expect(street.refusal(2)?.nearestMicros == 200_000)
        #expect(try code(3, 2, street.bid(3, by: 2, unit: "sat")) == .wrongUnit)
        #expect(try code(4, 2, street.bid(4, by: 2, seconds: 60)) == .durationOutOfBounds)
        #expect(try code(5, 2, street.bid(5, by: 2, count: 3)) == .noFreeSlots)
        #expect(try code(6, 2, street.bid(6, by: 3)) == .malformed)
        street.failsWrites = true
        #expect(try code(7, 2, street.bid(7, by: 2)) == .notDurable)
        street.failsWrites = false
        #expect(street.disk.openAwards.isEmpty)
        street.handle(.shutdown)
        #expect(try code(8, 2, street.bid(8, by: 2)) == .shuttingDown)
    }

    @Test func `the best bid at the deadline wins, and the next is its backup`() throws {
        var offer = S.offer()
        (offer.slots, offer.freeSlots, offer.largestBlock) = ([0], [0], 1)
        offer.price.lowestBidMicros = 1
        (offer.awardPolicy, offer.awardWindowSeconds) = (.bestAtDeadline, 30)
        var street = try CounterStreet(offer: offer)
        for (number, price) in [(1, 100), (2, 300), (3, 200)] {
            _ = street.say(number, by: number + 1, try street.bid(number, by: number + 1, price: Int64(price)))
        }
        #expect(street.replies.isEmpty)
        street.advance(30_001)
        #expect(street.award(2) != nil && street.award(1) == nil && street.award(3) == nil)
        street.advance(10_001)
        #expect(street.award(3) != nil)
        street.accept(3, by: 4, try #require(street.award(3)))
        #expect(street.leased.count == 1)
        street.advance(20_000)
        #expect(street.refusal(1)?.code == .outbid)
    }

    @Test func `an interruptible lease yields to a better bid after its notice, an on-demand one does not`() throws {
        var offer = S.offer()
        (offer.slots, offer.freeSlots, offer.largestBlock) = ([0], [0], 1)
        (offer.modes, offer.noticeSeconds, offer.price.lowestBidMicros) = ([.onDemand, .interruptible], 20, 1)
        var street = try CounterStreet(offer: offer)
        _ = street.say(1, by: 2, try street.bid(1, by: 2, price: 100_000))
        let cheap = try #require(street.award(1))
        #expect(cheap.body.mode == .interruptible)
        street.accept(1, by: 2, cheap)
        _ = street.say(2, by: 3, try street.bid(2, by: 3, price: 90_000))
        #expect(street.refusal(2)?.code == .noFreeSlots && street.reclaims.isEmpty)
        _ = street.say(3, by: 4, try street.bid(3, by: 4, price: 350_000))
        #expect(street.reclaims == [cheap.body.lease] && street.award(3) == nil)
        street.advance(20_000)
        try street.close(cheap.body, .outbid)
        let dear = try #require(street.award(3))
        #expect(dear.body.mode == .onDemand)
        street.accept(3, by: 4, dear)
        _ = street.say(4, by: 5, try street.bid(4, by: 5, price: 900_000))
        #expect(street.refusal(4)?.code == .noFreeSlots)
    }

    @Test func `waiting bids have a limit`() throws {
        var offer = S.offer()
        offer.price.lowestBidMicros = 1
        (offer.awardPolicy, offer.awardWindowSeconds) = (.bestAtDeadline, 30)
        var street = try CounterStreet(offer: offer)
        for number in 1...ProviderCounter.waitingPerOfferMax + 1 {
            _ = street.say(number, by: number + 1, try street.bid(number, by: number + 1))
        }
        #expect(street.refusal(ProviderCounter.waitingPerOfferMax + 1)?.code == .tooManyBids)
        #expect(street.refusal(ProviderCounter.waitingPerOfferMax) == nil)
    }

    /// Renters bid, accept, close and fall silent while the power goes at random steps: what left the house never contradicts itself.
    @Test(arguments: 0..<24) func `no crash makes two leases of one slot's past`(seed: Int) throws {
        var random = S.random(70_000 + seed)
        var offer = S.offer()
        (offer.slots, offer.freeSlots, offer.largestBlock) = ([0, 1, 2], [0, 1, 2], 3)
        var street = try CounterStreet(offer: offer)
        var (number, open): (Int, [(number: Int, renter: Int)]) = (0, [])
        for _ in 0..<40 {
            if random.chance(1, in: 3) { street.stepsLeft = random.below(6) }
            switch random.below(4) {
            case 0, 1:
                number += 1
                let renter = 2 + random.below(6)
                let count = 1 + random.below(2)
                _ = street.say(number, by: renter, try street.bid(number, by: renter, count: count))
                open.append((number, renter))
            case 2:
                if let some = open.isEmpty ? nil : open[max(0, open.count - 1 - random.below(3))],
                    let award = street.award(some.number)
                {
                    street.accept(some.number, by: some.renter, award)
                }
            default:
                if let record = street.leased.isEmpty ? nil : street.leased[random.below(street.leased.count)],
                    case .lease(let lease) = record.record.body
                {
                    try street.close(lease.body)
                }
            }
            if street.isDark { try street.restart() }
            street.advance(Int64(random.below(6_000)))
            if random.chance(1, in: 10) { street.advance(1_300_000) }
        }
        var claims: [SlotClaim: LeaseID] = [:]
        for record in street.leased {
            guard case .lease(let lease) = record.record.body else { continue }
            for claim in lease.body.claims {
                #expect(claims[claim] == nil || claims[claim] == lease.body.lease, "two leases follow one")
                claims[claim] = lease.body.lease
            }
            for other in street.leased { #expect(ProofBody(record, other) == nil) }
        }
        // Whatever happened, the counter goes on when the old leases are over.
        try street.restart()
        street.advance(5 * S.hour)
        number += 1
        _ = street.say(number, by: 90, try street.bid(number, by: 90, count: 3))
        let last = street.award(number)
        street.accept(number, by: 90, try #require(last))
        #expect(street.disk.openAwards.isEmpty && street.free[offer.offer] == [])
    }

    @Test func `a bidder who holds devices and then takes its bid back waits, one who does so at once does not`() throws
    {
        for (delay, waits) in [(Int64(500), false), (5_000, true)] {
            var street = try CounterStreet()
            _ = street.say(1, by: 2, try street.bid(1, by: 2))
            #expect(street.award(1) != nil)
            street.advance(delay)
            street.handle(.cancel(CounterConversation(rawValue: 1), from: S.key(2).publicKey, BidID(S.bytes16(1))))
            #expect(street.answer(1) == .done && street.disk.openAwards.isEmpty)
            let next = street.say(2, by: 2, try street.bid(2, by: 2))
            guard case .refusal(let refusal)? = next else {
                #expect(!waits)
                continue
            }
            #expect(waits && refusal.code == .coolingDown)
        }
    }

    @Test func `three bids may be taken back at once, the fourth makes its bidder wait`() throws {
        var street = try CounterStreet()
        for number in 1...4 {
            _ = street.say(number, by: 2, try street.bid(number, by: 2))
            #expect(street.award(number) != nil)
            let conversation = CounterConversation(rawValue: UInt64(number))
            street.handle(.cancel(conversation, from: S.key(2).publicKey, BidID(S.bytes16(number))))
            #expect(street.answer(number) == .done && street.disk.openAwards.isEmpty)
        }
        _ = street.say(5, by: 2, try street.bid(5, by: 2))
        #expect(street.refusal(5)?.code == .coolingDown)
    }

    @Test func `a bid that is taken back while its award is being written holds nothing`() throws {
        var street = try CounterStreet()
        let (renter, bid) = (S.key(2).publicKey, BidID(S.bytes16(1)))
        let record = try street.bid(1, by: 2)
        var outputs: [ProviderCounter.Output] = []
        let (first, second) = (CounterConversation(rawValue: 1), CounterConversation(rawValue: 2))
        street.counter.handle(
            .bid(first, from: renter, group: 1, record, sealedTerms: []),
            at: street.now,
            into: &outputs
        )
        guard case .persist(let ticket, let changes)? = outputs.first(where: \.isWrite) else {
            Issue.record("\(outputs)")
            return
        }
        outputs = []
        street.counter.handle(.cancel(second, from: renter, bid), at: street.now, into: &outputs)
        let isAnswered = outputs.contains(where: \.isReply)
        #expect(!isAnswered)
        for change in changes { street.disk.apply(change) }
        street.handle(.persisted(ticket))
        #expect(street.answer(2) == .done && street.disk.openAwards.isEmpty)
        #expect(street.counter.takenSlots(of: street.offer.marketClass, wall: street.wall).isEmpty)
    }

    @Test func `a bid that dies before the auction's end wakes nobody until then`() throws {
        var offer = S.offer()
        (offer.awardPolicy, offer.awardWindowSeconds) = (.bestAtDeadline, 600)
        var street = try CounterStreet(offer: offer)
        _ = street.say(1, by: 2, try street.bid(1, by: 2, validFor: 1_000))
        street.advance(5_000)
        #expect(street.counter.nextDeadline == Instant.zero.advanced(by: .seconds(600)))
        street.advance(600_000)
        #expect(street.refusal(1)?.code == .expired && street.counter.nextDeadline == nil)
    }

    @Test func `who leaves a lease unpaid waits, longer each time, and any other end wipes the slate`() throws {
        var street = try CounterStreet()
        var number = 0
        func rent(_ code: CloseCode, in street: inout CounterStreet) throws {
            number += 1
            try street.close(try street.rent(number, slot: 0), code)
        }
        func wait(in street: inout CounterStreet) throws -> Int? {
            number += 1
            _ = street.say(number, by: 2, try street.bid(number, by: 2))
            return street.refusal(number).map { Int($0.retryMilliseconds) }
        }
        try rent(.unpaid, in: &street)
        #expect(try wait(in: &street) == 600_000)
        street.advance(600_000)
        try rent(.unpaid, in: &street)
        #expect(try wait(in: &street) == 1_200_000)
        street.advance(1_200_000)
        try rent(.done, in: &street)
        try rent(.unpaid, in: &street)
        #expect(try wait(in: &street) == 600_000)
    }

    @Test func `a lease whose end nobody has said is not forgotten`() throws {
        var street = try CounterStreet()
        let late = try street.rent(1, slot: 0)
        street.advance(3 * S.hour)
        for (number, slot) in [(2, 0), (3, 1)] { _ = try street.rent(number, slot: slot) }
        try street.close(late, .expired)
        #expect(street.counter.hasClosed(late.lease))
        street.advance(3 * S.hour)
        _ = try street.rent(4, slot: 0)
        #expect(!street.counter.remembers(late.lease), "now it may go")
    }

    @Test func `of leases that are learnt back with a gap between them the later is the slot's newest`() throws {
        var street = try CounterStreet()
        var leases: [LeaseBody] = []
        for number in 1...3 {
            leases.append(try street.rent(number, slot: 0))
            if number < 3 { try street.close(leases[number - 1]) }
            street.advance(1_000)
        }
        let (records, close) = (street.leased, try #require(street.disk.closes[leases[0].lease]))
        street.disk = CounterFacts()
        try street.restart()
        // The one in between is over and nobody shows it; the oldest comes last.
        for (index, close) in [(2, nil), (0, close)] {
            street.handle(.adopting(leases[index]))
            street.handle(.adopted(leases[index].lease, records[index], close: close))
        }
        #expect(street.counter.takenSlots(of: street.offer.marketClass, wall: street.wall) == [0])
    }

    @Test func `one bidder does not fill an auction`() throws {
        var offer = S.offer()
        (offer.awardPolicy, offer.awardWindowSeconds) = (.bestAtDeadline, 600)
        var street = try CounterStreet(offer: offer)
        for number in 0..<16 {
            let answer = street.say(number, by: 2, try street.bid(number, by: 2, validFor: 700_000))
            #expect(answer == nil)
        }
        let more = street.say(16, by: 2, try street.bid(16, by: 2, validFor: 700_000))
        #expect(more == .refusal(Refusal(.tooManyBids, retryMilliseconds: 1_000)))
        let other = street.say(17, by: 3, try street.bid(17, by: 3, validFor: 700_000))
        #expect(other == nil)
    }

    @Test func `a lease that is over is needed while its bid may come again or its slot has no other`() throws {
        var street = try CounterStreet()
        var leases: [LeaseID] = []
        for number in 1...2 {
            let body = try street.rent(number, slot: 0)
            leases.append(body.lease)
            try street.close(body)
        }
        let wall = street.wall
        #expect(leases.map { street.counter.needs($0, at: wall) } == [true, true])
        street.advance(2 * 3_600_000)
        let later = street.wall
        #expect(leases.map { street.counter.needs($0, at: later) } == [false, true])
        street.handle(.forget(leases[0]))
        #expect(!street.counter.remembers(leases[0]) && street.counter.remembers(leases[1]))
    }
}

extension ProviderCounter.Output {
    fileprivate var isWrite: Bool {
        if case .persist = self { true } else { false }
    }
    fileprivate var isReply: Bool {
        if case .reply = self { true } else { false }
    }
}
