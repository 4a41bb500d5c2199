import Market
import Node
import Primitives
import TestSupport
import Testing

/// A home that is restored from a backup has forgotten the leases that were signed since.
@Suite struct `Leases that a backup does not hold` {
    @Test(arguments: [801, 802, 803])
    func `come back to a restored provider, which lets no device twice and loses no voucher`(seed: UInt64) throws {
        var street = try LeaseStreet(seed: seed)
        let backup = street.network.backup(of: street.provider)
        let id = try street.lease(try street.wish(seconds: 1_200))
        street.network.run(for: .seconds(310))
        let before = try street.held(id, by: street.provider)
        #expect(before.paidMicros == 5 * 6_000)

        street.restore(street.provider, from: backup)
        let taken = try street.bid(try street.wish())
        #expect(taken.outcome == .failed(.refused(Refusal(.noFreeSlots))), "seed \(seed): \(taken.outcome)")
        street.network.run(for: .seconds(130))
        let back = try street.held(id, by: street.provider)
        #expect(back.standing == .active && back.record == before.record)
        #expect(back.paidMicros >= before.paidMicros && back.owedMicros >= back.paidMicros)
        #expect(back.terms == nil, "what was sealed is gone with the home")
        #expect(street.network.listing(of: street.offer, at: street.renter)?.offer.freeSlots == [])

        street.network.run(for: .seconds(1_000))
        for node in [street.provider, street.renter] {
            let over = try street.held(id, by: node)
            #expect(over.standing == .closed && over.countersignature != nil, "seed \(seed)")
        }
        let (earned, spent) = (try street.balance(of: street.provider), try street.balance(of: street.renter))
        #expect(earned.micros == -spent.micros && earned.micros > before.paidMicros, "seed \(seed)")
        guard case .records(let proofs)? = street.network.ask(street.renter, .proofs(street.offer.author)) else {
            return
        }
        #expect(proofs.isEmpty, "an accident is no proof")
    }

    @Test(arguments: [811, 812])
    func `come back to a restored renter, which goes on paying`(seed: UInt64) throws {
        var street = try LeaseStreet(seed: seed)
        let backup = street.network.backup(of: street.renter)
        let id = try street.lease(try street.wish(seconds: 1_200))
        street.network.run(for: .seconds(310))
        street.restore(street.renter, from: backup)
        street.network.run(for: .seconds(130))
        let back = try street.held(id, by: street.renter)
        #expect(back.standing == .active && !back.isProvider && back.paidMicros == 7 * 6_000, "seed \(seed)")
        guard case .lease(let closed)? = street.network.ask(street.renter, .closeLease(id, .done)) else {
            Issue.record("seed \(seed): not closed")
            return
        }
        #expect(closed.renterCode == .done)
        street.network.run(for: .seconds(60))
        for node in [street.provider, street.renter] {
            let over = try street.held(id, by: node)
            #expect(over.countersignature != nil, "seed \(seed)")
        }
        let (earned, spent) = (try street.balance(of: street.provider), try street.balance(of: street.renter))
        #expect(earned.micros == -spent.micros, "seed \(seed)")
    }

    @Test func `come back with their end, and are not begun again`() throws {
        var street = try LeaseStreet(seed: 821)
        let backups = [street.provider, street.renter].map { street.network.backup(of: $0) }
        let id = try street.lease(try street.wish())
        street.network.run(for: .seconds(70))
        _ = street.network.ask(street.renter, .closeLease(id, .done))
        street.network.run(for: .seconds(30))
        for (node, backup) in zip([street.provider, street.renter], backups) {
            let begun = street.network.events.count
            street.restore(node, from: backup)
            street.network.run(for: .seconds(400))
            let over = try street.held(id, by: node)
            #expect(over.standing == .closed && over.renterCode == .done && over.countersignature != nil)
            let restarts = street.network.events.dropFirst(begun).contains { event in
                if case .leaseStarted = event.event, event.node == node { true } else { false }
            }
            #expect(!restarts, "nobody starts a container for what is over")
        }
        // The device is free: the lease is known to be over.
        _ = try street.lease(try street.wish())
    }

    @Test(arguments: [851, 852])
    func `that ended after the backup are over, and are paid once`(seed: UInt64) throws {
        for isProvider in [true, false] {
            var street = try LeaseStreet(seed: seed)
            let node = isProvider ? street.provider : street.renter
            let id = try street.lease(try street.wish(seconds: 1_200))
            street.network.run(for: .seconds(130))
            let backup = street.network.backup(of: node)
            street.network.run(for: .seconds(190))
            _ = street.network.ask(street.renter, .closeLease(id, .done))
            street.network.run(for: .seconds(30))
            let before = try street.held(id, by: street.renter)
            #expect(before.countersignature != nil && before.paidMicros > 5 * 6_000)

            street.restore(node, from: backup)
            street.network.run(for: .seconds(200))
            for party in [street.provider, street.renter] {
                let over = try street.held(id, by: party)
                #expect(over.standing == .closed && over.renterCode == .done && over.countersignature != nil)
                #expect(over.receipt == before.receipt, "seed \(seed): the receipt that both have signed")
            }
            let promised = try street.held(id, by: street.renter).paidMicros
            #expect(promised <= before.paidMicros, "seed \(seed): nothing more was promised")
            let (earned, spent) = (try street.balance(of: street.provider), try street.balance(of: street.renter))
            #expect(earned.micros == before.paidMicros && spent.micros == -before.paidMicros, "seed \(seed)")
            _ = try street.lease(try street.wish())
        }
    }

    @Test(arguments: [861, 862])
    func `that were closed while the renter was restored are paid as far as it had promised`(seed: UInt64) throws {
        var street = try LeaseStreet(seed: seed)
        let id = try street.lease(try street.wish(seconds: 1_200))
        street.network.run(for: .seconds(130))
        let backup = street.network.backup(of: street.renter)
        street.network.run(for: .seconds(190))
        street.network.kill(street.renter)
        _ = street.network.ask(street.provider, .closeLease(id, .maintenance))
        street.network.run(for: .seconds(60))
        let left = try street.held(id, by: street.provider)
        #expect(left.receipt != nil && left.countersignature == nil && left.paidMicros == 5 * 6_000)

        street.restore(street.renter, from: backup)
        street.network.run(for: .seconds(400))
        for party in [street.provider, street.renter] {
            let over = try street.held(id, by: party)
            #expect(over.receipt == left.receipt && over.countersignature != nil, "seed \(seed)")
        }
        let (earned, spent) = (try street.balance(of: street.provider), try street.balance(of: street.renter))
        #expect(earned.micros == left.paidMicros && spent.micros == -left.paidMicros, "seed \(seed)")
    }

    /// No peer has the lease when the provider is restored; the renter shows it too late.
    @Test func `that come back when their device is let anew keep it, and the younger is closed with a code`() throws {
        var street = try LeaseStreet(seed: 831)
        let backup = street.network.backup(of: street.provider)
        let old = try street.lease(try street.wish(seconds: 3_000))
        street.network.run(for: .seconds(30))
        street.network.kill(street.renter)
        street.restore(street.provider, from: backup)
        let other = street.network.addNode(seeds: [street.network.address(street.provider)])
        street.network.run(for: .seconds(90))
        let anew = try street.bid(try street.wish(), by: other)
        guard case .leased(let young) = anew.outcome else {
            Issue.record("\(anew.outcome)")
            return
        }
        street.network.start(street.renter, seeds: [street.network.address(street.provider)])
        street.network.run(for: .seconds(90))
        let kept = try street.held(old, by: street.provider)
        let closed = try street.held(young, by: other)
        #expect(kept.standing == .active && closed.providerCode == .lostState)
        street.network.node(street.provider)?.checkInvariants(at: street.network.now)
    }

    @Test func `of strangers are not taken, however they are signed`() throws {
        var street = try LeaseStreet(seed: 841)
        _ = try street.lease(try street.wish())
        let stranger = street.network.addNode(seeds: [street.network.address(street.provider)])
        street.network.run(for: .seconds(60))
        #expect(street.leases(of: stranger).isEmpty)
    }
}
