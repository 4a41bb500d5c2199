internal import Identity
internal import OrderedCollections
internal import Primitives

/// The heartbeat: counters, decays, meshes, gossip (gossipsub 1.0, "Heartbeat"; 1.1).
extension GossipsubMachine {
    mutating func heartbeat(at now: Instant, into outputs: inout [Output]) {
        heartbeatCount += 1
        for index in peers.values.indices { peers.values[index].beginHeartbeat(heartbeatCount) }
        scores.refresh(at: now)
        gater.decay(at: now)
        log.expire(at: now)
        recent.grow()
        if heartbeatCount.isMultiple(of: config.backoffClearHeartbeats) { backoffs.clear(at: now) }
        for (peer, count) in promises.takeBroken(at: now) {
            scores.chargeMisbehaviour(peer, by: Double(count))
            outputs.append(.misbehaved(peer, .brokenPromises(count)))
        }
        if heartbeatCount.isMultiple(of: config.reopenForgiveHeartbeats) {
            for index in peers.values.indices where peers.values[index].reopenCount > 0 {
                peers.values[index].reopenCount -= 1
            }
        }
        reopenStreams(at: now, into: &outputs)
        for index in topics.values.indices {
            let topic = topics.keys[index]
            maintainMesh(topic, index, at: now, into: &outputs)
            maintainChokes(topic, index, at: now)
            guard log.hasGossip else { continue }
            announce(topic, index)
            gossip(topic, excluding: topics.values[index].mesh)
        }
        maintainFanout(at: now)
        log.shift()
    }

    // MARK: Mesh

    private mutating func maintainMesh(
        _ topic: Topic,
        _ index: Int,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        for peer in topics.values[index].mesh where scores.score(of: peer) < 0 {
            prune(peer, topic, backoff: config.pruneBackoff, exchanging: false, at: now, into: &outputs)
        }
        let count = topics.values[index].mesh.count
        // Nobody else is there: the rule for most topics of a quiet market.
        guard count > 0 || !topics.values[index].subscribers.isEmpty else { return }
        if count < config.meshCountMin {
            graftRandom(config.meshCount - count, of: graftCandidates(topic, at: now), topic, at: now, into: &outputs)
        }
        if count > config.meshCountMax { shrinkMesh(topic, at: now, into: &outputs) }
        let outboundCount = topics.values[index].mesh.count { isOutbound($0) }
        if outboundCount < config.meshOutboundCount && topics.values[index].mesh.count >= config.meshCountMin {
            let candidates = graftCandidates(topic, at: now) { isOutbound($0) }
            let missing = config.meshOutboundCount - outboundCount
            graftRandom(missing, of: candidates, topic, at: now, into: &outputs)
        }
        if heartbeatCount.isMultiple(of: config.opportunisticGraftHeartbeats) {
            graftOpportunistically(topic, at: now, into: &outputs)
        }
    }

    private mutating func graftRandom(
        _ count: Int,
        of candidates: [PeerID],
        _ topic: Topic,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard !candidates.isEmpty else { return }
        for peer in random.sample(candidates, count) { graft(peer, topic, at: now, into: &outputs) }
    }

    /// Keeps the best by score, then enough that we dialled, then chance decides.
    ///
    /// The outbound quota is filled after the best are safe, so that it never costs one of them its place.
    private mutating func shrinkMesh(_ topic: Topic, at now: Instant, into outputs: inout [Output]) {
        guard let mesh = topics[topic]?.mesh else { return }
        var order = Array(mesh)
        random.shuffle(&order)
        let ranked = order.map { (peer: $0, score: scores.score(of: $0)) }.sorted { $0.score > $1.score }.map(\.peer)
        var kept = Array(ranked.prefix(config.meshScoreCount))
        var rest = Array(ranked.dropFirst(config.meshScoreCount))
        random.shuffle(&rest)
        let missing = config.meshOutboundCount - kept.count { isOutbound($0) }
        kept += rest.filter { isOutbound($0) }.prefix(max(0, missing))
        rest.removeAll { kept.contains($0) }
        let leaving = rest.dropFirst(max(0, config.meshCount - kept.count))
        for peer in leaving {
            prune(peer, topic, backoff: config.pruneBackoff, exchanging: true, at: now, into: &outputs)
        }
    }

    /// A mesh that is worth little looks for better peers, so that it cannot stay captured (gossipsub 1.1).
    private mutating func graftOpportunistically(_ topic: Topic, at now: Instant, into outputs: inout [Output]) {
        guard let mesh = topics[topic]?.mesh, mesh.count > 1 else { return }
        let middle = median(mesh.map { scores.score(of: $0) })
        guard middle < config.score.opportunisticGraftThreshold else { return }
        let better = graftCandidates(topic, at: now) { scores.score(of: $0) > middle }
        graftRandom(config.opportunisticGraftCount, of: better, topic, at: now, into: &outputs)
    }

    // MARK: Fanout

    private mutating func maintainFanout(at now: Instant) {
        guard !fanout.isEmpty else { return }
        let timeToLive = config.fanoutTimeToLive
        fanout.removeAll { $0.value.lastPublished.advanced(by: timeToLive) <= now }
        for topic in fanout.keys {
            let subscribers = subscriberSet(of: topic).filter {
                peers[$0]?.version.hasMesh == true && peers[$0]?.isReachable == true
                    && scores.score(of: $0) >= config.score.publishThreshold
            }
            var kept = PeerSet((fanout[topic]?.peers ?? PeerSet()).filter(subscribers.contains))
            let others = subscribers.filter { !kept.contains($0) }
            for peer in random.sample(others, config.meshCount - kept.count) { kept.insert(peer) }
            fanout[topic]?.peers = kept
            gossip(topic, excluding: kept)
        }
    }

    // MARK: Gossip

    /// Tells some subscribers outside the mesh what went through it lately (gossipsub 1.1, "Adaptive Gossip Dissemination").
    private mutating func gossip(_ topic: Topic, excluding excluded: PeerSet) {
        guard log.hasGossip else { return }
        let others = subscriberSet(of: topic).filter { peer in
            guard let index = peers.index(forKey: peer), peers.values[index].version.hasMesh,
                peers.values[index].isReachable
            else { return false }
            return !excluded.contains(peer) && scores.score(at: index) >= config.score.gossipThreshold
        }
        let count = max(config.gossipCount, Int(config.gossipFactor * Double(others.count)))
        for peer in random.sample(others, count) { tell(topic, to: peer) }
    }

    /// Names messages of a topic to a peer; each hears of other ones when there are too many, so that together they hear of all.
    mutating func tell(_ topic: Topic, ofThisHeartbeat isFresh: Bool = false, to peer: PeerID) {
        guard let place = peers[peer]?.place else { return }
        let countMax = config.ihaveIDCountMax
        let ids = log.takeIDs(of: topic, for: place, ofThisHeartbeat: isFresh, countMax: countMax, using: &random)
        guard !ids.isEmpty else { return }
        for portion in ControlMessage.portions(ids) {
            outbox[peer, default: RPCParts()].gossip.append(.ihave(IHave(topic: topic, ids: portion)))
        }
    }
}
