internal import Identity
internal import OrderedCollections
internal import Primitives

/// Joining and leaving topics, and the links of their meshes.
extension GossipsubMachine {
    mutating func join(_ topic: Topic, _ topicConfig: TopicConfig, at now: Instant, into outputs: inout [Output]) {
        guard topics[topic] == nil else { return }
        if let params = topicConfig.score {
            precondition((try? config.score.validate(topics: [params])) != nil, "silence would pay in \(topic)")
        }
        topics[topic] = JoinedTopic(signatures: topicConfig.signatures, subscribers: subscriberSet(of: topic))
        scores.setParams(topicConfig.score, of: topic)
        topics[topic]?.scoreSlot = scores.slot(of: topic)
        announce(topic, isSubscribed: true)
        // Fanout peers already know our messages; the rest is drawn at random. Backoffs hold here as everywhere.
        let candidates = graftCandidates(topic, at: now)
        let known = fanout.removeValue(forKey: topic)?.peers ?? PeerSet()
        let first = candidates.filter(known.contains)
        let others = random.sample(candidates.filter { !known.contains($0) }, config.meshCount)
        for peer in (first + others).prefix(config.meshCount) { graft(peer, topic, at: now, into: &outputs) }
    }

    mutating func leave(_ topic: Topic, at now: Instant, into outputs: inout [Output]) {
        guard let left = topics[topic] else { return }
        for peer in left.mesh {
            prune(peer, topic, backoff: config.unsubscribeBackoff, exchanging: true, at: now, into: &outputs)
        }
        topics[topic] = nil
        for index in peers.values.indices { peers.values[index].recommendedAt[topic] = nil }
        announce(topic, isSubscribed: false)
    }

    private mutating func announce(_ topic: Topic, isSubscribed: Bool) {
        // A peer whose stream is not open yet hears of all topics in the hello.
        for (peer, state) in peers where state.stream == .flowing || state.stream == .congested {
            outbox[peer, default: RPCParts()].announce(topic, isSubscribed: isSubscribed)
        }
    }

    /// Who may be grafted: subscribed, able to, in no mesh yet, not bad, not in backoff, reachable.
    func graftCandidates(
        _ topic: Topic,
        at now: Instant,
        where isWanted: (PeerID) -> Bool = { _ in true }
    ) -> [PeerID] {
        guard let joined = topics[topic] else { return [] }
        return joined.subscribers.filter { peer in
            !joined.mesh.contains(peer) && isWanted(peer) && hasMesh(peer) && isReachable(peer)
                && scores.score(of: peer) >= 0 && backoffs.allowsOurGraft(topic, peer, at: now)
        }
    }

    /// Adds the peer to the mesh and says so.
    mutating func graft(_ peer: PeerID, _ topic: Topic, at now: Instant, into outputs: inout [Output]) {
        addToMesh(peer, topic, at: now, into: &outputs)
        outbox[peer, default: RPCParts()].setMeshControl(.graft, topic)
    }

    mutating func addToMesh(_ peer: PeerID, _ topic: Topic, at now: Instant, into outputs: inout [Output]) {
        guard topics[topic]?.graft(peer) == true else { return }
        scores.enterMesh(peer, topic, at: now)
        outputs.append(.meshJoined(peer, topic))
    }

    /// Whether it was there.
    @discardableResult
    mutating func removeFromMesh(_ peer: PeerID, _ topic: Topic, into outputs: inout [Output]) -> Bool {
        guard topics[topic]?.prune(peer) == true else { return false }
        scores.leaveMesh(peer, topic)
        outputs.append(.meshLeft(peer, topic))
        return true
    }

    /// Removes the peer from the mesh if it is there, starts the backoff and says so.
    mutating func prune(
        _ peer: PeerID,
        _ topic: Topic,
        backoff: Duration,
        exchanging: Bool,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let endsLink = removeFromMesh(peer, topic, into: &outputs)
        backoffs.start(topic, peer, for: backoff, endedLink: endsLink, at: now)
        guard let state = peers[peer] else { return }
        var recommended: [PeerInfo] = []
        if exchanging && state.version.hasBackoff { recommended = peersToRecommend(topic, to: peer, at: now) }
        let seconds = state.version.hasBackoff ? Int(backoff.components.seconds) : 0
        let prune = Prune(topic: topic, backoffSeconds: seconds, peers: recommended)
        outbox[peer, default: RPCParts()].setMeshControl(.prune(prune), topic)
    }

    /// Others of the topic that the pruned peer may turn to: good ones, with their own signed records (gossipsub 1.1, "PX").
    ///
    /// As many as a mesh wants, and not at every refusal: where a topic hardly moves, opportunistic grafts are refused every minute.
    private mutating func peersToRecommend(_ topic: Topic, to pruned: PeerID, at now: Instant) -> [PeerInfo] {
        guard config.exchangesPeers, scores.score(of: pruned) >= 0, let joined = topics[topic],
            peers[pruned]?.recommendedAt[topic].map({ $0.advanced(by: config.exchangeInterval) <= now }) ?? true
        else { return [] }
        let others = joined.subscribers.filter { $0 != pruned && peers[$0]?.record != nil && scores.score(of: $0) >= 0 }
        var (recommended, byteCount): ([PeerInfo], Int) = ([], 0)
        for peer in random.sample(others, config.meshCount) {
            guard let record = peers[peer]?.record, byteCount + record.count <= Self.exchangeByteCountMax else { break }
            byteCount += record.count + peer.bytes.count
            recommended.append(PeerInfo(peer: peer.bytes, record: record))
        }
        if !recommended.isEmpty { peers[pruned]?.recommendedAt[topic] = now }
        return recommended
    }

    /// Many more than ordinary records take; half of the control that a strict receiver takes in one RPC.
    private static let exchangeByteCountMax = 8 << 10
}
