internal import Cryptography
internal import Gossipsub
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// What the router says, and who it concerns.
extension NodeMachine {
    /// Whether anything follows from it: something to do, or another deadline.
    @discardableResult
    mutating func stepGossip(_ input: GossipsubMachine.Input, at now: Instant, into outputs: inout [Output]) -> Bool {
        var gossipOutputs: [GossipsubMachine.Output] = []
        let deadline = gossip.nextDeadline
        gossip.handle(input, at: now, into: &gossipOutputs)
        for output in gossipOutputs { handle(output, at: now, into: &outputs) }
        return !gossipOutputs.isEmpty || gossip.nextDeadline != deadline
    }

    private mutating func handle(_ output: GossipsubMachine.Output, at now: Instant, into outputs: inout [Output]) {
        switch output {
        case .openStream(let remote):
            let proposals = gossipProposals(to: remote)
            // The peer may have withdrawn gossip since (identify push): there is nothing to open a stream for.
            guard !proposals.isEmpty else { return work.append(.gossip(.streamClosed(remote))) }
            guard let request = gossipStreams.open(to: remote) else { return }
            work.append(.swarm(.openStream(request, remote, proposals)))
        case .closeStream(let remote):
            if let stream = gossipStreams.outbound(of: remote) { work.append(.swarm(.closeWrite(stream))) }
        case .send(let remote, let rpc):
            guard let stream = gossipStreams.outbound(of: remote) else { return }
            if config.swarmSeat.isTyped {
                outputs.append(.rpc(stream, rpc))
            } else {
                work.append(.swarm(.write(stream, LengthPrefixedFrames.framed(rpc.encoded))))
            }
        case .verify(let id, let check):
            inbox.add(.message(id), checks: [check])
        case .validate(let id, let message):
            judge(message, id, at: now, into: &outputs)
        case .meshJoined(let remote, _), .meshLeft(let remote, _): tellMeshValue(of: remote)
        case .connect(let entries):
            for entry in entries {
                // Seeds recommend whom they hardly know: nobody may lead us into our own network, and all are dialled as strangers.
                work.append(.swarm(.learnedRecord(entry.envelope, from: NodeLimits.strangerAddress)))
                work.append(.swarm(.connect(drawRecommendedConnect(), entry.peer, [])))
            }
        case .misbehaved(let remote, let misbehaviour):
            outputs.append(.event(.peerMisbehaved(remote, "gossip: \(misbehaviour)")))
        case .peerSubscribed: hasNewSubscriber = true
        case .published, .publishRefused, .peerUnsubscribed: break
        }
    }

    /// What the peer says that it speaks; until it has said so, what it showed.
    private func gossipProposals(to remote: PeerID) -> [String] {
        guard let peer = connected[remote] else { return [] }
        guard let spoken = peer.description?.protocols else { return peer.gossipProtocol.map { [$0] } ?? [] }
        return GossipsubVersion.protocolNames.filter(spoken.contains)
    }

    mutating func drawRecommendedConnect() -> ConnectRequestID {
        let range = RequestRange.recommendedConnects
        defer { nextRecommended = nextRecommended == range.upperBound ? range.lowerBound : nextRecommended + 1 }
        return ConnectRequestID(rawValue: nextRecommended)
    }

    /// A connection that carries mesh links is trimmed last; ten for each keeps them above mere age.
    private mutating func tellMeshValue(of remote: PeerID) {
        guard isConnected(to: remote) else { return }
        let value = 10 * gossip.joinedTopics.count { gossip.mesh(of: $0).contains(remote) }
        let hadMesh = connected[remote].map { $0.value > 0 } ?? false
        if hadMesh != (value > 0) { work.append(.sync(.meshed(remote, value > 0))) }
        connected[remote]?.value = value
        work.append(.swarm(.setPeerValue(remote, value)))
    }

    /// An RPC that came as it is: the limits of the decoder that it did not meet hold for it all the same.
    ///
    /// Whether anything follows from it, as `stepGossip`.
    mutating func heard(_ rpc: GossipRPC, from remote: PeerID, at now: Instant, into outputs: inout [Output]) -> Bool {
        do {
            return stepGossip(.received(remote, try rpc.bounded(by: config.gossip.rpc)), at: now, into: &outputs)
        } catch {
            return stepGossip(.receivedUnreadable(remote, error), at: now, into: &outputs)
        }
    }

    mutating func heard(_ bytes: [UInt8], from remote: PeerID) {
        do {
            work.append(.gossip(.received(remote, try GossipRPC(decoding: bytes, limits: config.gossip.rpc))))
        } catch {
            work.append(.gossip(.receivedUnreadable(remote, error)))
        }
    }

    /// Gives a record of our own, or one that somebody else missed, to the topic's mesh.
    mutating func gossip(_ record: SignedRecord) {
        guard let topic = Topic(profile.topic(of: record, network: config.network)) else { return }
        gossipCounts.countPublished(topic)
        // Only whoever gets the message as it is can use what it was made of.
        let content = config.swarmSeat.isTyped ? GossipedRecord(record) : nil
        work.append(.gossip(.publish(topic, record.envelope, content: content)))
    }
}
