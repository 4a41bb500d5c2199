import Identity
import Market
import Node
import Primitives
import TestSupport
import Testing

/// What a renter had in mind when it bid, and what its provider has made of the offer meanwhile.
@Suite struct `A bid on an offer that changes` {
    private func street(_ change: OfferChange) throws -> LeaseStreet {
        var street = try LeaseStreet(seed: 81)
        guard case .offer(let body) = street.offer.record.body,
            case .offer? = street.network.ask(street.provider, .updateOffer(body.offer, change))
        else { throw TestNetwork.NotPublished(answer: "no change") }
        street.network.run(for: .seconds(12))
        return street
    }

    private func failure(_ street: inout LeaseStreet, _ change: (inout BidWish) -> Void) throws -> NodeFailure? {
        var wish = try street.wish()
        change(&wish)
        guard case .failed(let failure)? = street.network.ask(street.renter, .placeBid(wish, waits: true)) else {
            return nil
        }
        return failure
    }

    @Test func `is not placed in a unit that the renter did not mean`() throws {
        var change = OfferChange()
        (change.unit, change.gpuHourMicros) = ("sat", 300_000)
        var street = try street(change)
        let asked = NodeFailure.priceChanged(PriceTerms(unit: "sat", gpuHourMicros: 300_000))
        #expect(try failure(&street) { $0.unit = "USD" } == asked)
        #expect(
            try failure(&street) { ($0.unit, $0.gpuHourMicros) = ("USD", 300_000) } == asked,
            "nor at a price that would be enough in the new one"
        )
        #expect(street.leases(of: street.provider).isEmpty)
        #expect(try failure(&street) { $0.unit = "sat" } == nil)
        #expect(street.leases(of: street.renter).map(\.body.price.unit) == ["sat"])
    }

    @Test func `is not placed at an asked price that the renter never saw`() throws {
        var change = OfferChange()
        change.gpuHourMicros = 36_000_000
        var street = try street(change)
        let asked = NodeFailure.priceChanged(PriceTerms(unit: "USD", gpuHourMicros: 36_000_000))
        #expect(try failure(&street) { $0.gpuHourMicrosMax = 360_000 } == asked)
        #expect(street.leases(of: street.provider).isEmpty)
        #expect(try failure(&street) { $0.gpuHourMicrosMax = 36_000_000 } == nil)
    }

    @Test func `is placed at an asked price that has fallen`() throws {
        var change = OfferChange()
        change.gpuHourMicros = 180_000
        var street = try street(change)
        #expect(try failure(&street) { ($0.unit, $0.gpuHourMicrosMax) = ("USD", 360_000) } == nil)
        #expect(street.leases(of: street.renter).map(\.body.price.gpuHourMicros) == [180_000])
    }

    @Test func `that came to nothing is no lease when its provider brings it up later`() throws {
        var street = try LeaseStreet(seed: 82)
        _ = street.network.command(street.renter, .placeBid(try street.wish(seconds: 12 * 3_600), waits: false))
        // Of two runs of one seed the first shows when the lease is signed: just before, the answer's way is cut.
        var rehearsal = street
        while !rehearsal.network.hasStarted(aLeaseOn: street.provider),
            rehearsal.network.now < street.network.now.advanced(by: .seconds(30))
        {
            rehearsal.network.run(for: .milliseconds(1))
        }
        street.network.run(for: street.network.now.duration(to: rehearsal.network.now) - .milliseconds(1))
        street.network.split([street.renter])
        // The renter asks for an hour what came of it, and bids elsewhere.
        street.network.run(for: .seconds(2 * 3_600))
        guard case .bids(let bids)? = street.network.ask(street.renter, .bids) else { return }
        #expect(bids.map(\.outcome) == [.failed(.uncertain)] && street.leases(of: street.renter).isEmpty)
        // The provider could not tell it that it may use the GPUs: they are free again.
        let closed = street.leases(of: street.provider)
        #expect(closed.map(\.providerCode) == [.unreachable] && closed.map(\.owedMicros) == [0])
        street.network.heal()
        _ = street.network.ask(street.renter, .connect([street.network.address(street.provider)]))
        street.network.run(for: .seconds(600))
        #expect(street.leases(of: street.renter).map(\.providerCode) == [.unreachable], "it is shown what was signed")
        for node in [street.provider, street.renter] {
            let over = street.leases(of: node)
            #expect(
                over.allSatisfy { $0.countersignature != nil && $0.paidMicros == 0 },
                "two hours unheard of are not paid"
            )
        }
    }
}
