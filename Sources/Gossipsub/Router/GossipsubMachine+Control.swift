internal import Identity
internal import OrderedCollections
internal import Primitives

/// What peers send: subscriptions, messages and control.
extension GossipsubMachine {
    mutating func receiveUnreadable(_ error: GossipRPCError, from peer: PeerID, into outputs: inout [Output]) {
        guard isKnown(peer) else { return }
        scores.chargeMisbehaviour(peer, by: 1)
        switch error {
        case .oversized(let byteCount): outputs.append(.misbehaved(peer, .oversizedRPC(byteCount: byteCount)))
        case .malformed: outputs.append(.misbehaved(peer, .malformedRPC))
        }
    }

    mutating func receive(_ rpc: GossipRPC, from peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        guard let index = peers.index(forKey: peer) else { return }
        if !peers.values[index].inbound.hasSpoken || !rpc.isMessagesAlone {
            receive(rpc.control.extensions, from: peer, at: index, into: &outputs)
        }
        // Even of a graylisted peer, lest its topics be wrong once its score has recovered.
        if !rpc.isMessagesAlone { receive(rpc.subscriptions, from: peer, into: &outputs) }
        // Peers stand in the book of scores as they stand here.
        guard scores.score(at: index) >= config.score.graylistThreshold else { return }
        if !rpc.messages.isEmpty && gater.lets(peer, at: now, random: &random) {
            for message in rpc.messages { receive(message, from: peer, index, at: now, into: &outputs) }
        }
        guard !rpc.isMessagesAlone, !rpc.control.isEmpty, peers.values[index].version.hasMesh else { return }
        receive(rpc.control, from: peer, at: now, into: &outputs)
    }

    /// Once a stream, in its first RPC; on streams of earlier versions the field means nothing (gossipsub 1.3).
    private mutating func receive(
        _ extensions: GossipExtensions?,
        from peer: PeerID,
        at index: Int,
        into outputs: inout [Output]
    ) {
        guard peers.values[index].inbound.version.hasExtensions else { return }
        let isFirst = !peers.values[index].inbound.hasSpoken
        peers.values[index].inbound.hasSpoken = true
        guard let extensions else { return }
        if isFirst {
            peers.values[index].inbound.extensions = extensions
        } else {
            scores.chargeMisbehaviour(peer, by: 1)
            outputs.append(.misbehaved(peer, .lateExtensions))
        }
    }

    private mutating func receive(
        _ control: ControlMessage,
        from peer: PeerID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        receiveGossip(control, from: peer, at: now)
        for topic in control.graft { receiveGraft(topic, from: peer, at: now, into: &outputs) }
        for prune in control.prune { receive(prune, from: peer, at: now, into: &outputs) }
        if !control.idontwant.isEmpty { receiveIDontWant(control.idontwant, from: peer) }
        guard peers[peer]?.inbound.version.hasExtensions == true else { return }
        for topic in control.choke { topics[topic]?.heardChoke(true, from: peer) }
        for topic in control.unchoke { topics[topic]?.heardChoke(false, from: peer) }
    }

    // MARK: Mesh

    private mutating func receiveGraft(_ topic: Topic, from peer: PeerID, at now: Instant, into outputs: inout [Output])
    {
        // A GRAFT for a topic that is not ours gets no answer: spam must not be amplified (gossipsub 1.1).
        guard let joined = topics[topic], !joined.mesh.contains(peer) else { return }
        if backoffs.holds(topic, peer, at: now) {
            chargeEarlyGraft(topic, peer, at: now, into: &outputs)
            prune(peer, topic, backoff: config.pruneBackoff, exchanging: false, at: now, into: &outputs)
            return
        }
        guard scores.score(of: peer) >= 0 else {
            prune(peer, topic, backoff: config.pruneBackoff, exchanging: false, at: now, into: &outputs)
            return
        }
        // A full mesh takes only peers that we dialled; else a flood of GRAFTs could take it over (gossipsub 1.1).
        let isFull = joined.mesh.count >= config.meshCountMax && peers[peer]?.isOutbound != true
        // A GRAFT says by itself that the peer wants the topic.
        guard !isFull, peers[peer]?.isReachable == true, addSubscription(peer, topic, into: &outputs) else {
            prune(peer, topic, backoff: config.pruneBackoff, exchanging: isFull, at: now, into: &outputs)
            return
        }
        addToMesh(peer, topic, at: now, into: &outputs)
    }

    private mutating func chargeEarlyGraft(
        _ topic: Topic,
        _ peer: PeerID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let since = backoffs.entry(topic, peer)?.since ?? now
        let isFlood = now < since.advanced(by: config.graftFloodThreshold)
        scores.chargeMisbehaviour(peer, by: isFlood ? 2 : 1)
        outputs.append(.misbehaved(peer, .graftDuringBackoff(topic)))
    }

    private mutating func receive(_ prune: Prune, from peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        guard topics[prune.topic] != nil else { return }
        let endsLink = removeFromMesh(peer, prune.topic, into: &outputs)
        let backoff = prune.backoffSeconds > 0 ? Duration.seconds(prune.backoffSeconds) : config.pruneBackoff
        // Also where there is no link: both ends may prune at once, and the longer time holds.
        backoffs.start(prune.topic, peer, for: backoff, endedLink: endsLink, at: now)
        guard !prune.peers.isEmpty, follows(peer), needsPeers(prune.topic, at: now) else { return }
        let entries = recommended(prune.peers, by: peer, into: &outputs)
        guard !entries.isEmpty else { return }
        topics[prune.topic]?.followedAt = now
        outputs.append(.connect(entries))
    }

    /// Whether the peer's recommendations are followed: the operator vouches for it, and it has not misbehaved since.
    ///
    /// gossipsub 1.1 has a threshold for that, which only the application's score reaches, by a bonus for "bootstrappers and other trusted
    /// application nodes". Such a bonus would forgive all else too: a trusted peer that falls silent would stay in the mesh.
    private func follows(_ peer: PeerID) -> Bool {
        peers[peer]?.isPinned == true && scores.score(of: peer) >= 0
    }

    /// Recommendations are for whoever was left without a mesh.
    ///
    /// Who has anybody in it, or knows others to ask, dials nobody for it, and who has just followed one waits for what comes of it: else
    /// each of a thousand nodes that start together would dial seventy.
    private func needsPeers(_ topic: Topic, at now: Instant) -> Bool {
        guard let joined = topics[topic], joined.mesh.isEmpty,
            joined.followedAt.map({ $0.advanced(by: config.pruneBackoff) <= now }) ?? true
        else { return false }
        return graftCandidates(topic, at: now).isEmpty
    }

    /// The recommended peers that are new and whose records hold.
    ///
    /// At most sixteen verifications, and only for a peer that the operator pinned: cheap enough to be done here.
    private func recommended(
        _ infos: [PeerInfo],
        by recommender: PeerID,
        into outputs: inout [Output]
    ) -> [PeerExchangeEntry] {
        var entries: [PeerExchangeEntry] = []
        for info in infos.prefix(config.rpc.exchangeCountMax) {
            guard let peer = try? PeerID(bytes: info.peer), let record = try? PeerRecord.open(info.record),
                record.peer == peer
            else {
                outputs.append(.misbehaved(recommender, .forgedRecord))
                continue
            }
            guard peer != identity, peers[peer] == nil, !entries.contains(where: { $0.peer == peer }) else { continue }
            entries.append(PeerExchangeEntry(peer: peer, addresses: record.addresses, envelope: info.record))
        }
        return entries
    }

    // MARK: Gossip

    private mutating func receiveGossip(_ control: ControlMessage, from peer: PeerID, at now: Instant) {
        guard !control.ihave.isEmpty || !control.iwant.isEmpty else { return }
        guard scores.score(of: peer) >= config.score.gossipThreshold else { return }
        if !control.ihave.isEmpty { receive(control.ihave, from: peer, at: now) }
        if !control.iwant.isEmpty { receiveIWant(control.iwant, from: peer) }
    }

    private mutating func receive(_ ihave: [IHave], from peer: PeerID, at now: Instant) {
        // By its place: a peer that is taken out to be looked at is copied whole.
        guard let index = peers.index(forKey: peer),
            peers.values[index].ihaveMessageCount < config.ihaveMessageCountMax
        else { return }
        peers.values[index].ihaveMessageCount += 1
        let room = config.ihaveIDCountMax - peers.values[index].askedIDCount
        guard room > 0 else { return }
        var wanted: OrderedSet<MessageID> = []
        for entry in ihave where topics[entry.topic] != nil {
            for id in entry.ids {
                let key = MessageKey(id: id, topic: entry.topic)
                let isJudged = log.noteHolder(of: key, at: peers.values[index].place)
                if !isJudged && !pending.contains(key) { wanted.append(id) }
            }
        }
        guard !wanted.isEmpty else { return }
        // Which ids are left out, and which is tracked, must not be the peer's choice.
        let asked = random.sample(Array(wanted), room)
        peers.values[index].askedIDCount += asked.count
        // What waits for a congested peer may be dropped: it owes nothing for a question that it may never see.
        if peers.values[index].stream == .flowing {
            promises.add(peer, oneOf: asked, until: now.advanced(by: config.promiseTimeout), random: &random)
        }
        for portion in ControlMessage.portions(asked) {
            outbox[peer, default: RPCParts()].gossip.append(.iwant(portion))
        }
    }

    private mutating func receiveIWant(_ ids: [MessageID], from peer: PeerID) {
        guard let state = peers[peer] else { return }
        let room = config.iwantIDCountMax - state.iwantIDCount
        peers[peer]?.iwantIDCount += min(ids.count, room)
        let (joined, published) = (topics, fanout)
        // One id under several topics: what the peer follows first.
        func rank(_ topic: Topic) -> Int? {
            guard joined[topic] != nil || published[topic] != nil else { return nil }
            return state.topics.contains(topic) ? 0 : 1
        }
        for id in ids.prefix(room) where !state.unwanted.contains(id) {
            guard let found = log.transmission(of: id, to: state.place, rank: rank) else { continue }
            guard found.count <= config.retransmissionCountMax else { continue }
            let byteCount = (peers[peer]?.iwantByteCount ?? 0) + found.message.fieldByteCount
            guard byteCount <= config.iwantByteCountMax else { return }
            peers[peer]?.iwantByteCount = byteCount
            sayMessage(found.message, to: peer)
        }
    }

    private mutating func receiveIDontWant(_ ids: [MessageID], from peer: PeerID) {
        guard let state = peers[peer], state.idontwantMessageCount < config.idontwantMessageCountMax else { return }
        peers[peer]?.idontwantMessageCount += 1
        let last = heartbeatCount + config.idontwantHeartbeats
        for id in ids.prefix(config.idontwantIDCountMax) {
            peers[peer]?.unwanted.insert(id, until: last)
        }
    }
}
