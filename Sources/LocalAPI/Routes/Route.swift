/// What a method and a path ask for.
enum Route {
    case live, ready, document, metrics
    case status, identity, peers, connect
    case disconnect(String)
    case table, closestPeers, findProviders, provide
    case findPeer(String)
    case storefront(String)
    case ownOffers, publish
    case offer(String)
    case update(String)
    case withdraw(String)
    case search, watch, stats
    case orderBook(String)
    case trust(String)
    case attest(String)
    case requests, publishRequest
    case requestBids(String)
    case acceptRequest(String)
    case withdrawRequest(String)
    case records, importRecords
    case record(String)
    case bans, ban
    case unban(String)
    case backup, reload
    case resumeKey, shutdown
    case bids, placeBid
    case cancelBid(String)
    case leases, receipts, credit
    case lease(String)
    case closeLease(String)
    case readyLease(String)
    case settleLease(String)

    init(_ request: APIRequest) throws(APIError) {
        guard let methods = Self.methods(request.segments) else {
            throw APIError(.notFound, "there is no \(request.path)", hint: "the routes are in /openapi.yaml")
        }
        guard let route = methods[request.method] else {
            let known = methods.keys.sorted().joined(separator: ", ")
            throw APIError(.methodNotAllowed, "\(request.path) takes \(known), not \(request.method)")
        }
        self = route
    }

    /// Whether the route tells own state or changes something; the market itself may be read by every local user.
    var needsToken: Bool {
        switch self {
        case .live, .ready, .document, .metrics, .search, .watch, .stats, .orderBook, .records, .record: false
        case .status, .identity, .peers, .connect, .disconnect, .table, .findPeer, .storefront, .closestPeers,
            .findProviders, .provide, .ownOffers, .offer, .publish, .update, .withdraw, .trust, .attest, .requests,
            .publishRequest, .requestBids, .acceptRequest, .withdrawRequest, .importRecords, .bans, .ban, .unban,
            .backup,
            .reload, .resumeKey, .shutdown, .bids, .placeBid, .cancelBid, .leases, .receipts, .credit, .lease,
            .closeLease,
            .readyLease, .settleLease:
            true
        }
    }

    private static func methods(_ segments: [String]) -> [String: Route]? {
        switch segments {
        case ["livez"]: return ["GET": .live]
        case ["readyz"]: return ["GET": .ready]
        case ["metrics"]: return ["GET": .metrics]
        case ["openapi.yaml"]: return ["GET": .document]
        default: break
        }
        guard segments.first == "v1" else { return nil }
        let rest = Array(segments.dropFirst())
        switch rest {
        case ["status"]: return ["GET": .status]
        case ["id"]: return ["GET": .identity]
        case ["peers"]: return ["GET": .peers, "POST": .connect]
        case ["dht"]: return ["GET": .table]
        case ["dht", "closest"]: return ["GET": .closestPeers]
        case ["dht", "providers"]: return ["GET": .findProviders]
        case ["dht", "provided"]: return ["POST": .provide]
        case ["offers"]: return ["GET": .ownOffers, "POST": .publish]
        case ["search"]: return ["GET": .search]
        case ["search", "watch"]: return ["GET": .watch]
        case ["stats"]: return ["GET": .stats]
        case ["requests"]: return ["GET": .requests, "POST": .publishRequest]
        case ["records"]: return ["GET": .records, "POST": .importRecords]
        case ["key", "resume"]: return ["POST": .resumeKey]
        case ["bans"]: return ["GET": .bans, "POST": .ban]
        case ["backup"]: return ["POST": .backup]
        case ["reload"]: return ["POST": .reload]
        case ["shutdown"]: return ["POST": .shutdown]
        case ["bids"]: return ["GET": .bids, "POST": .placeBid]
        case ["leases"]: return ["GET": .leases]
        case ["receipts"]: return ["GET": .receipts]
        case ["credit"]: return ["GET": .credit]
        default: return named(rest)
        }
    }

    private static func named(_ segments: [String]) -> [String: Route]? {
        guard let first = segments.first, (2...3).contains(segments.count) else { return nil }
        let name = segments.dropFirst().joined(separator: "/")
        switch (first, segments.count) {
        case ("peers", 2): return ["DELETE": .disconnect(name)]
        case ("dht", 3) where segments[1] == "peers": return ["GET": .findPeer(segments[2])]
        case ("dht", 3) where segments[1] == "storefronts": return ["GET": .storefront(segments[2])]
        case ("bans", _): return ["DELETE": .unban(name)]
        case ("records", 2): return ["GET": .record(name)]
        case ("book", 2): return ["GET": .orderBook(name)]
        case ("trust", 2): return ["GET": .trust(name)]
        case ("bids", 2): return ["DELETE": .cancelBid(name)]
        case ("leases", 2): return ["GET": .lease(name), "DELETE": .closeLease(name)]
        case ("leases", 3) where segments[2] == "ready": return ["POST": .readyLease(segments[1])]
        case ("leases", 3) where segments[2] == "settlement": return ["POST": .settleLease(segments[1])]
        case ("attest", 2): return ["POST": .attest(name)]
        case ("requests", 2): return ["DELETE": .withdrawRequest(name)]
        case ("requests", 3) where segments[2] == "bids": return ["GET": .requestBids(segments[1])]
        case ("requests", 3) where segments[2] == "accept": return ["POST": .acceptRequest(segments[1])]
        case ("offers", _): return ["GET": .offer(name), "PATCH": .update(name), "DELETE": .withdraw(name)]
        default: return nil
        }
    }
}
