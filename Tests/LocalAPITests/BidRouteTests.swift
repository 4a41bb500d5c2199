import Identity
import Market
import Node
import Synchronization
import Testing

@testable import LocalAPI

/// A node that remembers what was bid, and takes nothing.
private final class BiddenNode: NodeControl {
    let market = FakeNode()
    private let wishes = Mutex<[BidWish]>([])

    var last: BidWish? { wishes.withLock { $0.last } }

    func events() -> AsyncStream<NodeEvent> { AsyncStream { $0.finish() } }

    func send(_ command: NodeCommand) async throws -> NodeAnswer {
        switch command {
        case .placeBid(let wish, _):
            wishes.withLock { $0.append(wish) }
            return .failed(.priceChanged(PriceTerms(unit: "sat", gpuHourMicros: 1_500_000)))
        case .attest: return .failed(.ownKey)
        default: return try await market.send(command)
        }
    }
}

@Suite struct `A bid over the local interface` {
    private let node = BiddenNode()
    private let service: APIService

    init() throws {
        service = APIService(node: node, token: "")
        node.market.show([try Samples.listing(1)])
    }

    private func bid(_ change: (inout BidRequest) -> Void = { _ in }) async throws -> APIError {
        var request = BidRequest(offer: "01", seconds: 3_600)
        change(&request)
        let response = await service.respond(to: APIRequest("POST", "/v1/bids", body: JSONFormat.encode(request)))
        guard case .bytes(let bytes) = response.body else { throw CancellationError() }
        return try JSONFormat.decode(APIError.self, from: bytes)
    }

    @Test func `is for no more than the offer was shown at, in the unit in which it was`() async throws {
        _ = try await bid()
        #expect(
            node.last?.unit == nil && node.last?.gpuHourMicrosMax == nil,
            "it was never shown: what it asks is meant"
        )
        _ = try await bid { $0.priceMicros = 300_000 }
        #expect(node.last?.unit == "USD" && node.last?.gpuHourMicros == 300_000)
        for path in ["/v1/search", "/v1/offers/01"] {
            node.market.show([try Samples.listing(1)])
            #expect(await service.respond(to: APIRequest("GET", path)).status == 200)
            // The provider thinks better of it.
            node.market.show([try Samples.listing(1, micros: 9_000_000)])
            let error = try await bid()
            #expect(
                node.last?.unit == "USD" && node.last?.gpuHourMicrosMax == 350_000 && node.last?.gpuHourMicros == nil
            )
            #expect(error.message.contains("asks 1.50 sat for one GPU and one hour now"))
            #expect(error.hint?.contains("--price, --unit") == true)
        }
        _ = try await bid { ($0.priceMicros, $0.unit) = (9_000_000, "kWh") }
        #expect(node.last?.unit == "kWh" && node.last?.gpuHourMicros == 9_000_000 && node.last?.gpuHourMicrosMax == nil)
    }

    @Test func `of more than twice what is asked is a slip unless it is said to be none`() async throws {
        _ = try await bid { $0.priceMicros = 700_000 }
        #expect(node.last?.gpuHourMicros == 700_000)
        let slip = try await bid { $0.priceMicros = 35_000_000 }
        #expect(slip.message == "35.00 is more than twice what the offer asks (0.35 USD)")
        #expect(slip.hint == "if you mean it, add --above-ask" && node.last?.gpuHourMicros == 700_000)
        _ = try await bid { ($0.priceMicros, $0.aboveAsk) = (35_000_000, true) }
        #expect(node.last?.gpuHourMicros == 35_000_000)
    }

    @Test func `what is shown is remembered within a bound, the newest first`() throws {
        let prices = ShownPrices()
        let listing = try Samples.listing(1)
        for number in 0..<3 * ShownPrices.countMax {
            let bytes = (0..<16).map { UInt8(truncatingIfNeeded: number >> (8 * min($0, 3))) }
            var offer = listing.offer
            offer.offer = try #require(OfferID(bytes))
            prices.note([Listing(record: listing.record, offer: offer, machine: nil, heardAt: 0, vouchedUntil: 0)])
            #expect(prices.count <= ShownPrices.countMax)
            #expect(prices[ListingID(provider: listing.provider, offer: offer.offer)]?.gpuHourMicros == 350_000)
        }
        #expect(prices.count >= ShownPrices.countMax / 2)
    }

    @Test func `with terms that are too long says which, and what the limit is`() async throws {
        let cases: [((inout BidRequest) -> Void, String)] = [
            ({ $0.image = String(repeating: "i", count: 257) }, "the image's name has 257 bytes; it may have 256"),
            ({ $0.image = "a\u{1b}[2J" }, "the image's name has characters that do not print"),
            ({ $0.command = Array(repeating: "x", count: 65) }, "the command has 65 words; 64 are allowed"),
            (
                { $0.environment = Array(repeating: "A=b", count: 65) },
                "the environment has 65 variables; 64 are allowed"
            ),
            ({ $0.ports = [70_000] }, "70000 is no port: 1 to 65535"),
            ({ $0.sshKeys = Array(repeating: "ssh-ed25519 A", count: 9) }, "the lease names 9 SSH keys; 8 are allowed"),
            (
                { $0.command = [String(repeating: "y", count: 1_025)] },
                "'yyyyyyyyyyyyyyyy…' has 1025 bytes; a word, variable or key may have 1024"
            ),
            (
                { $0.command = Array(repeating: String(repeating: "z", count: 1_000), count: 17) },
                "what is to be run is longer than 16 KiB in all"
            ),
        ]
        for (change, sentence) in cases {
            #expect(try await bid(change).message == sentence)
            #expect(node.last == nil)
        }
    }

    @Test func `a node that is to attest itself says why it does not`() async throws {
        let provider = try Samples.listing(1).provider
        let response = await service.respond(
            to: APIRequest("POST", "/v1/attest/\(PeerID(publicKey: provider))", body: Array("{}".utf8))
        )
        guard case .bytes(let bytes) = response.body else { return }
        let error = try JSONFormat.decode(APIError.self, from: bytes)
        #expect(error.code == .badRequest && error.message.contains("nobody believes what a node says of itself"))
    }
}
