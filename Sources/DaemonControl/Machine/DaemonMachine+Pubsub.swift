internal import Gossipsub
internal import Identity
internal import OrderedCollections
internal import Primitives
internal import Sockets
internal import Swarm

// Topics: what programs publish and subscribe, and what the router says.
extension DaemonMachine {
    mutating func carryOutPubsub(
        _ request: ControlRequest,
        of id: LocalStreamID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        // The router is not taken out of its optional here: with a second reference to it, it would be copied whole when it changes.
        guard gossip != nil else { return answer(.failed("PubSub not enabled"), to: id, into: &outputs) }
        switch request {
        case .listTopics: answer(.topics(gossip?.joinedTopics.map(\.text) ?? []), to: id, into: &outputs)
        case .listSubscribers(let topic):
            answer(.subscribers(subscribedPeers(of: topic)), to: id, into: &outputs)
        case .publish(let topic, let data):
            answer(publish(data, in: topic, at: now, into: &outputs), to: id, into: &outputs)
        case .subscribe(let topic): subscribe(id, to: topic, into: &outputs)
        case .identify, .connect, .disconnect, .listPeers, .openStream, .handleStreams, .stopHandling, .tag, .untag,
            .trim, .dht:
            preconditionFailure("\(request) is not about topics")
        }
    }

    private func subscribedPeers(of topic: Topic) -> [PeerID] {
        guard let gossip else { return [] }
        return swarm.peers.map(\.peer).filter { gossip.topics(of: $0).contains(topic) }
    }

    // MARK: Publishing

    private mutating func publish(
        _ data: [UInt8],
        in topic: Topic,
        at now: Instant,
        into outputs: inout [Output]
    ) -> ControlResponse {
        var (response, told): (ControlResponse, [GossipsubMachine.Output]) = (.ok, [])
        gossip?.handle(.publish(topic, data), at: now, into: &told)
        for output in told {
            switch output {
            case .publishRefused(_, .tooLong): response = .failed("the message is too long")
            case .publishRefused(_, .duplicate): response = .failed("the message is a duplicate")
            case .published(_, let id):
                // Who publishes and subscribes hears itself, as with other daemons.
                let message = TopicMessage(
                    author: peer.bytes,
                    data: data,
                    sequence: Array(id.bytes.suffix(8)),
                    topic: topic.text
                )
                deliver(message, in: topic, into: &outputs)
            default: apply(output, at: now, into: &outputs)
            }
        }
        return response
    }

    // MARK: Subscribing

    private mutating func subscribe(_ id: LocalStreamID, to topic: Topic, into outputs: inout [Output]) {
        if subscribers[topic] == nil { work.append(.gossip(.subscribe(topic, DaemonConfig.topic))) }
        subscribers[topic, default: []].append(id)
        programs[id]?.role = .subscribed(topic)
        answer(.ok, to: id, into: &outputs)
    }

    mutating func unsubscribe(_ id: LocalStreamID, from topic: Topic) {
        subscribers[topic]?.removeAll { $0 == id }
        guard subscribers[topic]?.isEmpty == true else { return }
        subscribers[topic] = nil
        work.append(.gossip(.unsubscribe(topic)))
    }

    /// A subscriber that does not keep up loses messages, as with other daemons.
    private func deliver(_ message: TopicMessage, in topic: Topic, into outputs: inout [Output]) {
        guard let ids = subscribers[topic] else { return }
        let frame = LengthPrefixedFrames.framed(message.encoded)
        for id in ids where programs[id]?.isCongested == false { outputs.append(.local(.send(id, frame))) }
    }

    // MARK: The router

    /// Bytes of a peer's gossip.
    mutating func heard(_ bytes: [UInt8], on stream: StreamHandle, of peer: PeerID) {
        do throws(LengthPrefixedFrames.Failure) {
            for message in try wires.received(bytes, on: stream, of: peer) { hear(message, of: peer) }
        } catch {
            work.append(.swarm(.reset(stream)))
        }
    }

    private mutating func hear(_ message: [UInt8], of peer: PeerID) {
        guard let limits = config.gossip?.rpc else { return }
        do throws(GossipRPCError) {
            work.append(.gossip(.received(peer, try GossipRPC(decoding: message, limits: limits))))
        } catch {
            work.append(.gossip(.receivedUnreadable(peer, error)))
        }
    }

    mutating func apply(_ output: GossipsubMachine.Output, at now: Instant, into outputs: inout [Output]) {
        switch output {
        case .openStream(let peer):
            guard wires.beginOpening(to: peer) else { return }
            let request = StreamRequestID(rawValue: nextRequestNumber())
            streamRequests[request] = .gossip(peer)
            let spoken = swarm.protocols(of: peer)
            let names = GossipsubVersion.protocolNames.filter(spoken.contains)
            work.append(.swarm(.openStream(request, peer, names.isEmpty ? GossipsubVersion.protocolNames : names)))
        case .closeStream(let peer):
            guard let stream = wires.outbound(to: peer) else { return }
            if let last = wires.takeUnsent(on: stream) { work.append(.swarm(.write(stream, last))) }
            _ = wires.closed(stream)
            work.append(.swarm(.closeWrite(stream)))
        case .send(let peer, let rpc): wires.send(rpc, to: peer)
        case .verify(let id, let check): outputs.append(.verify(id, check))
        case .validate(let id, let message):
            work.append(.gossip(.validated(id, .accept)))
            let sequence = stride(from: UInt64(56), through: 0, by: -8).map {
                UInt8(truncatingIfNeeded: message.sequence >> $0)
            }
            let author = message.author?.bytes ?? []
            let delivered = TopicMessage(
                author: author,
                data: message.data,
                sequence: sequence,
                topic: message.topic.text
            )
            deliver(delivered, in: message.topic, into: &outputs)
        case .published, .publishRefused, .peerSubscribed, .peerUnsubscribed, .meshJoined, .meshLeft, .connect,
            .misbehaved:
            break
        }
    }
}
