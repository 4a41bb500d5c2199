internal import Gossipsub
internal import Identity
internal import Kademlia
internal import Market
internal import MulticastDNS
internal import OrderedCollections
internal import Primitives
internal import Swarm

// What the swarm says, and who it concerns.
extension NodeMachine {
    /// What others may open to us, besides the swarm's own identify, push and ping.
    static let inboundProtocols =
        GossipsubVersion.protocolNames + [SyncLimits.protocolName, MarketMessage.protocolID]

    mutating func stepSwarm(_ input: SwarmMachine.Input, at now: Instant, into outputs: inout [Output]) {
        guard !ownSwarm.isEmpty else { return outputs.append(.swarm(input)) }
        var swarmOutputs: [SwarmMachine.Output] = []
        ownSwarm[0].handle(input, at: now, into: &swarmOutputs)
        // In place: an element that is merely asked would be copied, tables and all.
        swarmDeadline = unsafe ownSwarm.withUnsafeBufferPointer { swarms in unsafe swarms[0].nextDeadline }
        for output in swarmOutputs { handle(output, at: now, into: &outputs) }
    }

    mutating func handle(_ output: SwarmMachine.Output, at now: Instant, into outputs: inout [Output]) {
        if heardByKademlia(output, at: now, into: &outputs) || heardByLeases(output, at: now, into: &outputs) { return }
        switch output {
        case .transport(let output): outputs.append(.transport(output))
        case .listening: break  // A wildcard is no address; what it stands for comes with `addressesChanged`.
        case .listenFailed(let endpoint, let failure): outputs.append(.event(.listenFailed(endpoint, failure)))
        case .connected(let remote, let info):
            connected[remote] = ConnectedPeer(connection: info)
            heardByCompany(output, at: now)
            outputs.append(.event(.connected(info)))
            work.append(.seeds(.connected(remote)))
        case .disconnected(let remote, _):
            heardByCompany(output, at: now)
            disconnected(remote, into: &outputs)
        case .connectAnswered(let request, let result):
            heardByCompany(output, at: now)
            connectAnswered(request, result, at: now, into: &outputs)
        case .identified(let remote, let description):
            if let network = NetworkProtocols(config.network).otherNetwork(of: description) {
                return letGo(of: remote, from: network, at: now, into: &outputs)
            }
            heardByCompany(output, at: now)
            identified(remote, description, at: now)
        case .streamOpened(let request, let stream, _): streamOpened(request, stream)
        case .streamFailed(let request, _): streamFailed(request)
        case .inboundStream(let stream, let remote, let protocolName): accepted(stream, remote, protocolName)
        case .data(let stream, let bytes): received(bytes, on: stream, into: &outputs)
        case .remoteClosedWrite(let stream): closedByRemote(stream, isReset: false)
        case .streamReset(let stream): closedByRemote(stream, isReset: true)
        case .streamCongested(let stream):
            if let remote = gossipStreams.peer(of: stream) { work.append(.gossip(.congested(remote))) }
        case .streamDrained(let stream):
            if let remote = gossipStreams.peer(of: stream) { work.append(.gossip(.drained(remote))) }
        case .roundTrip(let remote, let duration): connected[remote]?.roundTrip = duration
        case .addressesChanged(let addresses): moved(to: addresses, at: now, into: &outputs)
        case .refused(let endpoint, let reason): outputs.append(.event(.connectionRefused(endpoint, reason)))
        case .stopped: stop(into: &outputs)
        }
    }

    private mutating func moved(to addresses: [Multiaddr], at now: Instant, into outputs: inout [Output]) {
        for address in addresses where !toldAddresses.contains(address) {
            outputs.append(.event(.listening(address.with(peer: peer))))
        }
        toldAddresses = OrderedSet(addresses)
        storefrontChanged(at: now)
        work.append(.desk(.addresses(addresses.widest(PresenceBody.Bounds.addressCountMax).map(\.bytes))))
        stepMulticastDNS(.ownAddresses(addresses), at: now, into: &outputs)
        becomeReadyIfPossible(into: &outputs)
    }

    private mutating func disconnected(_ remote: PeerID, into outputs: inout [Output]) {
        connected[remote] = nil
        budgets[remote] = nil
        clocks.forget(remote)
        gossipStreams.disconnected(remote)
        work.append(.gossip(.peerDisconnected(remote)))
        work.append(.sync(.peerDisconnected(remote)))
        work.append(.seeds(.disconnected(remote)))
        outputs.append(.event(.disconnected(remote)))
    }

    private mutating func identified(_ remote: PeerID, _ description: PeerDescription, at now: Instant) {
        guard let connection = connected[remote]?.connection else { return }
        connected[remote]?.description = description
        if let version = GossipsubVersion.protocolNames.first(where: description.protocols.contains) {
            gossips(with: remote, version)
        }
        if let envelope = description.signedPeerRecord { work.append(.gossip(.peerRecord(remote, envelope))) }
        if description.protocols.contains(SyncLimits.protocolName) {
            beginSync(with: remote, isOutbound: connection.direction == .outbound, at: now)
        }
        if connection.direction == .outbound {
            remember(remote, description, reachedAt: connection.remote.address, at: now)
        }
    }

    /// A peer of another network has nothing for us, nor we for it.
    private mutating func letGo(
        of remote: PeerID,
        from network: String,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard isConnected(to: remote) else { return }
        otherNetworks.met(remote, at: now)
        stepCompany(.isElsewhere(remote), at: now)
        work.append(.seeds(.isElsewhere(remote)))
        work.append(.swarm(.disconnect(remote)))
        outputs.append(.event(.otherNetwork(remote, network, isSeed: seeds.isSeed(remote))))
    }

    private mutating func accepted(_ stream: StreamHandle, _ remote: PeerID, _ protocolName: String) {
        if protocolName == SyncLimits.protocolName {
            work.append(.sync(.inboundStream(stream, remote)))
            return
        }
        if let replaced = gossipStreams.accepted(stream, from: remote) { work.append(.swarm(.reset(replaced))) }
        connected[remote]?.gossipProtocol = protocolName
        gossips(with: remote, protocolName)
        work.append(.gossip(.streamAccepted(remote, protocolName: protocolName)))
    }

    /// The peer speaks gossip, as it says in its identify or shows by its stream, whichever comes first.
    ///
    /// Not by identify alone: a peer that is through with ours says its topics at once, and it says them only once.
    private mutating func gossips(with remote: PeerID, _ protocolName: String) {
        guard let connection = connected[remote]?.connection else { return }
        let isOutbound = connection.direction == .outbound
        let address = connection.remote.address
        work.append(
            .gossip(.peerConnected(remote, protocolName: protocolName, isOutbound: isOutbound, address: address))
        )
        if seeds.isNamed(remote) { work.append(.gossip(.setPinned(remote, true))) }
    }

    private mutating func streamOpened(_ request: StreamRequestID, _ stream: StreamHandle) {
        if sync.owns(request) {
            work.append(.sync(.streamOpened(request, stream)))
        } else if let remote = gossipStreams.opened(request, stream) {
            work.append(.gossip(.streamReady(remote)))
        } else {
            work.append(.swarm(.reset(stream)))
        }
    }

    private mutating func streamFailed(_ request: StreamRequestID) {
        if sync.owns(request) {
            work.append(.sync(.streamFailed(request)))
        } else if let remote = gossipStreams.failed(request) {
            work.append(.gossip(.streamClosed(remote)))
        }
    }

    private mutating func received(_ bytes: [UInt8], on stream: StreamHandle, into outputs: inout [Output]) {
        guard gossipStreams.owns(stream) else {
            // Reconciliation counts what it consumes itself.
            work.append(.sync(.data(stream, bytes)))
            return
        }
        guard let remote = gossipStreams.peer(of: stream) else { return }
        do {
            for rpc in try gossipStreams.received(bytes, on: stream) { heard(rpc, from: remote) }
            let kept = gossipStreams.keptByteCount(of: stream)
            work.append(.swarm(.consumed(stream, bytes.count, kept: kept)))
        } catch {
            // No honest peer announces such a length: what follows cannot be told apart any more.
            _ = gossipStreams.closed(stream)
            work.append(.swarm(.reset(stream)))
            outputs.append(.event(.peerMisbehaved(remote, "gossip message length: \(error)")))
        }
    }

    private mutating func closedByRemote(_ stream: StreamHandle, isReset: Bool) {
        guard gossipStreams.owns(stream) else {
            work.append(.sync(isReset ? .streamReset(stream) : .remoteClosedWrite(stream)))
            return
        }
        // The other side never writes on the stream that we write on, so its end of it means nothing until it resets.
        if !isReset && gossipStreams.isOutbound(stream) { return }
        guard let closed = gossipStreams.closed(stream) else { return }
        if !isReset { work.append(.swarm(.closeWrite(stream))) }
        if closed.wasOutbound { work.append(.gossip(.streamClosed(closed.peer))) }
    }

    private mutating func connectAnswered(
        _ request: ConnectRequestID,
        _ result: Result<PeerID, ConnectFailure>,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let isAnswered = if case .success = result { true } else { false }
        if probeAnswered(request, isAnswered, at: now, into: &outputs) { return }
        if seeds.owns(request) { work.append(.seeds(.connectAnswered(request, result))) }
        guard let command = commands.connected(request) else { return }
        switch result {
        case .success(let remote): outputs.append(.answer(command, .connected(remote)))
        case .failure(let failure): outputs.append(.answer(command, .failed(.connect(failure))))
        }
    }

    mutating func stepSeeds(_ input: PeerSeeds.Input, at now: Instant) {
        var seedOutputs: [PeerSeeds.Output] = []
        seeds.handle(input, at: now, into: &seedOutputs)
        for output in seedOutputs {
            switch output {
            case .connect(let request, let remote, let addresses):
                work.append(.swarm(.connect(request, remote, addresses)))
            case .release(let remote):
                // A seed that carries a mesh link of ours has taken us in.
                if connected[remote]?.value == 0 { work.append(.swarm(.disconnect(remote))) }
            }
        }
    }

    /// Writes down where a peer was reached, at most every ten minutes, to find it again after a restart; who came by itself was not.
    ///
    /// What it says of itself is followed again as the operator's own word: it counts as far as it could tell us at all.
    private mutating func remember(
        _ remote: PeerID,
        _ description: PeerDescription,
        reachedAt source: IPAddress,
        at now: Instant
    ) {
        if let since = remembered[remote], since.advanced(by: NodeLimits.rememberInterval) > now { return }
        remembered.removeAll { $0.value.advanced(by: NodeLimits.rememberInterval) <= now }
        let usable = description.listenAddresses.filter { $0.isDialable(learnedFrom: source) }
        let addresses = usable.widest(KademliaPeer.addressCountMax)
        guard !addresses.isEmpty else { return }
        remembered[remote] = now
        let lastSeen = wall.unixMilliseconds(at: now)
        cacheChanges.append(.putPeer(StoredPeer(peer: remote, addresses: addresses, lastSeen: lastSeen)))
    }
}
