import Market
import Node
import Primitives
import TestSupport
import Testing

/// A provider says when its GPUs can be used; what it costs begins when the renter has heard that.
@Suite struct `The metered time of a lease` {
    private static func street(seed: UInt64, exposureMicros: Int64 = 1_000_000) throws -> (LeaseStreet, LeaseID) {
        var policy = LeasePolicy()
        policy.awaitsReady = true
        policy.counter.exposureMicrosMax = exposureMicros
        var street = try LeaseStreet(seed: seed, policy: policy) { $0.durationMaxSeconds = 7_200 }
        let id = try street.lease(try street.wish(seconds: 7_200))
        return (street, id)
    }

    private static func sayReady(_ id: LeaseID, _ street: inout LeaseStreet) {
        guard case .done? = street.network.ask(street.provider, .readyLease(id)) else {
            Issue.record("not taken")
            return
        }
    }

    @Test(arguments: [-100_000, 0, 40_000] as [Int64])
    func `begins when the renter hears of it, whatever the provider's clock says`(ahead: Int64) throws {
        var policy = LeasePolicy()
        policy.awaitsReady = true
        var street = try LeaseStreet(seed: 321, policy: policy)
        let provider = street.provider
        street.network.clockAheadMilliseconds[provider] = ahead
        street.network.run(for: .seconds(11))
        let id = try street.lease(try street.wish(seconds: 600))
        street.network.run(for: .seconds(60))
        let said = street.network.unixMilliseconds
        Self.sayReady(id, &street)
        street.network.run(for: .seconds(50))
        let (rented, provided) = (try street.held(id, by: street.renter), try street.held(id, by: provider))
        let heard = try #require(rented.readyAt)
        let answered = try #require(provided.readyAt) - ahead
        #expect((said...said + 200).contains(heard) && (heard...heard + 200).contains(answered))
        street.network.run(for: .seconds(75))
        for node in [street.renter, provider] {
            let held = try street.held(id, by: node)
            #expect(held.standing == .active && held.paidMicros == 2 * 6_000, "two ticks of a minute")
        }
    }

    @Test func `begins behind a word that travelled for ten minutes, and both agree on it`() throws {
        var (street, id) = try Self.street(seed: 322)
        street.network.split([street.renter])
        Self.sayReady(id, &street)
        street.network.run(for: .seconds(600))
        let unheard = try street.held(id, by: street.provider)
        #expect(unheard.standing == .active && unheard.readyAt == nil && unheard.owedMicros == 0)
        street.network.heal()
        let healed = street.network.unixMilliseconds
        street.network.run(for: .seconds(600))
        let heard = try #require(try street.held(id, by: street.renter).readyAt)
        let answered = try #require(try street.held(id, by: street.provider).readyAt)
        #expect(healed <= heard && heard <= answered && answered < healed + 300_000)
        guard case .lease? = street.network.ask(street.renter, .closeLease(id, .done)) else {
            Issue.record("not closed")
            return
        }
        let closed = street.network.unixMilliseconds
        street.network.run(for: .seconds(30))
        for node in [street.renter, street.provider] {
            let over = try street.held(id, by: node)
            guard case .receipt(let receipt)? = over.receipt?.record.body else {
                Issue.record("no receipt")
                continue
            }
            #expect(over.code == .done && receipt.owedMicros == receipt.paidMicros)
            #expect(receipt.paidMicros > 0 && receipt.paidMicros <= (closed - answered + 1_000) * 360_000 / 3_600_000)
            #expect(Int64(receipt.readySeconds) == (answered - over.body.startAt) / 1_000)
        }
    }

    @Test(arguments: [(12_000, 120), (1_000_000, 1_800)] as [(Int64, Int64)])
    func `does not begin for a renter that is silent, who loses the GPUs before more is at risk than its limit`(
        exposureMicros: Int64,
        seconds: Int64
    ) throws {
        var (street, id) = try Self.street(seed: 323, exposureMicros: exposureMicros)
        street.network.kill(street.renter)
        let said = street.network.unixMilliseconds
        Self.sayReady(id, &street)
        street.network.run(for: .seconds(seconds - 1))
        #expect(try street.held(id, by: street.provider).standing == .active)
        street.network.run(for: .seconds(30))
        let over = try street.held(id, by: street.provider)
        #expect(over.providerCode == .unreachable && over.owedMicros == 0)
        let lasted = try #require(over.closedAt) - said
        #expect((seconds * 1_000...seconds * 1_000 + 100).contains(lasted))
        guard case .receipt(let receipt)? = over.receipt?.record.body else {
            Issue.record("no receipt")
            return
        }
        #expect(receipt.readySeconds == 0 && receipt.activeSeconds == 0 && receipt.paidMicros == 0)
    }

    @Test func `goes on over a restart of the provider once it was paid for, and is asked for again before`() throws {
        var policy = LeasePolicy()
        policy.awaitsReady = true
        var (street, id) = try Self.street(seed: 324)
        street.network.split([street.renter])
        Self.sayReady(id, &street)
        street.network.run(for: .seconds(5))
        street.crash(street.provider, policy: policy)
        street.network.run(for: .seconds(5))
        #expect(try street.held(id, by: street.provider).readyAt == nil, "nobody has heard")
        street.network.heal()
        street.network.run(for: .seconds(300))
        let before = try street.held(id, by: street.provider)
        #expect(before.readyAt != nil && before.paidMicros > 0)
        // Once more, and the renter is away: what it uses is counted all the same.
        street.network.split([street.renter])
        street.crash(street.provider, policy: policy)
        street.network.run(for: .seconds(120))
        let after = try street.held(id, by: street.provider)
        #expect(after.readyAt == before.readyAt && after.owedMicros >= before.paidMicros + 11_000)
    }
}
