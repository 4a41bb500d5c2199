internal import Foundation
internal import Node
internal import Swarm

// What operators ask for.
extension APIService {
    // MARK: Health and numbers

    /// Judged without asking the node: a loop that is stuck cannot answer.
    func liveness() -> APIResponse {
        let facts = shell.facts()
        guard !NodeHealth.isLive(facts) else { return .text("live\n") }
        return .text("the loop has not turned for \(facts.sinceLastTurn.components.seconds) s\n", status: 503)
    }

    func readiness() async throws -> APIResponse {
        let health = health(of: try await status())
        return .json(health, status: health.ready ? 200 : 503)
    }

    func health(of status: NodeStatus) -> HealthView {
        NodeHealth(
            status: status,
            shell: shell.facts(),
            outboundPeerCountMin: shell.outboundPeerCountMin()
        ).view
    }

    func metrics() async throws -> APIResponse {
        let answer = try await ask(.metrics)
        guard case .metrics(let metrics) = answer else { throw unexpected(answer) }
        let page = MetricsPage(node: metrics, book: shell.book(), shell: shell.facts())
        return APIResponse(contentType: PrometheusText.contentType, body: .bytes(Array(page.text.utf8)))
    }

    // MARK: Bans

    func bans() async throws -> [BanView] {
        let now = try await status().unixMilliseconds
        let answer = try await ask(.bans)
        guard case .bans(let own, let configured) = answer else { throw unexpected(answer) }
        return own.filter { $0.isInForce(at: now) }.map { BanView($0, origin: "own") }
            + configured.map { BanView($0, origin: "settings") }
    }

    /// At most ten years: beyond, leave the time away.
    private static let banSecondsMax = 10 * 365 * 86_400

    func ban(_ request: BanRequest) async throws -> BanView {
        let target = try banTarget(request.target)
        if let seconds = request.seconds, !(1...Self.banSecondsMax).contains(seconds) {
            throw APIError(
                .badRequest,
                "a ban holds for 1 s to 10 years",
                hint: "leave the time away for a ban for ever"
            )
        }
        let status = try await status()
        guard target != .peer(status.peer) else { throw APIError(.badRequest, "that is this node itself") }
        let until = request.seconds.map { status.unixMilliseconds + Int64($0) * 1_000 }
        guard let ban = Ban(target, until: until, reason: request.reason ?? "") else {
            throw APIError(
                .badRequest,
                "the reason is one line of at most \(Ban.reasonByteCountMax) bytes without control characters"
            )
        }
        _ = try await ask(.ban(ban))
        return BanView(ban, origin: "own")
    }

    func unban(_ text: String) async throws -> Outcome {
        _ = try await ask(.unban(try banTarget(text)))
        return Outcome()
    }

    private func banTarget(_ text: String) throws(APIError) -> BanTarget {
        guard let target = BanTarget(text) else {
            throw APIError(
                .badRequest,
                "'\(text)' is no peer id, address or network",
                hint:
                    "networks are /\(BanTarget.ipv4BitCountMin) or narrower for IPv4, /\(BanTarget.ipv6BitCountMin) for IPv6"
            )
        }
        return target
    }

    // MARK: Backup, settings, key

    func backup(_ request: BackupRequest) async throws -> Outcome {
        guard request.path.hasPrefix("/") else { throw APIError(.badRequest, "a backup needs an absolute path") }
        let shell = shell
        do {
            // Copying waits for the disk: not on the tasks that serve others.
            try await Task.detached { try shell.backup(request.path) }.value
        } catch let failure as StoreFailure {
            throw APIError(.refused, failure.sentence)
        }
        return Outcome()
    }

    func resumeKey() async throws -> ResumeView {
        let before = try await status().signing
        _ = try await ask(.resumeKey)
        return ResumeView(done: before == .stopped || before == .clockDoubted, before: before.label)
    }
}
