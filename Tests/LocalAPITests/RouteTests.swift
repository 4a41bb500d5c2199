import LocalAPI
import Market
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Routes` {
    private let node = FakeNode()

    private func answer(
        _ method: String,
        _ path: String,
        query: [String: String] = [:],
        body: [UInt8] = []
    ) async -> (status: Int, bytes: [UInt8]) {
        let service = APIService(node: node, token: "")
        let response = await service.respond(to: APIRequest(method, path, query: query, body: body))
        guard case .bytes(let bytes) = response.body else { return (response.status, []) }
        return (response.status, bytes)
    }

    private func error(_ bytes: [UInt8]) throws -> APIError { try JSONFormat.decode(APIError.self, from: bytes) }

    @Test func `what does not exist is 404, and a wrong method names the right ones`() async throws {
        for path in [
            "/", "/v2/status", "/v1", "/v1/offers/a/b/c", "/v1/nothing", "/v1/search/watch/x", "/v1//status/x",
        ] {
            #expect(await answer("GET", path).status == 404)
        }
        let wrong = await answer("PUT", "/v1/peers")
        #expect(wrong.status == 405)
        #expect(try error(wrong.bytes).message == "/v1/peers takes GET, POST, not PUT")
    }

    @Test func `the health of the process and the document need nobody's leave`() async {
        #expect(await answer("GET", "/livez").bytes == Array("live\n".utf8))
        #expect(await answer("GET", "/openapi.yaml").bytes.starts(with: Array("openapi: 3.1".utf8)))
    }

    @Test func `a search gives rows with stable names`() async throws {
        node.show([try Samples.listing(1), try Samples.listing(2, micros: 100_000)])
        let (status, bytes) = await answer("GET", "/v1/search", query: ["limit": "1", "explain": "1"])
        #expect(status == 200)
        let view = try JSONFormat.decode(SearchView.self, from: bytes)
        #expect(view.matches == 2)
        #expect(view.sort == "price")
        let row = try #require(view.rows.first)
        #expect(view.rows.count == 1)
        #expect(row.priceMicros == 100_000)
        #expect(row.offerID == String(repeating: "02", count: 16))
        #expect((row.live, row.ageSeconds, row.unit, row.count) == (true, 2, "USD", 1))
        let text = String(decoding: bytes, as: UTF8.self)
        for name in [
            "offer_id", "record_id", "provider", "gpu", "count", "price_micros", "unit", "live", "age_seconds",
            "explanation",
        ] {
            #expect(text.contains("\"\(name)\":"))
        }
    }

    @Test(arguments: [["q": "gpuu=1"], ["sort": "prise"], ["limit": "0"], ["limit": "x"], ["limit": "99999999"]])
    func `a search that makes no sense says why`(query: [String: String]) async throws {
        let (status, bytes) = await answer("GET", "/v1/search", query: query)
        #expect(status == 400)
        #expect(try error(bytes).code == .badRequest)
        #expect(node.commands.isEmpty)
    }

    @Test func `an offer is named by an unambiguous beginning, alone or behind its provider`() async throws {
        let (first, second) = (try Samples.listing(0x11), try Samples.listing(0x12))
        node.show([first, second])
        #expect(await answer("GET", "/v1/offers/11").status == 200)
        #expect(await answer("GET", "/v1/offers/12D3/12").status == 200)
        let both = await answer("GET", "/v1/offers/1")
        #expect(both.status == 409)
        let hint = try #require(try error(both.bytes).hint)
        #expect(hint.contains(first.offer.offer.description) && hint.contains(second.offer.offer.description))
        #expect(await answer("GET", "/v1/offers/13").status == 404)
        #expect(await answer("GET", "/v1/offers/Qm/11").status == 404)
        #expect(await answer("DELETE", "/v1/offers/11").status == 200)
    }

    @Test func `the node's refusals become sentences`() async throws {
        var terms = TermsRequest()
        terms.priceMicros = 1
        let body = JSONFormat.encode(PublishRequest(devices: [DeviceRequest(gpu: "rtx-4090")], terms: terms))
        let refused = await answer("POST", "/v1/offers", body: body)
        #expect(refused.status == 409)
        #expect(try error(refused.bytes).message == "a provider has at most 64 offers of a class")
        let unknown = JSONFormat.encode(PublishRequest(devices: [DeviceRequest(gpu: "rtx-4091")], terms: terms))
        #expect(try error(await answer("POST", "/v1/offers", body: unknown).bytes).hint == "did you mean 'rtx-4090'?")
        let several = JSONFormat.encode(PublishRequest(devices: [DeviceRequest(gpu: "h100")], terms: terms))
        #expect(await answer("POST", "/v1/offers", body: several).status == 400)
        let addresses = JSONFormat.encode(ConnectRequest(addresses: ["/ip4/127.0.0.1/tcp/1"]))
        #expect(
            try error(await answer("POST", "/v1/peers", body: addresses).bytes).message.contains("this node itself")
        )
        let none = JSONFormat.encode(ConnectRequest(addresses: []))
        #expect(await answer("POST", "/v1/peers", body: none).status == 400)
        #expect(await answer("POST", "/v1/peers", body: Array("[".utf8)).status == 400)
        #expect(await answer("GET", "/v1/status").status == 503)
    }

    @Test func `records are found by the beginning of their id and travel as text`() async throws {
        let listing = try Samples.listing(1)
        node.show([listing])
        let id = listing.record.id.description
        for length in [2, 3, 7, 64] {
            let (status, bytes) = await answer("GET", "/v1/records/\(id.prefix(length))")
            #expect(status == 200)
            let view = try JSONFormat.decode(RecordView.self, from: bytes)
            #expect(view.recordID == id)
            #expect(EnvelopeText.bytes(view.envelope) == listing.record.envelope)
        }
        for prefix in ["zz", "a", String(repeating: "0", count: 65)] {
            #expect(await answer("GET", "/v1/records/\(prefix)").status == 400)
        }
        let page = try JSONFormat.decode(RecordPageView.self, from: await answer("GET", "/v1/records").bytes)
        let imported = await answer(
            "POST",
            "/v1/records",
            body: JSONFormat.encode(ImportRequest(envelopes: page.envelopes))
        )
        let verdicts = try JSONFormat.decode(ImportView.self, from: imported.bytes).verdicts
        #expect(verdicts.map(\.accepted) == [false])
        let many = ImportRequest(envelopes: Array(repeating: "AA", count: 1_025))
        #expect(await answer("POST", "/v1/records", body: JSONFormat.encode(many)).status == 429)
        #expect(await answer("GET", "/v1/records", query: ["after": "x"]).status == 400)
    }

    @Test(arguments: 0..<64) func `envelopes survive their text form, and other text never traps`(seed: Int) {
        let bytes = (0...seed).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ seed) }
        #expect(EnvelopeText.bytes(EnvelopeText.line(bytes) + "") != nil)
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(EnvelopeText.bytes(digits) == bytes)
        #expect(EnvelopeText.bytes("!" + digits) == nil)
    }
}
