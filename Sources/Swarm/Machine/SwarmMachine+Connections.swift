internal import DequeModule
internal import Identity
internal import Noise
internal import OrderedCollections
internal import Primitives

extension SwarmMachine {
    mutating func handle(_ input: TransportInput, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .listening(let listener, let endpoint): listening(listener, at: endpoint, now: now, into: &outputs)
        case .listenFailed(let listener, let failure): listenFailed(listener, failure, into: &outputs)
        case .interfaces(let addresses):
            interfaces = Array(addresses.prefix(SwarmListener.interfaceCountMax))
            updateAddresses(at: now, into: &outputs)
        case .accepted(let id, let local, let remote): accept(id, local, remote, at: now, into: &outputs)
        case .dialed(let id, let local, _): dialed(id, local, at: now, into: &outputs)
        case .dialFailed(let id, let failure):
            guard let connection = connections[id], connection.machine == nil else { return }
            dial(.failed(id, .transport(failure)), at: now, into: &outputs)
            forget(id)
        case .received(let id, let bytes): drive(id, .received(bytes), at: now)
        case .congested(let id): drive(id, .transportCongested, at: now)
        case .drained(let id): drive(id, .transportDrained, at: now)
        case .disconnected(let id, let failure):
            guard connections[id] != nil else { return }
            lose(id, .transport(failure), .transport(failure ?? .reset), at: now, into: &outputs)
            forget(id)
        case .resolved(let id, let answer): dial(.resolved(id, answer), at: now, into: &outputs)
        }
    }

    // MARK: Inbound

    private mutating func accept(
        _ id: ConnectionID,
        _ local: Endpoint,
        _ remote: Endpoint,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        precondition(connections[id] == nil, "connection \(id.rawValue) was accepted twice")
        guard case .running = phase else { return refuse(id, remote, .shuttingDown, into: &outputs) }
        if isBanned(nil, remote.address, at: now) { return refuse(id, remote, .banned, into: &outputs) }
        if let refusal = limits.admit(id, from: remote.address, at: now) {
            return refuse(id, remote, .limit(refusal), into: &outputs)
        }
        do {
            try scopes.open(id, .inbound)
        } catch {
            limits.closed(id)
            return refuse(id, remote, .resources(error), into: &outputs)
        }
        connections[id] = SwarmConnection(
            direction: .inbound,
            local: local,
            remote: remote,
            openedAt: now,
            expectedPeer: nil
        )
        upgrade(id, at: now)
    }

    private func refuse(_ id: ConnectionID, _ remote: Endpoint, _ reason: RefusalReason, into outputs: inout [Output]) {
        outputs.append(.refused(remote, reason))
        outputs.append(.transport(.abort(id)))
    }

    // MARK: Outbound

    mutating func connect(
        _ request: ConnectRequestID,
        to wanted: PeerID?,
        _ addresses: [Multiaddr],
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let peer = wanted ?? addresses.first { !$0.isRelayed }?.peerID
        if isBanned(peer, nil, at: now) { return outputs.append(.connectAnswered(request, .failure(.banned))) }
        if let peer, connectedPeers[peer] != nil {
            return outputs.append(.connectAnswered(request, .success(peer)))
        }
        let known = peer.map { addressBook.addresses(of: $0) } ?? []
        dial(.connect(request, peer, named: addresses, known: known), at: now, into: &outputs)
    }

    mutating func learned(
        _ peer: PeerID,
        _ addresses: [Multiaddr],
        from source: IPAddress?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard peer != self.peer else { return }
        let before = Set(addressBook.addresses(of: peer))
        addressBook.add(addresses, of: peer, learnedFrom: source, at: now)
        let added = addressBook.addresses(of: peer).filter { !before.contains($0) }
        if !added.isEmpty { dial(.learned(peer, added), at: now, into: &outputs) }
    }

    /// Feeds the dialling, and again what its outputs come to.
    mutating func dial(_ first: DialMachine.Input, at now: Instant, into outputs: inout [Output]) {
        var inputs: Deque = [first]
        while let input = inputs.popFirst() {
            if case .failed(_, let failure) = input { counters.dialErrors[.init(failure), default: 0] += 1 }
            var wishes: [DialMachine.Output] = []
            dialing.handle(input, at: now, into: &wishes)
            for wish in wishes {
                switch wish {
                case .dial(let id, let endpoint, let expected):
                    guard !isBanned(expected, endpoint.address, at: now) else {
                        inputs.append(.failed(id, .banned))
                        continue
                    }
                    do {
                        try scopes.open(id, .outbound)
                        startDial(id, endpoint, expecting: expected, at: now, into: &outputs)
                    } catch {
                        inputs.append(.failed(id, .limited(error)))
                    }
                case .abort(let id): abort(id, at: now, into: &outputs)
                case .resolve(let id, let query): outputs.append(.transport(.resolve(id, query)))
                case .answered(let request, let result): outputs.append(.connectAnswered(request, result))
                }
            }
        }
    }

    private mutating func startDial(
        _ id: ConnectionID,
        _ endpoint: Endpoint,
        expecting peer: PeerID?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        connections[id] = SwarmConnection(
            direction: .outbound,
            local: endpoint,
            remote: endpoint,
            openedAt: now,
            expectedPeer: peer
        )
        outputs.append(.transport(.dial(id, endpoint)))
    }

    private mutating func dialed(_ id: ConnectionID, _ local: Endpoint, at now: Instant, into outputs: inout [Output]) {
        guard let connection = connections[id], connection.machine == nil, !connection.isClosing else { return }
        connections[id]?.local = local
        connections[id]?.openedAt = now
        dial(.dialed(id), at: now, into: &outputs)
        upgrade(id, at: now)
    }

    private mutating func upgrade(_ id: ConnectionID, at now: Instant) {
        guard let connection = connections[id] else { return }
        let machine = ConnectionMachine(
            direction: connection.direction,
            config: config.connection,
            staticKey: staticKey,
            expectedPeer: connection.expectedPeer,
            supported: supportedProtocols,
            random: random.split()
        )
        connections[id]?.machine = machine
        drive(id, .started, at: now)
    }

    // MARK: Driving

    /// Feeds one connection and notes what it says; nothing is done about it before the step's end.
    mutating func drive(_ id: ConnectionID, _ input: ConnectionMachine.Input, at now: Instant) {
        guard connections[id]?.machine != nil else { return }
        var said: [ConnectionMachine.Output] = []
        connections[id]?.machine?.handle(input, at: now, into: &said)
        note(said, of: id)
    }

    mutating func note(_ said: [ConnectionMachine.Output], of id: ConnectionID) {
        for event in said { events.append((id, event)) }
        connectionTimers.arm(id, at: connections[id]?.machine?.nextDeadline)
    }

    mutating func apply(
        _ event: ConnectionMachine.Output,
        of id: ConnectionID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard connections[id]?.machine != nil else { return }
        switch event {
        case .send(let bytes):
            // What stands alone is not copied.
            if unsent[id] == nil { unsent[id] = bytes } else { unsent[id, default: []] += bytes }
        case .holds(let byteCount): account(byteCount, of: id, at: now, into: &outputs)
        case .upgraded(let peer): upgraded(id, peer, at: now, into: &outputs)
        case .pauseReading: outputs.append(.transport(.pauseReading(id)))
        case .resumeReading: outputs.append(.transport(.resumeReading(id)))
        case .roundTrip(let duration):
            guard let peer = connections[id]?.peer else { return }
            connectedPeers[peer]?.roundTrip = duration
            outputs.append(.roundTrip(peer, duration))
        case .acknowledged: openWaiting(on: id, at: now, into: &outputs)
        case .ended(let reason): ended(id, reason, at: now, into: &outputs)
        case .streamArrived(let stream): arrived(StreamHandle(connection: id, stream: stream), at: now)
        case .negotiated(let stream, let name):
            negotiated(StreamHandle(connection: id, stream: stream), name, at: now, into: &outputs)
        case .data(let stream, let bytes):
            received(bytes, on: StreamHandle(connection: id, stream: stream), at: now, into: &outputs)
        case .remoteClosedWrite(let stream):
            remoteClosedWrite(StreamHandle(connection: id, stream: stream), at: now, into: &outputs)
        case .streamEnded(let stream, let end):
            streamEnded(StreamHandle(connection: id, stream: stream), end, at: now, into: &outputs)
            // Whatever was never acknowledged has left its place.
            openWaiting(on: id, at: now, into: &outputs)
        case .congested(let stream):
            let handle = StreamHandle(connection: id, stream: stream)
            if isApplication(handle) { outputs.append(.streamCongested(handle)) }
        case .drained(let stream):
            let handle = StreamHandle(connection: id, stream: stream)
            if isApplication(handle) { outputs.append(.streamDrained(handle)) }
        }
    }

    private mutating func account(
        _ byteCount: Int,
        of id: ConnectionID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        do {
            try scopes.setMemory(of: id, to: byteCount)
        } catch {
            drop(id, .limited(error), .limited(error), at: now, into: &outputs)
        }
    }

    // MARK: Life

    private mutating func upgraded(_ id: ConnectionID, _ peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        guard peer != self.peer else { return drop(id, .requested, .selfDial, at: now, into: &outputs) }
        if let remote = connections[id]?.remote, isBanned(peer, remote.address, at: now) {
            outputs.append(.refused(remote, .banned))
            return drop(id, .banned, .banned, at: now, into: &outputs)
        }
        do {
            try scopes.assign(id, to: peer)
        } catch {
            return drop(id, .limited(error), .limited(error), at: now, into: &outputs)
        }
        limits.upgraded(id)
        connections[id]?.peer = peer
        establishedCount += 1
        let isFirst = connectedPeers[peer] == nil
        let pushes = TokenBucket(burst: config.identify.inboundPushBurst, interval: config.identify.inboundPushInterval)
        connectedPeers[peer, default: SwarmPeer(pushes: pushes)].connections.append(id)
        addressBook.connected(peer, at: now)
        guard let connection = connections[id], let info = connection.info(id) else { return }
        counters.opened.count(connection.direction, connection.remote.address)
        counters.handshakes.count(connection.openedAt.duration(to: now))
        if isFirst { outputs.append(.connected(peer, info)) }
        switch connection.direction {
        case .outbound:
            addressBook.proved(Multiaddr(endpoint: connection.remote), of: peer, at: now)
            dial(.succeeded(id, peer), at: now, into: &outputs)
        case .inbound:
            dial(.connected(peer), at: now, into: &outputs)
        }
        askIdentify(on: id, at: now)
    }

    /// The connection's own protocols are over: its last bytes leave, then the socket closes, or is dropped where nobody listens.
    private mutating func ended(_ id: ConnectionID, _ end: ConnectionEnd, at now: Instant, into outputs: inout [Output])
    {
        let reason = connections[id]?.closeReason ?? .connection(end)
        let isOrderly =
            switch end {
            case .closed, .session: true
            case .upgradeTimedOut, .security, .noise, .muxer: false
            }
        if let bytes = unsent.removeValue(forKey: id) { outputs.append(.transport(.send(id, bytes))) }
        outputs.append(.transport(isOrderly ? .close(id) : .abort(id)))
        lose(id, reason, Self.failure(of: end), at: now, into: &outputs)
        connectionTimers.arm(id, at: isOrderly ? now.advanced(by: config.closeTimeout) : nil)
    }

    private static func failure(of end: ConnectionEnd) -> ConnectFailure {
        if case .noise(.unexpectedPeer(let peer)) = end { return .wrongPeer(peer) }
        return .upgrade(end)
    }

    /// Closes in order: says go-away, sends what is queued.
    mutating func close(_ id: ConnectionID, _ reason: DisconnectReason, at now: Instant) {
        guard connections[id]?.machine != nil else { return }
        connections[id]?.closeReason = reason
        drive(id, .close, at: now)
    }

    /// Drops the connection at once.
    mutating func drop(
        _ id: ConnectionID,
        _ reason: DisconnectReason,
        _ failure: ConnectFailure,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        unsent[id] = nil
        outputs.append(.transport(.abort(id)))
        lose(id, reason, failure, at: now, into: &outputs)
    }

    /// Ends a dial or an upgrade that nobody wants any more.
    private mutating func abort(_ id: ConnectionID, at now: Instant, into outputs: inout [Output]) {
        guard let connection = connections[id], connection.peer == nil, !connection.isClosing else { return }
        drop(id, .requested, .timedOut, at: now, into: &outputs)
    }

    /// The connection is of no more use; its socket may still be there.
    private mutating func lose(
        _ id: ConnectionID,
        _ reason: DisconnectReason,
        _ failure: ConnectFailure,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let connection = connections[id], !connection.isClosing else { return }
        connections[id]?.machine = nil
        connections[id]?.isClosing = true
        connections[id]?.streams = [:]
        connections[id]?.waiting = []
        for wish in connection.waiting { outputs.append(.streamFailed(wish.request, .connectionEnded)) }
        connectionTimers.arm(id, at: nil)
        for stream in connection.streams.keys.sorted() {
            let handle = StreamHandle(connection: id, stream: stream)
            streamTimers.arm(handle, at: nil)
            scopes.close(handle)
            switch connection.streams[stream]?.use {
            case .application: outputs.append(.streamReset(handle))
            case .opening(let request): outputs.append(.streamFailed(request, .connectionEnded))
            case .undecided, .asking, .hearingPush, .pushing, .answered, .pinging, .answeringPings, nil: break
            }
        }
        try? scopes.setMemory(of: id, to: 0)
        if let peer = connection.peer {
            left(peer, id, reason, at: now, into: &outputs)
        } else if connection.direction == .outbound {
            // Not whom we looked for; but whoever it is has proved to live there.
            if case .wrongPeer(let other) = failure, other != self.peer {
                addressBook.proved(Multiaddr(endpoint: connection.remote), of: other, at: now)
            }
            dial(.failed(id, failure), at: now, into: &outputs)
        }
    }

    private mutating func left(
        _ peer: PeerID,
        _ id: ConnectionID,
        _ reason: DisconnectReason,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        establishedCount -= 1
        if let connection = connections[id] {
            counters.closed.count(connection.direction, connection.remote.address)
        }
        connectedPeers[peer]?.connections.removeAll { $0 == id }
        if connectedPeers[peer]?.pingStream?.connection == id { connectedPeers[peer]?.pingStream = nil }
        guard connectedPeers[peer]?.connections.isEmpty == true else { return ping(peer, at: now) }
        connectedPeers[peer] = nil
        peerValues[peer] = nil
        addressBook.disconnected(peer, at: now)
        observed.disconnected(peer, at: now)
        outputs.append(.disconnected(peer, reason))
    }

    /// The driver said its last word about the socket.
    private mutating func forget(_ id: ConnectionID) {
        guard connections.removeValue(forKey: id) != nil else { return }
        limits.closed(id)
        scopes.close(id)
        connectionTimers.arm(id, at: nil)
    }

    mutating func expire(_ id: ConnectionID, at now: Instant, into outputs: inout [Output]) {
        if connections[id]?.isClosing == true {
            outputs.append(.transport(.abort(id)))
        } else {
            drive(id, .deadlineReached, at: now)
        }
    }

    mutating func trim(at now: Instant) {
        var candidates: [ConnectionTrimming.Candidate] = []
        for (peer, state) in connectedPeers {
            for id in state.connections {
                guard let connection = connections[id] else { continue }
                candidates.append(
                    ConnectionTrimming.Candidate(
                        id: id,
                        peer: peer,
                        openedAt: connection.openedAt,
                        value: peerValues[peer] ?? 0,
                        isProtected: protectedPeers.contains(peer)
                    )
                )
            }
        }
        for id in trimming.trim(candidates, at: now) { close(id, .trimmed, at: now) }
    }
}
