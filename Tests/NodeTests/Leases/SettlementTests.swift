import Market
import Node
import Primitives
import TestSupport
import Testing

@Suite struct `The settlement of a lease by a program` {
    /// A lease of two minutes on this rail that is over, its receipt not yet signed if a program must be asked first.
    private func over(_ rail: SettlementRail, seed: UInt64) throws -> (LeaseStreet, LeaseID) {
        var street = try LeaseStreet(seed: seed) { $0.settlements = [rail.rawValue] }
        let id = try street.lease(try street.wish(seconds: 120))
        street.network.run(for: .seconds(125))
        return (street, id)
    }

    private func orders(_ street: LeaseStreet, _ node: TestNetwork.NodeIndex) -> [SettlementOrder] {
        street.network.events.compactMap { event in
            guard event.node == node, case .settlementDue(let order) = event.event else { return nil }
            return order
        }
    }

    private func receipt(_ street: inout LeaseStreet, _ id: LeaseID) throws -> ReceiptBody? {
        let held = try street.held(id, by: street.provider)
        guard case .receipt(let body)? = held.receipt?.record.body else { return nil }
        return body
    }

    @Test func `is asked for once, and the receipt names it`() throws {
        var (street, id) = try over(.exec, seed: 701)
        let order = try #require(orders(street, street.provider).first)
        #expect(orders(street, street.provider).count == 1 && !order.isRepeated && order.lease.lease == id)
        #expect(order.settlement.amountMicros == order.voucher.voucher.amountMicros)
        #expect((11_900...12_000).contains(order.settlement.amountMicros))
        #expect(try receipt(&street, id) == nil, "it waits for the name")
        let nonce = order.settlement.key.nonce
        let settled = street.network.ask(street.provider, .settleLease(id, nonce: nonce, .settled(reference: "P-1")))
        guard case .lease(let lease)? = settled else {
            Issue.record("\(String(describing: settled))")
            return
        }
        #expect(lease.settlement?.reference == "P-1")
        street.network.run(for: .seconds(5))
        #expect(try receipt(&street, id)?.reference == "P-1")
        // The renter's program is asked once both have signed.
        let owed = try #require(orders(street, street.renter).first)
        #expect(owed.settlement.amountMicros == order.settlement.amountMicros && !owed.lease.isProvider)
        #expect(street.credit(of: street.provider).isEmpty, "it is nobody's credit")
        // Said again it is known; another name is not taken.
        guard
            case .lease? = street.network.ask(
                street.provider,
                .settleLease(id, nonce: nonce, .settled(reference: "P-1"))
            ),
            case .failed(.alreadySettled)? = street.network.ask(
                street.provider,
                .settleLease(id, nonce: nil, .settled(reference: "P-2"))
            )
        else {
            Issue.record("settled twice")
            return
        }
    }

    @Test func `is asked for again under the same key when the node was killed in between`() throws {
        var (street, id) = try over(.exec, seed: 702)
        let first = try #require(orders(street, street.provider).first)
        street.crash(street.provider)
        street.network.run(for: .seconds(1))
        let again = try #require(orders(street, street.provider).last)
        #expect(again.isRepeated && again.settlement.key == first.settlement.key)
        #expect(again.settlement.amountMicros == first.settlement.amountMicros)
        let nonce = again.settlement.key.nonce
        _ = street.network.ask(street.provider, .settleLease(id, nonce: nonce, .settled(reference: "P-1")))
        let count = orders(street, street.provider).count
        street.crash(street.provider)
        street.network.run(for: .seconds(400))
        #expect(orders(street, street.provider).count == count, "what is settled stays settled")
        #expect(try receipt(&street, id)?.reference == "P-1")
    }

    @Test func `that fails holds no receipt back, and is tried until it is done`() throws {
        var (street, id) = try over(.exec, seed: 703)
        let nonce = try #require(orders(street, street.provider).first).settlement.key.nonce
        for attempt in 1...4 {
            let complaint = "no route (\(attempt))"
            _ = street.network.ask(street.provider, .settleLease(id, nonce: nonce, .failed(complaint: complaint)))
            let held = try street.held(id, by: street.provider)
            #expect(held.settlement?.complaint == complaint && held.settlement?.failureCount == attempt)
            street.network.run(for: .seconds(1 << attempt))
            #expect(orders(street, street.provider).count == attempt + 1, "two seconds, doubling")
        }
        #expect(try receipt(&street, id)?.reference == "")
        _ = street.network.ask(street.provider, .settleLease(id, nonce: nonce, .settled(reference: "late")))
        street.network.run(for: .seconds(600))
        #expect(orders(street, street.provider).count == 5)
        let held = try street.held(id, by: street.provider)
        #expect(held.settlement?.reference == "late" && held.countersignature != nil)
    }

    @Test func `keeps its amount when a promise arrives after a crash`() throws {
        var street = try LeaseStreet(seed: 708) { $0.settlements = [SettlementRail.exec.rawValue] }
        let id = try street.lease(try street.wish(seconds: 180))
        street.network.run(for: .seconds(115))
        // The second voucher is the renter's promise, and does not reach the provider's disk; then the two are parted.
        street.network.failStore(of: street.provider, with: .diskFull)
        street.network.run(for: .seconds(10))
        let known = try street.held(id, by: street.provider).paidMicros
        #expect(known == 6_000)
        #expect(try street.held(id, by: street.renter).paidMicros == 12_000)
        street.network.split([street.provider])
        street.network.failStore(of: street.provider, with: nil)
        street.network.run(for: .seconds(85))
        let first = try #require(orders(street, street.provider).last)
        #expect(first.settlement.amountMicros == known)
        street.crash(street.provider)
        street.network.heal()
        street.network.run(for: .seconds(15))
        let again = try #require(orders(street, street.provider).last)
        #expect(again.isRepeated && again.settlement == first.settlement)
        #expect(again.voucher == first.voucher, "the program sees the promise that is to be settled")
        let nonce = again.settlement.key.nonce
        _ = street.network.ask(street.provider, .settleLease(id, nonce: nonce, .settled(reference: "P-1")))
        street.network.run(for: .seconds(60))
        let receipt = try #require(try receipt(&street, id))
        #expect(receipt.paidMicros == known && receipt.reference == "P-1")
        #expect(try street.held(id, by: street.renter).countersignature != nil)
    }

    @Test func `is not asked for again when a backup is restored in which the lease still ran`() throws {
        for isProvider in [true, false] {
            var street = try LeaseStreet(seed: 709) { $0.settlements = [SettlementRail.exec.rawValue] }
            let node = isProvider ? street.provider : street.renter
            let id = try street.lease(try street.wish(seconds: 300))
            street.network.run(for: .seconds(130))
            let backup = street.network.backup(of: node)
            street.network.run(for: .seconds(175))
            for party in [street.provider, street.renter] {
                street.network.run(for: .seconds(5))
                let order = try #require(orders(street, party).last)
                let outcome = Settlement.Outcome.settled(reference: "P-\(order.settlement.amountMicros)")
                _ = street.network.ask(party, .settleLease(id, nonce: order.settlement.key.nonce, outcome))
            }
            street.network.run(for: .seconds(20))
            let before = try #require(try receipt(&street, id))
            let keys = Set(orders(street, node).map(\.settlement.key))
            street.restore(node, from: backup)
            street.network.run(for: .seconds(200))
            #expect(Set(orders(street, node).map(\.settlement.key)) == keys, "one key, however often")
            #expect(try receipt(&street, id) == before)
        }
    }

    @Test func `that nobody answers holds the receipt back for a while only`() throws {
        var (street, id) = try over(.exec, seed: 704)
        street.network.run(for: .seconds(60))
        #expect(try receipt(&street, id) == nil)
        street.network.run(for: .seconds(40))
        #expect(try receipt(&street, id)?.reference == "")
    }

    @Test func `that could not be written is asked for again, and nothing is said of it`() throws {
        var (street, id) = try over(.exec, seed: 705)
        let nonce = try #require(orders(street, street.provider).first).settlement.key.nonce
        street.network.failStore(of: street.provider, with: .diskFull)
        let lost = street.network.ask(street.provider, .settleLease(id, nonce: nonce, .settled(reference: "P-1")))
        guard case .failed(.notDurable)? = lost else {
            Issue.record("\(String(describing: lost))")
            return
        }
        street.network.failStore(of: street.provider, with: nil)
        street.network.run(for: .seconds(5))
        #expect(try receipt(&street, id) == nil)
        let again = try #require(orders(street, street.provider).last)
        #expect(orders(street, street.provider).count == 2 && again.isRepeated && again.settlement.key.nonce == nonce)
        _ = street.network.ask(street.provider, .settleLease(id, nonce: nonce, .settled(reference: "P-1")))
        street.network.run(for: .seconds(5))
        #expect(try receipt(&street, id)?.reference == "P-1")
    }

    @Test func `by hand is noted once, and on credit there is nothing to note`() throws {
        var (street, id) = try over(.manual, seed: 706)
        street.network.run(for: .seconds(5))
        #expect(orders(street, street.provider).isEmpty && street.credit(of: street.provider).isEmpty)
        let settled = street.network.ask(
            street.provider,
            .settleLease(id, nonce: nil, .settled(reference: "SEPA 4711"))
        )
        guard case .lease(let lease)? = settled else {
            Issue.record("\(String(describing: settled))")
            return
        }
        #expect(lease.settlement?.reference == "SEPA 4711")
        street.crash(street.provider)
        let held = try street.held(id, by: street.provider)
        #expect(held.settlement?.reference == "SEPA 4711")
        let senseless = Settlement.Outcome.settled(reference: "a\nb")
        guard
            case .failed(.unfitReference)? = street.network.ask(street.renter, .settleLease(id, nonce: nil, senseless))
        else {
            Issue.record("a name of two lines was taken")
            return
        }
        var (other, credit) = try over(.credit, seed: 707)
        guard
            case .failed(.nothingToSettle)? = other.network.ask(
                other.provider,
                .settleLease(credit, nonce: nil, .settled(reference: "x"))
            )
        else {
            Issue.record("credit was settled twice")
            return
        }
    }
}
