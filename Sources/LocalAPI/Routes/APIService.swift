internal import Node
internal import Foundation
internal import Market

/// The local interface of a node: turns requests into commands and answers into JSON.
///
/// It knows nothing of sockets. Searches run on a snapshot, on the caller's task, so that ranking never holds up the node.
public struct APIService: Sendable {
    let node: any NodeControl
    let guardian: APIGuard
    let catalogue: Catalogue
    let watchers: WatcherCount
    let shell: NodeShell
    let trust = TrustCache()
    let shownPrices = ShownPrices()

    public init(node: any NodeControl, token: String, shell: NodeShell = NodeShell()) {
        self.node = node
        guardian = APIGuard(token: token)
        catalogue = .standard
        watchers = WatcherCount()
        self.shell = shell
    }

    public func respond(to request: APIRequest) async -> APIResponse {
        do {
            // A stranger learns nothing, not even which routes there are.
            try guardian.check(request, needsToken: false)
            let route = try Route(request)
            try guardian.check(request, needsToken: route.needsToken)
            return try await carryOut(route, request)
        } catch let error as APIError {
            return .failure(error)
        } catch {
            return .failure(APIError(.unavailable, "the node does not answer: \(error)"))
        }
    }

    private func carryOut(_ route: Route, _ request: APIRequest) async throws -> APIResponse {
        switch route {
        case .live: return liveness()
        case .ready: return try await readiness()
        case .document: return Self.document
        case .metrics: return try await metrics()
        case .status:
            let status = try await status()
            return .json(StatusView(status, health: health(of: status), shell: shell))
        case .identity: return .json(try await identity())
        case .peers: return .json(try await peers())
        case .connect: return .json(try await connect(request.decoded(ConnectRequest.self)))
        case .disconnect(let peer): return .json(try await disconnect(peer))
        case .table: return .json(try await table())
        case .findPeer(let peer): return .json(try await findPeer(peer))
        case .storefront(let peer): return .json(try await storefront(of: peer))
        case .closestPeers: return .json(try await closestPeers(to: request.query["key"]))
        case .findProviders: return .json(try await findProviders(of: request.query["key"]))
        case .provide: return .json(try await provide(request.decoded(ProvideRequest.self)), status: 201)
        case .ownOffers: return .json(try await ownOffers())
        case .offer(let name): return .json(try await offer(named: name))
        case .publish: return .json(try await publish(request.decoded(PublishRequest.self)), status: 201)
        case .update(let name): return .json(try await update(name, request.decoded(TermsRequest.self)))
        case .withdraw(let name): return .json(try await withdraw(name, reason: request.number("reason", orElse: 0)))
        case .search: return .json(try await search(request))
        case .watch: return try await watch(request)
        case .stats: return .json(try await stats(request.query["gpu"]))
        case .orderBook(let gpu): return .json(try await orderBook(gpu))
        case .trust(let peer): return .json(try await trust(peer))
        case .attest(let peer): return .json(try await attest(peer), status: 201)
        case .requests: return .json(try await requests())
        case .publishRequest:
            return .json(try await publishRequest(request.decoded(RequestRequest.self)), status: 201)
        case .requestBids(let name): return .json(try await requestBids(name))
        case .acceptRequest(let name): return .json(try await accept(name, request.decoded(AcceptRequest.self)))
        case .withdrawRequest(let name): return .json(try await withdrawRequest(name))
        case .records: return .json(try await exportRecords(after: request.query["after"]))
        case .record(let prefix): return .json(try await record(prefix))
        case .importRecords: return .json(try await importRecords(request.decoded(ImportRequest.self)))
        case .bans: return .json(try await bans())
        case .ban: return .json(try await ban(request.decoded(BanRequest.self)), status: 201)
        case .unban(let target): return .json(try await unban(target))
        case .backup: return .json(try await backup(request.decoded(BackupRequest.self)), status: 201)
        case .reload: return .json(try await shell.reload())
        case .resumeKey: return .json(try await resumeKey())
        case .shutdown:
            shell.shutdown()
            return .json(Outcome(), status: 202)
        case .bids, .placeBid, .cancelBid, .leases, .receipts, .credit, .lease, .closeLease, .readyLease, .settleLease:
            return try await carryOutLease(route, request)
        }
    }

    private func carryOutLease(_ route: Route, _ request: APIRequest) async throws -> APIResponse {
        switch route {
        case .bids: return .json(try await bids())
        case .placeBid: return .json(try await placeBid(request.decoded(BidRequest.self)), status: 201)
        case .cancelBid(let name): return .json(try await cancelBid(name))
        case .leases: return .json(try await leases())
        case .receipts: return .json(try await receipts())
        case .credit: return .json(try await credit())
        case .lease(let name): return .json(try await lease(named: name))
        case .closeLease(let name): return .json(try await closeLease(name, code: request.number("code", orElse: 0)))
        case .readyLease(let name): return .json(try await readyLease(name))
        case .settleLease(let name):
            return .json(try await settleLease(name, try request.decoded(SettleRequest.self)))
        default: preconditionFailure("no route of leases")
        }
    }

    /// Sends a command; a refusal becomes an error with a sentence.
    func ask(_ command: NodeCommand) async throws -> NodeAnswer {
        let answer = try await node.send(command)
        if case .failed(let failure) = answer { throw APIError(failure) }
        return answer
    }

    func unexpected(_ answer: NodeAnswer) -> APIError {
        APIError(.internal, "the node answered something else than was asked: \(answer)")
    }

    private static let document = APIResponse(
        contentType: "application/yaml",
        body: .bytes(PackageResources.openapi_yaml)
    )
}
