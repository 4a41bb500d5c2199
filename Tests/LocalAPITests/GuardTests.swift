import LocalAPI
import Testing

@Suite struct `Guards of the TCP door` {
    private let node = FakeNode()

    private func status(
        _ method: String,
        _ path: String,
        _ headers: [String: String],
        origin: APIRequest.Origin = .loopback
    ) async -> Int {
        let service = APIService(node: node, token: "secret")
        return await service.respond(to: APIRequest(method, path, headers: headers, origin: origin)).status
    }

    @Test(arguments: ["127.0.0.1:4181", "localhost:4181", "[::1]:4181", "LOCALHOST", "127.0.0.1"])
    func `a request to loopback may read the market`(host: String) async {
        #expect(await status("GET", "/v1/search", ["host": host]) == 200)
    }

    @Test(arguments: [
        "evil.example", "evil.example:4181", "127.0.0.1.evil.example", "localhost.evil:80", "", "127.0.0.1:80:80",
    ])
    func `a foreign host is refused, which ends DNS rebinding`(host: String) async {
        #expect(await status("GET", "/v1/search", ["host": host]) == 403)
        #expect(await status("PUT", "/nowhere", ["host": host]) == 403)
    }

    @Test func `a request without a host is refused`() async {
        #expect(await status("GET", "/v1/search", [:]) == 403)
    }

    @Test(arguments: ["http://evil.example", "null", "https://127.0.0.1:4181", "http://127.0.0.1:9", "file://"])
    func `a foreign page is refused even with the token`(page: String) async {
        let headers = ["host": "127.0.0.1:4181", "origin": page, "authorization": "Bearer secret"]
        #expect(await status("GET", "/v1/search", headers) == 403)
        #expect(await status("GET", "/v1/peers", headers) == 403)
    }

    @Test func `our own page may ask`() async {
        let headers = ["host": "127.0.0.1:4181", "origin": "http://127.0.0.1:4181"]
        #expect(await status("GET", "/v1/search", headers) == 200)
    }

    @Test(arguments: [
        ("GET", "/v1/peers"), ("GET", "/v1/offers"), ("DELETE", "/v1/offers/ab"), ("POST", "/v1/key/resume"),
        ("POST", "/v1/shutdown"), ("POST", "/v1/records"), ("GET", "/v1/id"), ("GET", "/v1/status"),
        ("GET", "/v1/trust/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"),
        ("POST", "/v1/attest/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"), ("GET", "/v1/requests"),
        ("POST", "/v1/requests"), ("DELETE", "/v1/requests/ab"), ("GET", "/v1/requests/ab/bids"),
        ("POST", "/v1/requests/ab/accept"),
    ])
    func `own state and every write need the token`(method: String, path: String) async {
        let host = ["host": "localhost:1"]
        #expect(await status(method, path, host) == 401)
        for wrong in ["Bearer wrong", "secret", "bearer secret", "Bearer secret2", "Bearer "] {
            #expect(await status(method, path, host.merging(["authorization": wrong]) { $1 }) == 401)
        }
        #expect(node.commands.isEmpty, "nothing reached the node")
        #expect(await status(method, path, host.merging(["authorization": "Bearer secret"]) { $1 }) != 401)
    }

    @Test func `the socket needs no token: its file is the guard`() async {
        #expect(await status("GET", "/v1/peers", [:], origin: .socket) == 200)
    }
}
