import Market
import Node
import Primitives
import TestSupport
import Testing

@Suite struct `A lease between two nodes` {
    @Test func `lives from the bid to the countersigned receipt and the credit for it`() throws {
        var street = try LeaseStreet(seed: 301, gpus: 2)
        let id = try street.lease(try street.wish(count: 2))
        street.network.run(for: .seconds(130))
        let running = try street.held(id, by: street.provider)
        #expect(running.standing == .active && running.isProvider)
        #expect(running.terms?.image == "pytorch:2", "what was sealed for the provider")
        #expect(running.paidMicros == 2 * 360_000 * 120 / 3_600, "two ticks of a minute, for two GPUs")
        let rented = try street.held(id, by: street.renter)
        #expect(rented.standing == .active && !rented.isProvider && rented.paidMicros == running.paidMicros)

        guard case .lease(let closed)? = street.network.ask(street.renter, .closeLease(id, .done)) else {
            Issue.record("not closed")
            return
        }
        #expect(closed.standing == .closed && closed.renterCode == .done && closed.providerCode == nil)
        street.network.run(for: .seconds(30))
        for node in [street.provider, street.renter] {
            let over = try street.held(id, by: node)
            #expect(over.standing == .closed && over.renterCode == .done)
            guard case .receipt(let receipt)? = over.receipt?.record.body else {
                Issue.record("no receipt")
                continue
            }
            #expect(receipt.owedMicros == receipt.paidMicros && receipt.paidMicros > running.paidMicros)
            #expect(receipt.code == .done)
            #expect(over.countersignature?.record.kind == .countersignature)
        }
        let earned = try street.balance(of: street.provider)
        let spent = try street.balance(of: street.renter)
        #expect(earned.micros > 0 && spent.micros == -earned.micros && earned.unit == "USD")
        // What both signed is in both books: anybody may read it.
        for node in [street.provider, street.renter] {
            let signed = street.lease(id, of: node)?.countersignature
            for record in [rented.record, try #require(signed)] {
                guard case .records(let found)? = street.network.ask(node, .findRecords(prefix: record.id.bytes)) else {
                    Issue.record("no answer")
                    continue
                }
                #expect(found == [record])
            }
        }
    }

    @Test func `ends by its own clock, and frees the devices`() throws {
        var street = try LeaseStreet(seed: 302)
        let id = try street.lease(try street.wish(seconds: 120))
        let refused = try street.bid(try street.wish())
        #expect(refused.outcome == .failed(.refused(Refusal(.noFreeSlots))))
        street.network.run(for: .seconds(150))
        let over = try street.held(id, by: street.renter)
        #expect(over.providerCode == .expired && over.countersignature != nil)
        #expect((11_900...12_000).contains(over.paidMicros), "two minutes, less what passed until it was ready")
        _ = try street.lease(try street.wish())
    }

    @Test func `tells the market what is free`() throws {
        var street = try LeaseStreet(seed: 303, gpus: 4)
        let id = try street.lease(try street.wish(count: 3))
        street.network.run(for: .seconds(1))
        let renter = street.renter
        #expect(street.network.listing(of: street.offer, at: renter)?.offer.freeSlots == [3])
        _ = street.network.ask(street.provider, .closeLease(id, .maintenance))
        street.network.run(for: .seconds(1))
        #expect(street.network.listing(of: street.offer, at: renter)?.offer.freeSlots == [0, 1, 2, 3])
    }

    @Test func `tells of what is free as often as peers pass it on, and what is true in the end`() throws {
        var street = try LeaseStreet(seed: 307)
        let (renter, began, before) = (street.renter, street.network.now, street.network.events.count)
        for _ in 0..<12 {
            let id = try street.lease(try street.wish())
            street.network.run(for: .seconds(1))
            _ = street.network.ask(street.renter, .closeLease(id, .done))
            street.network.run(for: .seconds(1))
        }
        let seconds = began.duration(to: street.network.now).components.seconds
        let heard = street.network.events.dropFirst(before).count { event in
            guard event.node == renter, case .listingsChanged = event.event else { return false }
            return true
        }
        #expect((4...4 + seconds / 10).contains(Int64(heard)), "\(heard) in \(seconds) s")
        street.network.run(for: .seconds(12))
        #expect(street.network.listing(of: street.offer, at: renter)?.offer.freeSlots == [0])
    }

    @Test func `refuses with the nearest price that would have been taken`() throws {
        var street = try LeaseStreet(seed: 304) { $0.price.lowestBidMicros = 300_000 }
        let low = try street.bid(try street.wish(price: 299_999))
        #expect(low.outcome == .failed(.refused(Refusal(.priceTooLow, nearestMicros: 300_000))))
        let nothing = try street.bid(try street.wish(price: 0))
        #expect(nothing.outcome == .failed(.refused(Refusal(.priceTooLow, nearestMicros: 300_000))), "0 is a price")
        let short = try street.bid(try street.wish(seconds: 5))
        #expect(short.outcome == .failed(.refused(Refusal(.durationOutOfBounds))))
        let own = street.network.ask(street.provider, .placeBid(try street.wish(), waits: false))
        guard case .failed(.ownOffer)? = own else {
            Issue.record("bid on its own offer")
            return
        }
    }

    @Test func `is paid in full although its renter is away while it ends`() throws {
        var street = try LeaseStreet(seed: 311)
        let id = try street.lease(try street.wish(seconds: 120))
        // The renter is away for the last tick.
        street.network.run(for: .seconds(118))
        street.network.kill(street.renter)
        street.network.run(for: .seconds(4))
        street.network.start(street.renter, seeds: [street.network.address(street.provider)])
        street.network.run(for: .seconds(60))
        for node in [street.provider, street.renter] {
            let over = try street.held(id, by: node)
            #expect(over.countersignature != nil && (11_900...12_000).contains(over.paidMicros))
        }
    }

    @Test func `waits for the operator's word if the policy says so`() throws {
        var policy = LeasePolicy()
        policy.awaitsReady = true
        var street = try LeaseStreet(seed: 305, policy: policy)
        let id = try street.lease(try street.wish())
        street.network.run(for: .seconds(90))
        let seen1 = try street.held(id, by: street.renter)
        #expect(seen1.standing == .reserved)
        let seen2 = try street.held(id, by: street.provider)
        #expect(seen2.owedMicros == 0)
        guard case .done? = street.network.ask(street.provider, .readyLease(id)) else {
            Issue.record("not taken")
            return
        }
        street.network.run(for: .seconds(65))
        let seen3 = try street.held(id, by: street.renter)
        #expect(seen3.paidMicros == 360_000 * 60 / 3_600)
        guard case .failed(.notOurs)? = street.network.ask(street.renter, .closeLease(id, .maintenance)) else {
            Issue.record("a renter used a provider's code")
            return
        }
    }

    @Test func `of an interruptible offer yields to a better bid after its notice`() throws {
        var street = try LeaseStreet(seed: 306) {
            $0.price.lowestBidMicros = 100_000
            ($0.modes, $0.noticeSeconds, $0.hasPublicBids) = ([.onDemand, .interruptible], 20, true)
        }
        let low = try street.lease(try street.wish(price: 120_000))
        let seen4 = try street.held(low, by: street.renter)
        #expect(seen4.body.mode == .interruptible)
        let other = street.network.addNode(seeds: [street.network.address(street.provider)])
        street.network.run(for: .seconds(10))
        let began = street.network.now
        let better = try street.bid(try street.wish(price: 200_000), by: other)
        guard case .leased = better.outcome else {
            Issue.record("\(better.outcome)")
            return
        }
        #expect(began.duration(to: street.network.now) >= .seconds(20), "the notice was honoured")
        let lost = try street.held(low, by: street.renter)
        #expect(lost.providerCode == .outbid)
        // Public bids stand in the order book of whoever listens.
        guard case .exported(let records, _)? = street.network.ask(street.renter, .exportRecords(after: nil)) else {
            Issue.record("no records")
            return
        }
        #expect(records.contains { $0.kind == .bid && $0.author != street.offer.author })
    }

    private static func interruptible(seed: UInt64) throws -> (LeaseStreet, LeaseID) {
        var street = try LeaseStreet(seed: seed) {
            $0.price.lowestBidMicros = 100_000
            ($0.modes, $0.noticeSeconds) = ([.onDemand, .interruptible], 20)
        }
        let id = try street.lease(try street.wish(price: 120_000))
        return (street, id)
    }

    @Test func `that is reclaimed ends after its notice, also when the provider is killed in between`() throws {
        var (street, id) = try Self.interruptible(seed: 307)
        guard case .lease(let noticed)? = street.network.ask(street.provider, .closeLease(id, .reclaimed)) else {
            Issue.record("not taken")
            return
        }
        let at = try #require(noticed.reclaimAt)
        #expect(noticed.standing != .closed)
        street.network.run(for: .seconds(5))
        #expect(try street.held(id, by: street.renter).reclaimAt == at)
        street.crash(street.provider)
        street.network.run(for: .seconds(10))
        #expect(try street.held(id, by: street.renter).standing != .closed, "the notice has not passed")
        street.network.run(for: .seconds(20))
        for node in [street.provider, street.renter] {
            let over = try street.held(id, by: node)
            #expect(over.providerCode == .reclaimed && over.closedAt.map { $0 >= at } == true)
        }
    }

    @Test func `keeps its GPUs when the better bid is taken back, and its renter hears that too`() throws {
        var (street, id) = try Self.interruptible(seed: 308)
        let other = street.network.addNode(seeds: [street.network.address(street.provider)])
        street.network.run(for: .seconds(10))
        guard
            case .bid(let better)? = street.network.ask(other, .placeBid(try street.wish(price: 200_000), waits: false))
        else {
            Issue.record("no bid")
            return
        }
        street.network.run(for: .seconds(5))
        #expect(try street.held(id, by: street.renter).reclaimAt != nil)
        _ = street.network.ask(other, .cancelBid(better.bid))
        street.network.run(for: .seconds(60))
        let kept = try street.held(id, by: street.renter)
        #expect(kept.standing == .active && kept.reclaimAt == nil)
    }
}
