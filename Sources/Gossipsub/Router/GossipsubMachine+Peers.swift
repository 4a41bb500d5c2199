internal import Identity
internal import OrderedCollections
internal import Primitives

/// Peers that come and go, and the streams to them.
extension GossipsubMachine {
    mutating func connect(
        _ peer: PeerID,
        protocolName: String,
        isOutbound: Bool,
        address: IPAddress,
        into outputs: inout [Output]
    ) {
        guard let version = GossipsubVersion(protocolName: protocolName), peer != identity else { return }
        guard peers[peer] == nil && peers.count < config.peerCountMax else { return }
        let place = takenPlaces.lowestFree
        takenPlaces.insert(place)
        peers[peer] = GossipPeer(place: place, version: version, isOutbound: isOutbound)
        if !version.hasMesh { floodsubPeers.insert(peer) }
        scores.connect(peer, address: address)
        gater.connect(peer)
        outputs.append(.openStream(peer))
    }

    mutating func disconnect(_ peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        guard let left = peers[peer] else { return }
        leaveAllMeshes(peer, into: &outputs)
        for topic in left.topics { topics[topic]?.subscribers.remove(peer) }
        for topic in fanout.keys { fanout[topic]?.peers.remove(peer) }
        promises.forget(peer)
        scores.disconnect(peer, at: now)
        gater.disconnect(peer, at: now)
        peers[peer] = nil
        takenPlaces.remove(left.place)
        log.forget(left.place)
        floodsubPeers.remove(peer)
        outbox[peer] = nil
    }

    mutating func streamReady(_ peer: PeerID, into outputs: inout [Output]) {
        guard let state = peers[peer], state.stream == .opening else {
            // The peer left meanwhile, or this is a stream that nobody asked for.
            if peers[peer] == nil { outputs.append(.closeStream(peer)) }
            return
        }
        peers[peer]?.stream = .flowing
        // The hello: all that we are subscribed to, before anything that waited.
        var hello = RPCParts()
        if state.version.hasExtensions { hello.extensions = GossipExtensions(choke: true) }
        for topic in topics.keys { hello.announce(topic, isSubscribed: true) }
        peers[peer]?.queue.dropSubscriptions()
        if let waiting = peers[peer]?.queue.take() { hello.merge(waiting) }
        say(hello, to: peer)
    }

    /// What a peer listed on an earlier stream is void: the first RPC of this one lists it anew.
    mutating func streamAccepted(_ peer: PeerID, protocolName: String) {
        guard let version = GossipsubVersion(protocolName: protocolName) else { return }
        peers[peer]?.inbound = GossipPeer.InboundStream(version: version)
    }

    mutating func streamClosed(_ peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        guard let state = peers[peer], state.isReachable else { return }
        leaveAllMeshes(peer, into: &outputs)
        outbox[peer] = nil
        _ = peers[peer]?.queue.take()
        peers[peer]?.unwanted = UnwantedMessages()
        // Nobody is given up for good: the connection may last for months.
        let isHopeless = state.reopenCount == config.reopenCountMax
        let pause = isHopeless ? Self.hopelessPause : config.reopenPause * (1 << min(state.reopenCount, 16))
        peers[peer]?.stream = .closed(reopenAt: now.advanced(by: random.jittered(pause, by: 0.2)))
        if !isHopeless { peers[peer]?.reopenCount += 1 }
    }

    /// How long a peer that has ended our stream again and again is left alone.
    static let hopelessPause = Duration.seconds(600)

    /// Asks again for streams that were lost.
    mutating func reopenStreams(at now: Instant, into outputs: inout [Output]) {
        for index in peers.values.indices {
            guard case .closed(let instant?) = peers.values[index].stream, instant <= now else { continue }
            peers.values[index].stream = .opening
            outputs.append(.openStream(peers.keys[index]))
        }
    }

    mutating func congested(_ peer: PeerID) {
        if peers[peer]?.stream == .flowing { peers[peer]?.stream = .congested }
    }

    mutating func drained(_ peer: PeerID) {
        guard peers[peer]?.stream == .congested else { return }
        peers[peer]?.stream = .flowing
        if let waiting = peers[peer]?.queue.take() { say(waiting, to: peer) }
    }

    mutating func keepRecord(_ record: [UInt8], of peer: PeerID) {
        guard record.count <= Self.recordByteCountMax else { return }
        peers[peer]?.record = record.isEmpty ? nil : record
    }

    /// What we recommend of a peer: the size to which the DHT, too, cuts a peer's record.
    static let recordByteCountMax = 2 << 10

    private mutating func leaveAllMeshes(_ peer: PeerID, into outputs: inout [Output]) {
        for topic in topics.keys { removeFromMesh(peer, topic, into: &outputs) }
    }

    // MARK: Subscriptions of peers

    mutating func receive(_ subscriptions: [Subscription], from peer: PeerID, into outputs: inout [Output]) {
        for subscription in subscriptions {
            let topic = subscription.topic
            if subscription.isSubscribed {
                addSubscription(peer, topic, into: &outputs)
            } else if peers[peer]?.topics.remove(topic) != nil {
                removeFromMesh(peer, topic, into: &outputs)
                topics[topic]?.subscribers.remove(peer)
                fanout[topic]?.peers.remove(peer)
                outputs.append(.peerUnsubscribed(peer, topic))
            }
        }
    }

    /// Whether the peer now counts as subscribed; beyond the limit of topics it does not.
    @discardableResult
    mutating func addSubscription(_ peer: PeerID, _ topic: Topic, into outputs: inout [Output]) -> Bool {
        guard let index = peers.index(forKey: peer) else { return false }
        if peers.values[index].topics.contains(topic) { return true }
        guard peers.values[index].topics.count < config.topicsPerPeerMax else { return false }
        peers.values[index].topics.append(topic)
        topics[topic]?.subscribers.insert(peer)
        outputs.append(.peerSubscribed(peer, topic))
        return true
    }

    func subscriberSet(of topic: Topic) -> PeerSet {
        if let joined = topics[topic] { return joined.subscribers }
        return PeerSet(peers.lazy.filter { $0.value.topics.contains(topic) }.map(\.key))
    }

    // MARK: Saying things

    mutating func say(_ parts: RPCParts, to peer: PeerID) {
        guard !parts.isEmpty && isKnown(peer) else { return }
        outbox[peer, default: RPCParts()].merge(parts)
    }

    mutating func sayMessage(_ message: WireMessage, to peer: PeerID) {
        outbox[peer, default: RPCParts()].messages.append(message)
    }

    /// Sends what this step said: one RPC for each peer unless limits split it; what cannot flow waits or is lost.
    mutating func flush(into outputs: inout [Output]) {
        guard !outbox.isEmpty else { return }
        for (peer, parts) in outbox {
            guard let index = peers.index(forKey: peer) else { continue }
            switch peers.values[index].stream {
            case .flowing:
                parts.pack { outputs.append(.send(peer, $0)) }
            case .opening, .congested:
                peers.values[index].queue.add(
                    parts,
                    countMax: config.queueCountMax,
                    byteCountMax: config.queueByteCountMax
                )
            case .closed:
                break
            }
        }
        outbox = [:]
    }
}
