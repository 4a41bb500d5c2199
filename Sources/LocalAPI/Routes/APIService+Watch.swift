internal import Cryptography
internal import Identity
internal import Market
internal import Node
internal import Synchronization

/// How many searches are being watched.
final class WatcherCount: Sendable {
    /// Each watcher searches the whole market again with every burst of changes.
    static let countMax = 16
    private let count = Mutex(0)

    func take() -> Bool {
        count.withLock { count in
            guard count < Self.countMax else { return false }
            count += 1
            return true
        }
    }

    func giveBack() {
        count.withLock { $0 -= 1 }
    }
}

// Following a search.
extension APIService {
    /// Changes of the market come in bursts, and one search answers a whole burst.
    static let watchDelay = Duration.milliseconds(100)
    /// A line of nothing now and then: only writing shows that nobody reads any more.
    static let keepaliveInterval = Duration.seconds(5)
    /// Events that wait for a reader; one that falls behind by more must begin anew.
    static let watchBufferCountMax = 1_024

    func watch(_ request: APIRequest) async throws -> APIResponse {
        let search = try searchRequest(request)
        guard watchers.take() else {
            throw APIError(.tooMany, "\(WatcherCount.countMax) searches are watched already", hint: "end one of them")
        }
        let (stream, continuation) = AsyncStream.makeStream(
            of: [UInt8].self,
            bufferingPolicy: .bufferingOldest(Self.watchBufferCountMax)
        )
        let changes = node.events()
        let task = Task { await follow(search, changes, continuation) }
        continuation.onTermination = { [watchers] _ in
            task.cancel()
            watchers.giveBack()
        }
        return APIResponse(contentType: "text/event-stream", body: .events(stream))
    }

    /// Keepalives between two words to the node that the search is still watched; it follows what it needs for ten minutes.
    private static let followInterval = 24

    private enum Wake: Sendable {
        case market, time
    }

    private func follow(
        _ search: SearchRequest,
        _ changes: AsyncStream<NodeEvent>,
        _ output: AsyncStream<[UInt8]>.Continuation
    ) async {
        let (wakes, wake) = AsyncStream.makeStream(of: Wake.self, bufferingPolicy: .bufferingNewest(4))
        let listening = Task {
            for await change in changes {
                if case .listingsChanged = change { wake.yield(.market) }
            }
            wake.finish()
        }
        let ticking = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.keepaliveInterval)
                wake.yield(.time)
            }
        }
        defer {
            listening.cancel()
            ticking.cancel()
            output.finish()
        }
        var previous: [SearchRowKey] = []
        let segments = segments(of: search.query)
        // What is there already is asked for once, what comes is followed.
        _ = try? await node.send(.look(segments, models: search.query.models ?? []))
        _ = try? await node.send(.follow(segments))
        var tickCount = 0
        guard await tell(search, after: &previous, output) else { return }
        output.yield(Array(": ready\n\n".utf8))
        for await wake in wakes {
            switch wake {
            case .time:
                tickCount += 1
                if tickCount % Self.followInterval == 0 { _ = try? await node.send(.follow(segments)) }
                guard Self.isTaken(output.yield(Array(": still here\n\n".utf8))) else { return }
            case .market:
                try? await Task.sleep(for: Self.watchDelay)
                guard await tell(search, after: &previous, output) else { return }
            }
        }
    }

    /// Searches again and tells what is different; `false` when nobody can be told any more.
    private func tell(
        _ search: SearchRequest,
        after previous: inout [SearchRowKey],
        _ output: AsyncStream<[UInt8]>.Continuation
    ) async -> Bool {
        guard !Task.isCancelled, let snapshot = try? await snapshot() else { return false }
        let (result, trust) = result(search, snapshot)
        let words = Self.words(of: result.rows, snapshot)
        let next = result.rows.map(SearchRowKey.init)
        let rows = Dictionary(result.rows.map { ($0.id, $0) }) { first, _ in first }
        for change in SearchChange.between(previous, next) {
            let line = Self.line(change) { id in
                rows[id].map { row in
                    OfferRow(
                        row,
                        trust: trust[id.provider],
                        words: words[id.provider] ?? [],
                        now: snapshot.unixMilliseconds
                    )
                }
            }
            let event = "event: \(line.change.rawValue)\ndata: \(JSONFormat.text(line))\n\n"
            guard Self.isTaken(output.yield(Array(event.utf8))) else { return false }
        }
        shownPrices.note(result.rows.map(\.listing))
        previous = next
        return true
    }

    private static func line(_ change: SearchChange, row: (ListingID) -> OfferRow?) -> WatchedChange {
        let (kind, id): (WatchedChange.Change, ListingID) =
            switch change {
            case .appeared(let id): (.appeared, id)
            case .changed(let id): (.changed, id)
            case .gone(let id): (.gone, id)
            }
        return WatchedChange(
            change: kind,
            provider: PeerID(publicKey: id.provider).description,
            offerID: id.offer.description,
            row: kind == .gone ? nil : row(id)
        )
    }

    private static func isTaken(_ result: AsyncStream<[UInt8]>.Continuation.YieldResult) -> Bool {
        if case .enqueued = result { true } else { false }
    }
}
