import Foundation
import FoundationNetworking
import Glibc
import LocalAPI
import Primitives
import Testing

@Suite(.timeLimit(.minutes(1))) struct `A watched search` {
    private let node = FakeNode()

    /// The data of the next events, without the lines that only keep the connection alive.
    private func next(_ iterator: inout AsyncStream<[UInt8]>.Iterator) async throws -> WatchedChange {
        while let bytes = await iterator.next(isolation: nil) {
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            guard let data = lines.first(where: { $0.hasPrefix("data: ") }) else { continue }
            return try JSONFormat.decode(WatchedChange.self, from: Array(data.dropFirst(6).utf8))
        }
        throw CancellationError()
    }

    private func watch(_ service: APIService) async throws -> AsyncStream<[UInt8]> {
        let response = await service.respond(to: APIRequest("GET", "/v1/search/watch"))
        guard response.status == 200, case .events(let stream) = response.body else { throw CancellationError() }
        return stream
    }

    @Test func `begins with the rows that are there and tells what appears, changes and goes`() async throws {
        node.show([try Samples.listing(1)])
        var events = try await watch(APIService(node: node, token: "")).makeAsyncIterator()
        var change = try await next(&events)
        #expect(change.change == .appeared)
        #expect(change.row?.priceMicros == 350_000)
        node.show([try Samples.listing(1, micros: 300_000)])
        change = try await next(&events)
        #expect(change.change == .changed)
        #expect(change.row?.priceMicros == 300_000)
        node.show([try Samples.listing(2)])
        change = try await next(&events)
        #expect(change.change == .gone)
        #expect(change.offerID == String(repeating: "01", count: 16))
        #expect(change.row == nil)
        #expect(try await next(&events).change == .appeared)
    }

    @Test func `no more than sixteen are served, and one that ends makes room`() async throws {
        let service = APIService(node: node, token: "")
        var streams: [AsyncStream<[UInt8]>] = []
        for _ in 0..<16 { streams.append(try await watch(service)) }
        let refused = await service.respond(to: APIRequest("GET", "/v1/search/watch"))
        #expect(refused.status == 429)
        streams.removeLast()
        while await service.respond(to: APIRequest("GET", "/v1/search/watch")).status == 429 { await Task.yield() }
        #expect(streams.count == 15)
    }
}

@Suite(.serialized, .timeLimit(.minutes(1))) struct `Sockets` {
    private func directory() throws -> String {
        let path = FileManager.default.temporaryDirectory.path + "/api-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test func `a client asks, is refused and watches over the Unix socket`() async throws {
        let home = try directory()
        defer { try? FileManager.default.removeItem(atPath: home) }
        let node = FakeNode()
        node.show([try Samples.listing(1)])
        let path = home + "/api.sock"
        let server = try await LocalServer.start(APIService(node: node, token: ""), socketPath: path)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let client = APIClient(socketPath: path)
        let view = try await client.send(
            "GET",
            "/v1/search",
            query: ["q": "price<=0.40 count>=1"],
            expecting: SearchView.self
        )
        #expect(view.rows.count == 1)
        await #expect(throws: APIError.self) { try await client.send("GET", "/v1/offers/ff", expecting: OfferRow.self) }
        struct Enough: Error {}
        await #expect(throws: Enough.self) {
            try await client.watch(query: [:]) { change in
                #expect(change.change == .appeared)
                throw Enough()
            }
        }
        await #expect(throws: LocalServerError.socketInUse(path: path)) {
            try await LocalServer.start(APIService(node: node, token: ""), socketPath: path)
        }
        await server.stop()
        await #expect(throws: APIClientError.notRunning) {
            try await client.send("GET", "/v1/search", expecting: SearchView.self)
        }
    }

    @Test func `the socket file of a dead node is in nobody's way`() async throws {
        let home = try directory()
        defer { try? FileManager.default.removeItem(atPath: home) }
        let path = home + "/api.sock"
        #expect(FileManager.default.createFile(atPath: path, contents: Data()))
        let server = try await LocalServer.start(APIService(node: FakeNode(), token: ""), socketPath: path)
        _ = try await APIClient(socketPath: path).send("GET", "/v1/search", expecting: SearchView.self)
        await server.stop()
    }

    /// As want of descriptors does: then, too, accept fails.
    @Test func `a server whose socket fails is served again as soon as that is possible`() async throws {
        let (reasons, reason) = AsyncStream.makeStream(of: String.self)
        let any = Endpoint(address: IPAddress(127, 0, 0, 1), port: 0)
        let service = APIService(node: FakeNode(), token: "")
        let server = try await LocalServer.start(service, endpoint: any, restPause: .milliseconds(5)) {
            reason.yield($0)
        }
        let port = try #require(server.endpoint).port
        var heard = reasons.makeAsyncIterator()
        try await reach(port)
        #expect(ListeningSocket.shutDown(port))
        #expect(await heard.next(isolation: nil)?.isEmpty == false)
        try await reach(port)

        // While somebody else has the port, every try fails, and none may cost a descriptor.
        #expect(ListeningSocket.shutDown(port))
        let rival = try ListeningSocket.rival(at: port)
        #expect(await heard.next(isolation: nil)?.isEmpty == false)
        let before = ListeningSocket.openFileCount
        // A hundred tries, or as many as the machine finds time for.
        try await Task.sleep(for: .milliseconds(500))
        #expect(ListeningSocket.openFileCount <= before + 3, "one socket or two may be open for a moment")
        _ = close(rival)
        try await reach(port)
        await server.stop()
        await #expect(throws: (any Error).self) { try await health(port) }
    }

    /// Asks until there is an answer.
    private func reach(_ port: UInt16) async throws {
        while (try? await health(port)) == nil { try await Task.sleep(for: .milliseconds(20)) }
    }

    private func health(_ port: UInt16) async throws {
        let session = URLSession(configuration: .ephemeral)
        defer { session.invalidateAndCancel() }
        let url = try #require(URL(string: "http://127.0.0.1:\(port)/livez"))
        _ = try await session.data(from: url)
    }

    @Test func `a taken port and a foreign address are refused by name`() async throws {
        let service = APIService(node: FakeNode(), token: "")
        let any = Endpoint(address: IPAddress(127, 0, 0, 1), port: 0)
        let server = try await LocalServer.start(service, endpoint: any)
        let real = try #require(server.endpoint)
        #expect(real.port != 0)
        await #expect(throws: LocalServerError.portTaken(real)) {
            try await LocalServer.start(service, endpoint: real)
        }
        await server.stop()
        let foreign = Endpoint(address: IPAddress(0, 0, 0, 0), port: 0)
        await #expect(throws: LocalServerError.notLoopback(foreign)) {
            try await LocalServer.start(service, endpoint: foreign)
        }
    }

    @Test func `the token is made once, for its owner only, and again if others could read it`() throws {
        let home = try directory()
        defer { try? FileManager.default.removeItem(atPath: home) }
        let token = try APIToken.loadOrCreate(directory: home)
        #expect(token.utf8.count == 64)
        #expect(try APIToken.loadOrCreate(directory: home) == token)
        let file = home + "/" + APIToken.fileName
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        #expect(try APIToken.loadOrCreate(directory: home) != token)
    }
}
