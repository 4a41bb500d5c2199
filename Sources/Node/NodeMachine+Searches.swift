internal import Gossipsub
internal import Identity
internal import Kademlia
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// Searches in segments that the node does not follow.
extension NodeMachine {
    /// Segments that one search looks up in the hash table, beside the whole market.
    private static let gatheredSegmentCountMax = 3

    var searchDeadline: Instant? { searching.nextDeadline }

    /// Asks replicas of those segments that the node does not follow; what they show goes into the book.
    mutating func look(
        into segments: Set<Segment>,
        models: Set<String>,
        _ id: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let lanes = profile.lanes.enumerated().filter { _, lane in
            guard case .offers(let segment) = lane else { return false }
            return segments.contains(segment) && !followed.contains(lane)
        }
        guard !lanes.isEmpty else {
            return outputs.append(.answer(id, .looked(SearchReport(segments: [], replicas: []))))
        }
        guard searching.searches.count < SearchDesk.countMax else {
            return outputs.append(.answer(id, .failed(.tooMany(limit: SearchDesk.countMax))))
        }
        searching.searches[id] = SegmentSearch(
            lanes: Set(lanes.map(\.offset)),
            models: models,
            unixMilliseconds: wall.unixMilliseconds(at: now),
            at: now
        )
        advanceSearch(id, at: now, into: &outputs)
        gatherReplicas(for: id, at: now, into: &outputs)
    }

    /// Somebody new may be asked, or time has passed.
    mutating func advanceSearches(at now: Instant, into outputs: inout [Output]) {
        for id in searching.searches.keys { advanceSearch(id, at: now, into: &outputs) }
    }

    mutating func expireSearches(at now: Instant, into outputs: inout [Output]) {
        if let due = searching.nextDeadline, due <= now { advanceSearches(at: now, into: &outputs) }
    }

    /// A replica has answered, or has not.
    mutating func searched(
        _ remote: PeerID,
        _ query: SyncQueryID,
        _ finding: SyncFinding?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let (id, question) = searching.take(query), var search = searching.searches[id] else { return }
        switch question {
        case .find: if let next = search.found(finding, by: remote, at: now) { ask(next, of: remote, for: id) }
        case .hear: search.heard(remote, at: now)
        }
        searching.searches[id] = search
        advanceSearch(id, at: now, into: &outputs)
    }

    private mutating func advanceSearch(_ id: CommandID, at now: Instant, into outputs: inout [Output]) {
        guard var search = searching.searches[id] else { return }
        search.expire(at: now)
        var questions = search.choose(from: candidates(for: search.lacking, at: now), at: now)
        questions += search.confront(book, unixMilliseconds: wall.unixMilliseconds(at: now), at: now)
        // Who has left something out needs a substitute, as who says nothing.
        questions += search.choose(from: candidates(for: search.lacking, at: now), at: now)
        for (remote, question) in questions { ask(question, of: remote, for: id) }
        searching.searches[id] = search
        if search.isOver(at: now) { finish(search, id, at: now, into: &outputs) }
    }

    private mutating func finish(
        _ search: SegmentSearch,
        _ id: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        searching.finish(id)
        for peer in search.slow { searching.demote(peer, for: SearchDesk.slowRest, at: now) }
        let report = search.report(profile)
        for replica in report.replicas where replica.omittedCount > 0 {
            searching.demote(replica.peer, for: SearchDesk.omitterRest, at: now)
            let count = "\(replica.omittedCount) offer\(replica.omittedCount == 1 ? "" : "s")"
            outputs.append(.event(.peerMisbehaved(replica.peer, "search: left out \(count) that others have")))
        }
        outputs.append(.answer(id, .looked(report)))
    }

    private mutating func ask(_ question: SegmentSearch.Question, of remote: PeerID, for id: CommandID) {
        let query = searching.draw(question, for: id)
        switch question {
        case .hear(let provider): work.append(.sync(.search(.hear(provider, for: query), remote)))
        case .find(let after, let lanes):
            let asked = SyncQuestion(
                network: config.network,
                lanes: lanes,
                models: searching.searches[id]?.models ?? [],
                after: after
            )
            work.append(.sync(.search(.find(asked, for: query), remote)))
        }
    }

    // MARK: Replicas

    /// Connected peers that follow some of the lanes: those that we dialled first, by chance; who failed a search lately last.
    private mutating func candidates(for lanes: Set<Int>, at now: Instant) -> [SegmentSearch.Candidate] {
        guard !lanes.isEmpty else { return [] }
        var followers: OrderedDictionary<PeerID, Set<Int>> = [:]
        for lane in lanes.sorted() {
            let topic = MarketTopic(network: config.network, profile: profile, lane: profile.lanes[lane])
            guard let name = Topic(topic.text) else { continue }
            for peer in gossip.subscribers(of: name) where sync.isPartner(peer) {
                followers[peer, default: []].insert(lane)
            }
        }
        var found: [(rank: Int, candidate: SegmentSearch.Candidate)] = followers.compactMap { peer, lanes in
            guard let connection = connected[peer]?.connection else { return nil }
            let group = IPGroup(connection.remote.address)
            let rank = (searching.isDemoted(peer, at: now) ? 2 : 0) + (connection.direction == .outbound ? 0 : 1)
            return (rank, SegmentSearch.Candidate(peer: peer, group: group, lanes: lanes))
        }
        random.shuffle(&found)
        return (0...3).flatMap { rank in found.filter { $0.rank == rank }.map(\.candidate) }
    }

    /// Looks in the hash table for those who follow what nobody that we are connected with does.
    private mutating func gatherReplicas(for id: CommandID, at now: Instant, into outputs: inout [Output]) {
        guard let lacking = searching.searches[id]?.lacking, !lacking.isEmpty else { return }
        guard !kademlia.isEmpty, kademlia[0].machine.tableCount > 0 else {
            searching.searches[id]?.endGathering()
            return advanceSearch(id, at: now, into: &outputs)
        }
        let segments = lacking.sorted().compactMap { lane -> Interest? in
            if case .offers(let segment) = profile.lanes[lane] { .segment(segment) } else { nil }
        }
        for interest in [.market] + random.sample(segments, Self.gatheredSegmentCountMax) {
            let replica = random.below(Interest.replicaCount)
            let key = interest.key(replica, network: config.network, profile: profile)
            search(.findProviders(key), for: .replicas, at: now, into: &outputs)
        }
    }
}
