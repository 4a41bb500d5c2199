import Cryptography
import OrderedCollections
import Primitives
import Testing

@testable import Market

@Suite struct `Limits of the provider counter` {
    typealias S = RecordSamples

    private static func stranger(_ number: Int) -> Ed25519.PublicKey {
        Ed25519.PrivateKey(seed: [UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 9, count: 30)).publicKey
    }

    @Test func `of bidders who let awards lapse, the one who may come back first is forgotten first`() throws {
        var street = try CounterStreet()
        for number in 0..<ProviderCounter.coolingCountMax {
            let until = S.start + 100_000 + Int64(number)
            street.counter.cooling[Self.stranger(number)] = ProviderCounter.Cooling(until: until, lapses: 1)
        }
        _ = street.say(1, by: 2, try street.bid(1, by: 2))
        street.advance(10_001)
        #expect(street.counter.cooling.count == ProviderCounter.coolingCountMax)
        #expect(street.counter.cooling[Self.stranger(0)] == nil && street.counter.cooling[Self.stranger(1)] != nil)
        _ = street.say(2, by: 2, try street.bid(2, by: 2))
        #expect(street.refusal(2)?.code == .coolingDown)
        // Whoever has not let one lapse is served on.
        _ = street.say(3, by: 3, try street.bid(3, by: 3))
        #expect(street.award(3) != nil)
    }

    @Test func `no more offers are served than there is room for, and those that are, on`() throws {
        var street = try CounterStreet()
        let template = try S.signed(.offer(S.offer()), by: CounterStreet.provider, sequence: 2)
        guard case .offer(let body) = template.record.body else { preconditionFailure("it is an offer") }
        for number in 1..<ProviderCounter.offerCountMax {
            let id = try #require(
                OfferID([UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 77, count: 14))
            )
            street.counter.offers[id] = ProviderCounter.ServedOffer(record: template, body: body, announcedFree: [])
        }
        var other = S.offer()
        other.offer = OfferID(S.bytes16(9))
        street.handle(.offer(try S.signed(.offer(other), by: CounterStreet.provider, sequence: 9)))
        #expect(
            street.counter.offers.count == ProviderCounter.offerCountMax && street.counter.offers[other.offer] == nil
        )
        street.handle(.offer(try S.signed(.offer(street.offer), by: CounterStreet.provider, sequence: 10)))
        #expect(street.counter.offers[street.offer.offer]?.record.record.sequence == 10)
    }
}
