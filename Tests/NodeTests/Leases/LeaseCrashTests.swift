import Market
import Node
import Primitives
import TestSupport
import Testing

@Suite struct `Leases whose parties are killed` {
    /// Ten leases at a time, either party killed at random points: in the middle of bids, awards, ticks, closes and receipts.
    @Test(arguments: 1...6)
    func `leave no device leased twice, no voucher lost or counted twice, and every lease closed`(seed: Int) throws {
        var random = SeededRandom(testSeed: UInt64(4_000 + seed))
        var street = try LeaseStreet(seed: UInt64(400 + seed), gpus: 10)
        var renewed = 0
        for kill in 0..<24 {
            // Bids are lost with the life that placed them: the renter asks again for what is free.
            for _ in 0..<(kill == 0 ? 10 : 2) {
                street.network.command(street.renter, .placeBid(try street.wish(seconds: 120), waits: false))
            }
            street.network.run(for: .milliseconds(random.below(kill % 3 == 0 ? 400 : 30_000)))
            if kill % 5 == 4, let lease = street.leases(of: street.renter).first(where: { $0.standing == .active }) {
                street.network.command(street.renter, .closeLease(lease.lease, .done))
                renewed += 1
                street.network.run(for: .milliseconds(random.below(20)))
            }
            street.crash(random.chance(1, in: 2) ? street.provider : street.renter)
        }
        street.network.run(for: .seconds(600))

        let provided = street.leases(of: street.provider)
        // A renter that is killed behind an award lets it lapse, and then waits ten minutes.
        #expect(provided.count >= 5, "seed \(seed)")
        var pasts: Set<SlotClaim> = []
        for lease in provided {
            #expect(lease.standing == .closed && lease.code != nil, "seed \(seed)")
            #expect(lease.countersignature != nil, "seed \(seed): \(lease.lease) \(lease.code?.description ?? "")")
            for claim in lease.body.claims {
                #expect(pasts.insert(claim).inserted, "seed \(seed): a slot has two leases of one past")
            }
            for other in provided where other.lease != lease.lease {
                let slots = Set(lease.body.slots.map(\.number)).intersection(other.body.slots.map(\.number))
                guard !slots.isEmpty, let end = lease.closedAt, let otherEnd = other.closedAt else { continue }
                #expect(
                    min(end, lease.body.endAt) <= other.body.startAt
                        || min(otherEnd, other.body.endAt) <= lease.body.startAt,
                    "seed \(seed): a slot is leased to two at a time"
                )
            }
        }
        try expectEqualBooks(&street, provided, seed)
    }

    /// What the receipts say was paid is what both have booked, to the micro.
    private func expectEqualBooks(_ street: inout LeaseStreet, _ provided: [LeaseSummary], _ seed: Int) throws {
        var paid: Int64 = 0
        for lease in provided {
            guard case .receipt(let receipt)? = lease.receipt?.record.body else { continue }
            paid += receipt.paidMicros
        }
        let rented = street.leases(of: street.renter)
        #expect(Set(rented.map(\.lease)) == Set(provided.map(\.lease)), "seed \(seed)")
        #expect(rented.allSatisfy { $0.standing == .closed && $0.countersignature != nil }, "seed \(seed)")
        let (earned, spent) = (try street.balance(of: street.provider), try street.balance(of: street.renter))
        #expect(earned.micros == paid && paid > 0, "seed \(seed)")
        #expect(-spent.micros >= paid, "seed \(seed): what was promised covers what was paid")
        #expect(rented.reduce(0) { $0 + $1.paidMicros } == -spent.micros, "seed \(seed): booked once")
    }

    @Test func `a party that is away hears of the close when it is back`() throws {
        var street = try LeaseStreet(seed: 420)
        let id = try street.lease(try street.wish())
        street.network.run(for: .seconds(70))
        street.network.split([street.renter])
        _ = street.network.ask(street.provider, .closeLease(id, .maintenance))
        street.network.run(for: .seconds(120))
        let ignorant = try street.held(id, by: street.renter)
        #expect(ignorant.standing == .active)
        street.network.heal()
        street.network.run(for: .seconds(400))
        let told = try street.held(id, by: street.renter)
        #expect(told.providerCode == .maintenance && told.countersignature != nil)
    }

    @Test func `a disk that fails delays, and loses nothing`() throws {
        var street = try LeaseStreet(seed: 421)
        let id = try street.lease(try street.wish())
        street.network.run(for: .seconds(30))
        street.network.failStore(of: street.provider, with: .diskFull)
        street.network.failStore(of: street.renter, with: .diskFull)
        street.network.command(street.renter, .closeLease(id, .done))
        street.network.run(for: .seconds(60))
        let open = try street.held(id, by: street.renter)
        #expect(open.standing == .active, "nothing was said that is not durable")
        street.network.failStore(of: street.provider, with: nil)
        street.network.failStore(of: street.renter, with: nil)
        street.network.run(for: .seconds(90))
        let over = try street.held(id, by: street.provider)
        #expect(over.renterCode == .done && over.countersignature != nil)
    }

    /// The renter's lease is not written when the provider has it; once the disk takes writes again, it is asked for.
    @Test func `a renter whose disk fails when the lease arrives writes it later, and keeps it over a crash`() throws {
        var street = try LeaseStreet(seed: 422)
        street.network.command(street.renter, .placeBid(try street.wish(), waits: false))
        let (provider, renter) = (street.provider, street.renter)
        #expect(street.network.run(atMost: .seconds(20)) { $0.hasStarted(aLeaseOn: provider) })
        street.network.failStore(of: renter, with: .diskFull)
        street.network.run(for: .seconds(1))
        street.network.failStore(of: renter, with: nil)
        let id = try #require(street.leases(of: renter).first?.lease)
        street.network.run(for: .seconds(8))
        street.crash(renter)
        // Nobody else can tell it: the provider is out of reach.
        street.network.split([renter])
        let kept = try street.held(id, by: renter)
        #expect(kept.standing != .closed && kept.terms?.image == "pytorch:2")
    }

    /// Killed after the acceptance was sent and before the lease arrived.
    @Test func `a renter that is killed behind its acceptance hears of the lease when it is back`() throws {
        var street = try LeaseStreet(seed: 423)
        street.network.command(street.renter, .placeBid(try street.wish(), waits: false))
        let (provider, renter) = (street.provider, street.renter)
        #expect(street.network.run(atMost: .seconds(20)) { $0.hasStarted(aLeaseOn: provider) })
        street.network.kill(renter)
        street.network.start(renter, seeds: [street.network.address(provider)])
        street.network.run(for: .seconds(20))
        let lease = try #require(street.leases(of: renter).first)
        #expect(lease.terms?.image == "pytorch:2", "what is to run is known too")
        #expect(lease.standing == .active)
    }

    /// What the provider's programs were told since an event.
    private func told(_ street: LeaseStreet, since count: Int) -> [String] {
        street.network.events.dropFirst(count).compactMap { event in
            guard event.node == street.provider else { return nil }
            switch event.event {
            case .leaseStarted: return "started"
            case .leaseEnded: return "ended"
            default: return nil
            }
        }
    }

    /// A program may have been killed with the node before it did anything.
    @Test func `a provider that was killed calls again for what runs, and for what was over lately`() throws {
        var street = try LeaseStreet(seed: 424)
        let id = try street.lease(try street.wish())
        var before = street.network.events.count
        street.crash(street.provider)
        street.network.run(for: .seconds(20))
        #expect(told(street, since: before) == ["started"])

        street.network.split([street.renter])
        _ = street.network.ask(street.provider, .closeLease(id, .maintenance))
        before = street.network.events.count
        street.crash(street.provider)
        street.network.run(for: .seconds(1))
        #expect(told(street, since: before).first == "ended")
        street.network.run(for: .seconds(120))
        before = street.network.events.count
        street.crash(street.provider)
        street.network.run(for: .seconds(20))
        #expect(told(street, since: before) == ["ended"], "the receipt says nothing of programs")
        street.network.run(for: .seconds(2 * 3_600))
        before = street.network.events.count
        street.crash(street.provider)
        street.network.run(for: .seconds(20))
        #expect(told(street, since: before).isEmpty, "two hours later they were called")
    }
}
