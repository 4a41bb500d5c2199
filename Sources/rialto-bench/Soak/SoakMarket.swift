import Foundation
import LocalAPI
import Synchronization

/// What the providers have said: the price that every node must know in the end.
final class SoakMarket: Sendable {
    private struct State {
        var prices: [String: Int64] = [:]
        var publishedCount = 0
        var failures: [String] = []
    }

    /// Enough to see what goes wrong.
    private static let failureCountMax = 100
    private let state = Mutex(State())

    func published(_ offer: String, price: Int64) {
        state.withLock {
            $0.prices[offer] = price
            $0.publishedCount += 1
        }
    }

    /// It is gone, or nobody knows what it costs.
    func forget(_ offer: String) { state.withLock { $0.prices[offer] = nil } }

    func failed(_ what: String) {
        state.withLock { if $0.failures.count < Self.failureCountMax { $0.failures.append(what) } }
    }

    var prices: [String: Int64] { state.withLock { $0.prices } }
    var publishedCount: Int { state.withLock { $0.publishedCount } }
    var failures: [String] { state.withLock { $0.failures } }
}

/// One node's offers: changed in turn, at a steady pace, and now and then one is exchanged for another.
struct SoakProvider {
    /// What it changes before it must answer: a price nobody else sets.
    private static let firstPrice: Int64 = 100_000

    let client: APIClient
    let peer: String
    let market: SoakMarket
    let plan: SoakPlan
    private var offers: [String] = []
    private var price = Self.firstPrice
    /// Changed by deliveries that are timed, and by nothing else.
    private(set) var timed = ""

    init(client: APIClient, peer: String, market: SoakMarket, plan: SoakPlan) {
        (self.client, self.peer, self.market, self.plan) = (client, peer, market, plan)
    }

    mutating func open() async throws {
        timed = try await publish(number: 0)
        for number in 1...plan.offersPerProvider { offers.append(try await publish(number: number)) }
    }

    /// Keeps the pace until the end; what fails is noted and tried again in its turn.
    mutating func work(from start: ContinuousClock.Instant, until end: ContinuousClock.Instant) async {
        let pause = Duration.seconds(Double(plan.providerCount) / plan.rate)
        var (count, exchanged) = (0, start)
        while true {
            let due = start + pause * count
            guard due < end else { return }
            do {
                try await Task.sleep(until: due, clock: .continuous)
            } catch {
                return
            }
            if due >= exchanged + plan.turnover {
                exchanged = due
                await exchange(count % offers.count)
            } else {
                await change(count % offers.count)
            }
            count += 1
        }
    }

    private mutating func change(_ index: Int) async {
        price += 1
        var terms = TermsRequest()
        terms.priceMicros = price
        let offer = offers[index]
        do {
            let path = "/v1/offers/\(peer)/\(offer)"
            _ = try await client.send("PATCH", path, body: terms, expecting: PublishedOffer.self)
            market.published(offer, price: price)
        } catch {
            market.forget(offer)
            market.failed("a change: \(error)")
        }
    }

    private mutating func exchange(_ index: Int) async {
        let offer = offers[index]
        do {
            market.forget(offer)
            _ = try await client.send("DELETE", "/v1/offers/\(peer)/\(offer)", expecting: Outcome.self)
            offers[index] = try await publish(number: index)
        } catch {
            market.failed("an exchange: \(error)")
        }
    }

    /// All offers of one class are for the same device, so that the machine's own record need not change.
    private mutating func publish(number: Int) async throws -> String {
        price += 1
        var device = DeviceRequest(gpu: SoakPlan.graphics[number % SoakPlan.graphics.count])
        device.uuid = "GPU-soak-\(device.gpu)"
        var terms = TermsRequest()
        terms.priceMicros = price
        let request = PublishRequest(devices: [device], terms: terms)
        let offer = try await client.send("POST", "/v1/offers", body: request, expecting: PublishedOffer.self)
        market.published(offer.offerID, price: price)
        return offer.offerID
    }
}
