import Identity
import Node
import Primitives
import Swarm
import Synchronization
import Testing

@testable import LocalAPI

/// A node that keeps bans and remembers how it was tuned.
private final class BanningNode: NodeControl {
    private let list = Mutex(BanList())
    private let state: SampleState

    init(_ state: SampleState = SampleState()) {
        self.state = state
    }

    var bans: [Ban] { list.withLock { $0.all } }

    func events() -> AsyncStream<NodeEvent> { AsyncStream { $0.finish() } }

    func send(_ command: NodeCommand) async throws -> NodeAnswer {
        switch command {
        case .status: return .status(state.status)
        case .metrics: return .metrics(state.metrics)
        case .bans: return .bans(bans, configured: Ban(.peer(SampleState.peer(9))).map { [$0] } ?? [])
        case .ban(let ban): return list.withLock { $0.add(ban) } ? .done : .failed(.tooMany(limit: 1))
        case .unban(let target): return list.withLock { $0.remove(target) } ? .done : .failed(.notBanned)
        case .resumeKey: return .done
        default: return .failed(.shuttingDown)
        }
    }
}

@Suite struct `Operators' routes` {
    private let node = BanningNode()

    private func answer(
        _ method: String,
        _ path: String,
        body: [UInt8] = [],
        shell: NodeShell = NodeShell(),
        node: (any NodeControl)? = nil
    ) async -> (status: Int, bytes: [UInt8]) {
        let service = APIService(node: node ?? self.node, token: "", shell: shell)
        let response = await service.respond(to: APIRequest(method, path, body: body))
        guard case .bytes(let bytes) = response.body else { return (response.status, []) }
        return (response.status, bytes)
    }

    private func error(_ answer: (status: Int, bytes: [UInt8])) throws -> APIError {
        try JSONFormat.decode(APIError.self, from: answer.bytes)
    }

    @Test func `a ban is made, listed with its origin, and lifted`() async throws {
        let request = JSONFormat.encode(BanRequest(target: "203.0.113.9/24", seconds: 60, reason: "floods"))
        #expect(await answer("POST", "/v1/bans", body: request).status == 201)
        let views = try JSONFormat.decode([BanView].self, from: await answer("GET", "/v1/bans").bytes)
        #expect(views.map(\.target) == ["203.0.113.0/24", SampleState.peer(9).description])
        #expect(views.map(\.origin) == ["own", "settings"])
        #expect(views[0].untilUnixMs == Samples.now + 60_000)
        #expect(views[0].reason == "floods")
        #expect(await answer("DELETE", "/v1/bans/203.0.113.0/24").status == 200)
        let gone = await answer("DELETE", "/v1/bans/203.0.113.0%2F24")
        #expect(gone.status == 404)
        #expect(try error(gone).message == "no such ban")
    }

    @Test(arguments: [
        BanRequest(target: "nowhere"), BanRequest(target: "203.0.113.7/1"),
        BanRequest(target: "203.0.113.7", seconds: 0),
        BanRequest(target: "203.0.113.7", seconds: .max), BanRequest(target: "203.0.113.7", reason: "two\nlines"),
        BanRequest(target: SampleState.peer(1).description),
    ])
    func `a senseless ban is refused, and so is one of oneself`(request: BanRequest) async {
        #expect(await answer("POST", "/v1/bans", body: JSONFormat.encode(request)).status == 400)
        #expect(node.bans.isEmpty)
    }

    @Test func `a stuck loop is told without asking it`() async {
        var shell = NodeShell()
        shell.facts = {
            var facts = ShellFacts()
            facts.sinceLastTurn = .seconds(9)
            return facts
        }
        let stuck = await answer("GET", "/livez", shell: shell, node: FakeNode())
        #expect(stuck.status == 503)
        #expect(String(decoding: stuck.bytes, as: UTF8.self) == "the loop has not turned for 9 s\n")
    }

    @Test func `readiness names its reasons`() async throws {
        var state = SampleState()
        (state.outbound, state.uptime) = (1, .seconds(5))
        let few = await answer("GET", "/readyz", node: BanningNode(state))
        #expect(few.status == 503)
        let view = try JSONFormat.decode(HealthView.self, from: few.bytes)
        #expect(view.reasons.map(\.code) == ["few_outbound_peers"])
        var shell = NodeShell()
        shell.outboundPeerCountMin = { 1 }
        #expect(await answer("GET", "/readyz", shell: shell, node: BanningNode(state)).status == 200)
        let status = await answer("GET", "/v1/status", node: BanningNode(state))
        #expect(try JSONFormat.decode(StatusView.self, from: status.bytes).health == view, "the same facts")
    }

    @Test func `metrics come as Prometheus reads them, without a token`() async {
        let service = APIService(node: node, token: "secret")
        let request = APIRequest("GET", "/metrics", headers: ["host": "localhost:1"], origin: .loopback)
        let response = await service.respond(to: request)
        #expect(response.status == 200)
        #expect(response.contentType == "text/plain; version=0.0.4; charset=utf-8")
    }

    @Test func `a backup needs an absolute path, and a refusal is a sentence`() async throws {
        let relative = await answer("POST", "/v1/backup", body: JSONFormat.encode(BackupRequest(path: "x.sqlite")))
        #expect(relative.status == 400)
        let asked = Mutex<[String]>([])
        var shell = NodeShell()
        shell.backup = { path throws(StoreFailure) in
            asked.withLock { $0.append(path) }
            throw .diskFull
        }
        let refused = await answer(
            "POST",
            "/v1/backup",
            body: JSONFormat.encode(BackupRequest(path: "/x")),
            shell: shell
        )
        #expect(try error(refused).message == "the disk is full")
        #expect(asked.withLock { $0 } == ["/x"])
    }

    @Test(arguments: [
        (NodeStatus.Signing.open, "signing", false), (.stopped, "stopped", true),
        (.clockDoubted, "clock_doubted", true),
    ])
    func `resuming says what was before`(signing: NodeStatus.Signing, before: String, done: Bool) async throws {
        var state = SampleState()
        state.signing = signing
        let bytes = await answer("POST", "/v1/key/resume", node: BanningNode(state)).bytes
        #expect(try JSONFormat.decode(ResumeView.self, from: bytes) == ResumeView(done: done, before: before))
    }

    @Test(arguments: [
        ("GET", "/v1/bans"), ("POST", "/v1/bans"), ("DELETE", "/v1/bans/203.0.113.7"), ("POST", "/v1/backup"),
        ("POST", "/v1/reload"),
    ])
    func `over TCP they need the token`(method: String, path: String) async {
        let service = APIService(node: node, token: "secret")
        let request = APIRequest(method, path, headers: ["host": "localhost:1"], origin: .loopback)
        #expect(await service.respond(to: request).status == 401)
    }
}
