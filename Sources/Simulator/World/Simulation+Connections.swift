internal import Identity
internal import Node
internal import Primitives
internal import Swarm

// The driver's seat: what a swarm would do about connections, for `frames` and `messages`.
extension Simulation {
    /// What the steps of opening a connection weigh, in bytes: SYN, SYN-ACK, the proposal of Noise with its first message, the
    /// echo with the second, and the third (libp2p/specs, noise, "Handshake"; multistream-select); the dialer begins.
    private static let dialLegs = [60, 60, 110, 310, 230]
    /// An identify message with one address and a signed peer record, and the question for it.
    private static let identifyByteCounts = (question: 90, answer: 560)
    /// How long a dial that nobody answers takes (`DialConfig.farTimeout`).
    private static let dialTimeout = Duration.seconds(15)
    /// Two missed pings after the last that was answered: between 20 and 35 s (`PingConfig`).
    private static let silenceMax = (least: Duration.seconds(20), spread: Duration.seconds(15))

    mutating func carryOut(_ input: SwarmMachine.Input, of index: Int) {
        switch input {
        case .started(let endpoints): listen(index, endpoints)
        case .connect(let request, let peer, let addresses): connect(request, peer, addresses, from: index)
        case .disconnect(let peer):
            if let end = link(to: peer, from: index)?.end, wires.isUp(end) {
                hangUp(end, telling: .requested, farEnding: .closed)
            }
        case .setProtocols(let protocols):
            let isChange = nodes[index].swarm.protocols != protocols
            nodes[index].swarm.protocols = protocols
            nodes[index].swarm.description = nil
            if isChange { pushIdentify(of: index) }
        case .openStream(let request, let peer, let protocols): openStream(request, to: peer, protocols, from: index)
        case .write(let stream, let bytes): write(bytes, on: stream, of: index)
        case .closeWrite(let stream): closeWrite(stream, of: index)
        case .reset(let stream): reset(stream, of: index)
        case .protect(let peer, let isProtected):
            if let place = linkPlace(to: peer, from: index) { nodes[index].links[place].isProtected = isProtected }
        case .setPeerValue(let peer, let value):
            if let place = linkPlace(to: peer, from: index) { nodes[index].links[place].value = Int32(clamping: value) }
        case .shutdown: shutDown(index)
        case .consumed, .learned, .learnedRecord, .cancelConnect, .clock, .setBans, .setWaterMarks, .transport,
            .deadlineReached:
            break  // Windows, address books, bans and queues are not modelled; the rest is never asked of a driver.
        }
    }

    private mutating func listen(_ index: Int, _ endpoints: [Endpoint]) {
        let addresses = endpoints.map { Multiaddr(endpoint: $0) }
        for address in addresses { owe(index, .swarm(.listening(address))) }
        owe(index, .swarm(.addressesChanged(addresses)))
    }

    // MARK: Finding

    private func linkPlace(to far: Int, from index: Int) -> Int? {
        let links = nodes[index].links
        var (low, high) = (0, links.count)
        while low < high {
            let middle = (low + high) / 2
            if Int(links[middle].node) < far { low = middle + 1 } else { high = middle }
        }
        return low < links.count && Int(links[low].node) == far ? low : nil
    }

    private func linkPlace(to peer: PeerID, from index: Int) -> Int? {
        directory.node(of: peer).flatMap { linkPlace(to: $0, from: index) }
    }

    /// The node's connection with a peer, whatever its state.
    func link(to peer: PeerID, from index: Int) -> Link? {
        linkPlace(to: peer, from: index).map { nodes[index].links[$0] }
    }

    mutating func addLink(_ end: WireEnd, of index: Int, to far: Int) {
        let place = nodes[index].links.firstIndex { Int($0.node) > far } ?? nodes[index].links.endIndex
        nodes[index].links.insert(Link(node: UInt32(far), peer: nodes[far].identity.peer, end: end), at: place)
        nodes[index].swarm.count(end, 1)
    }

    /// Takes a connection off its node's table; gives the peer that it led to.
    @discardableResult
    mutating func removeLink(_ end: WireEnd, of index: Int) -> PeerID? {
        guard var place = linkPlace(to: wires.node(at: end.far), from: index) else { return nil }
        let links = nodes[index].links
        while place < links.count, links[place].node == wires.nodeNumber(at: end.far) {
            if links[place].end == end {
                nodes[index].swarm.count(end, -1)
                return nodes[index].links.remove(at: place).peer
            }
            place += 1
        }
        return nil
    }

    /// Connections with a former life of the same node, which this end had not heard the end of: the new one takes their place.
    private mutating func endForerunners(of end: WireEnd, at index: Int) {
        let far = wires.nodeNumber(at: end.far)
        for link in nodes[index].links where link.node == far && link.end != end {
            leave(link.end, telling: .transport(.reset))
            wires.releaseIfEnded(link.end)
        }
    }

    // MARK: Dialling

    private mutating func connect(
        _ request: ConnectRequestID,
        _ peer: PeerID?,
        _ addresses: [Multiaddr],
        from index: Int
    ) {
        // The address book of a virtual swarm knows everybody's newest address.
        let wanted = peer ?? addresses.lazy.compactMap(\.peerID).first
        let target = wanted.flatMap { directory.node(of: $0) } ?? firstNode(at: addresses)
        guard let target else { return answer(request, .failure(.noAddresses), of: index) }
        guard target != index else { return answer(request, .failure(.selfDial), of: index) }
        if let place = linkPlace(to: target, from: index) {
            let end = nodes[index].links[place].end
            if wires.isUp(end) {
                answer(request, .success(nodes[target].identity.peer), of: index)
            } else {
                wires[end][end].requests.append(request)
            }
            return
        }
        guard nodes[index].swarm.hasRoom(.outbound, within: swarm.resources) else {
            let refusal = ResourceRefusal(scope: .system, resource: .outboundConnections)
            return answer(request, .failure(.limited(refusal)), of: index)
        }
        dial(target, expecting: wanted, request, from: index)
    }

    private func firstNode(at addresses: [Multiaddr]) -> Int? {
        for address in addresses {
            if case .endpoint(let endpoint) = address.dialTarget, let node = node(at: endpoint) { return node }
        }
        return nil
    }

    private mutating func dial(_ target: Int, expecting peer: PeerID?, _ request: ConnectRequestID, from index: Int) {
        guard let there = knock(at: target, from: index) else {
            let due = now.advanced(by: Self.dialTimeout)
            return queue.insert(.dialFailed(life(of: index), request.rawValue, .timedOut), at: due)
        }
        let isWelcome = peer == nil || peer == nodes[target].identity.peer
        guard nodes[target].isUp, isWelcome, hasRoom(target) else {
            let back = there.advanced(by: now.duration(to: there))
            return queue.insert(.dialFailed(life(of: index), request.rawValue, .refused), at: back)
        }
        let end = wires.open(dialer: party(index), listener: party(target), at: now)
        wires[end].dialer.requests = [request]
        wires[end].listener.arrival = there
        addLink(end, of: index, to: target)
        addLink(end.far, of: target, to: index)
        queue.insert(.handshake(end.far, 0), at: there)
    }

    /// A node as one side of a new connection.
    func party(_ index: Int) -> (life: NodeLife, peer: PeerID) { (life(of: index), nodes[index].identity.peer) }

    /// When the first packet of a dial arrives; `nil` if nobody ever answers it.
    mutating func knock(at target: Int, from index: Int) -> Instant? {
        network.noteDial(from: index, to: target)
        guard network.canDial(from: index, to: target), !nodes[target].hasDeparted else { return nil }
        traffic.count(.handshake, byteCount: Self.dialLegs[0])
        switch network.send(from: index, to: target, byteCount: Self.dialLegs[0], at: departure(of: index)) {
        case .arrives(let there): return there
        case .dropped: return nil
        }
    }

    /// A message of the handshake has arrived: the next one goes back, until both ends have what they need.
    mutating func handshake(_ end: WireEnd, _ leg: Int) {
        guard wires.isValid(end), wires.phase(of: end) == .opening else { return }
        let next = leg + 1
        if next < Self.dialLegs.count {
            transmit(.handshake(end.far, UInt8(next)), to: end.far, byteCount: Self.dialLegs[next], as: .handshake)
        }
        // Of Noise XX the dialer knows all with the second message, the listener with the third.
        if next >= Self.dialLegs.count - 1 { opened(end) }
    }

    private func hasRoom(_ index: Int) -> Bool {
        !nodes[index].swarm.isStopping && nodes[index].swarm.hasRoom(.inbound, within: swarm.resources)
    }

    private mutating func answer(
        _ request: ConnectRequestID,
        _ result: Result<PeerID, ConnectFailure>,
        of index: Int
    ) {
        owe(index, .swarm(.connectAnswered(request, result)))
    }

    mutating func dialFailed(_ life: NodeLife, _ request: UInt64, _ failure: DialFailure) {
        guard nodes[life.index].life == life.life else { return }
        guard scenario.fidelity != .bytes else {
            let transport: TransportFailure = failure == .refused ? .refused : .timedOut
            return feed(life, .transport(.dialFailed(ConnectionID(rawValue: request), transport)))
        }
        let reason: ConnectFailure =
            switch failure {
            case .refused: .transport(.refused)
            case .timedOut: .transport(.timedOut)
            case .unreachable: .transport(.unreachable)
            }
        feed(life, .swarm(.connectAnswered(ConnectRequestID(rawValue: request), .failure(reason))))
    }

    // MARK: Up

    mutating func opened(_ end: WireEnd) {
        guard wires.isValid(end), wires.phase(of: end) == .opening else { return }
        guard scenario.fidelity != .bytes else { return openedPipe(end) }
        endForerunners(of: end, at: wires.node(at: end))
        wires[end][end].phase = .up
        let (index, far) = (wires.node(at: end), wires.node(at: end.far))
        nodes[index].swarm.connectionCount += 1
        let peer = nodes[far].identity.peer
        let info = ConnectionInfo(
            id: ConnectionID(rawValue: end.rawValue),
            peer: peer,
            direction: end.isDialer ? .outbound : .inbound,
            local: nodes[index].endpoint,
            remote: nodes[far].endpoint,
            openedAt: wires.openedAt(end)
        )
        owe(index, .swarm(.connected(peer, info)))
        for request in wires[end][end].requests { answer(request, .success(peer), of: index) }
        wires[end][end].requests = []
        askIdentify(end)
        considerTrimming(index)
    }

    private mutating func askIdentify(_ end: WireEnd) {
        let byteCount = Self.identifyByteCounts.question
        transmit(.asked(end.far, now), to: end.far, byteCount: byteCount, as: .identify)
    }

    /// The other side wants to know who we are: a swarm answers by itself.
    mutating func asked(_ end: WireEnd, at since: Instant) {
        guard wires.isValid(end), wires.phase(of: end) != .ended else { return }
        transmit(.identified(end.far, since), to: end.far, byteCount: Self.identifyByteCounts.answer, as: .identify)
    }

    /// Tells every peer what has changed of the node (libp2p/specs, identify, "identify/push").
    private mutating func pushIdentify(of index: Int) {
        for link in nodes[index].links where wires.isUp(link.end) {
            // Nobody asked, so nothing is learnt of the way.
            let byteCount = Self.identifyByteCounts.answer
            transmit(.identified(link.end.far, .distantFuture), to: link.end.far, byteCount: byteCount, as: .identify)
        }
    }

    mutating func identified(_ end: WireEnd, askedAt: Instant) {
        guard wires.isUp(end) else { return }
        let (index, far) = (wires.node(at: end), wires.node(at: end.far))
        guard nodes[far].isUp, nodes[far].life == wires.life(at: end.far) else { return }
        let peer = nodes[far].identity.peer
        owe(index, .swarm(.identified(peer, description(of: far, seeing: index))))
        if askedAt <= now { owe(index, .swarm(.roundTrip(peer, askedAt.duration(to: now)))) }
    }

    /// What identify says of a node to another one, whose own address it sees unless a router stands before that.
    private mutating func description(of index: Int, seeing other: Int) -> PeerDescription {
        let description = description(of: index)
        guard scenario.discovery != nil, network.reachability(of: other) == .open else { return description }
        return PeerDescription(
            protocolVersion: description.protocolVersion,
            agentVersion: description.agentVersion,
            protocols: description.protocols,
            listenAddresses: description.listenAddresses,
            observedAddress: Multiaddr(endpoint: nodes[other].endpoint),
            signedPeerRecord: description.signedPeerRecord
        )
    }

    /// What identify says of a node: its address, its protocols, and the record of them that it signed.
    private mutating func description(of index: Int) -> PeerDescription {
        if let known = nodes[index].swarm.description { return known }
        let address = Multiaddr(endpoint: nodes[index].endpoint)
        let identity = nodes[index].identity
        let sequence = UInt64(max(0, unixMilliseconds(of: index)))
        let record = PeerRecord(peer: identity.peer, sequence: sequence, addresses: [address])
        let description = PeerDescription(
            protocolVersion: NetworkProtocols(settings.network).family,
            agentVersion: swarm.agentVersion,
            protocols: nodes[index].swarm.protocols,
            listenAddresses: [address],
            observedAddress: nil,
            signedPeerRecord: record.seal(by: identity.key).bytes
        )
        nodes[index].swarm.description = description
        return description
    }

    // MARK: Down

    /// Ends a connection from one end: that end knows at once, the other behind everything that is under way to it.
    mutating func hangUp(_ end: WireEnd, telling reason: DisconnectReason, farEnding: WireEnding) {
        guard wires.isUp(end) else { return }
        leave(end, telling: reason)
        transmit(.closed(end.far, farEnding), to: end.far, byteCount: 40, as: .handshake)
    }

    /// One end of a connection is no more; its node is told what it lost.
    mutating func leave(_ end: WireEnd, telling reason: DisconnectReason) {
        let index = wires.node(at: end)
        let wasUp = wires.phase(of: end) == .up
        let requests = wires[end][end].requests
        wires[end][end].phase = .ended
        wires[end][end].requests = []
        wires[end][end.far].held = []
        let peer = removeLink(end, of: index)
        if wasUp, let peer {
            nodes[index].swarm.connectionCount -= 1
            for stream in wires[end].streams where stream.isKnown(at: end) {
                owe(index, .swarm(.streamReset(handle(stream.id, at: end))))
            }
            owe(index, .swarm(.disconnected(peer, reason)))
        } else {
            for request in requests { answer(request, .failure(.transport(.reset)), of: index) }
        }
        for place in wires[end].streams.indices { wires[end].streams[place].forget(at: end) }
    }

    mutating func closed(_ end: WireEnd, _ ending: WireEnding) {
        guard wires.isValid(end), wires.phase(of: end) != .ended else { return }
        guard scenario.fidelity != .bytes else { return closedPipe(end, ending) }
        let reason: DisconnectReason =
            switch ending {
            case .closed: .transport(nil)
            case .reset, .refused: .transport(.reset)
            case .unresponsive: .unresponsive
            }
        leave(end, telling: reason)
        wires.releaseIfEnded(end)
    }

    /// A node has ended: its connections end with it, each at its other end in its own time.
    mutating func leaveConnections(of index: Int, _ exit: Exit) {
        for link in nodes[index].links {
            let end = link.end
            guard wires.isValid(end) else { continue }
            wires[end][end].phase = .ended
            wires[end][end.far].held = []
            for place in wires[end].streams.indices { wires[end].streams[place].forget(at: end) }
            guard wires.phase(of: end.far) != .ended else {
                wires.releaseIfEnded(end)
                continue
            }
            if exit == .departed {
                queue.insert(.closed(end.far, .unresponsive), at: now.advanced(by: drawSilence(end)))
            } else {
                transmit(.closed(end.far, .reset), to: end.far, byteCount: 40, as: .handshake)
            }
        }
        nodes[index].links = []
        nodes[index].sockets = [:]
        nodes[index].swarm = VirtualSwarm()
    }

    private mutating func shutDown(_ index: Int) {
        nodes[index].swarm.isStopping = true
        for link in nodes[index].links where wires.isUp(link.end) {
            hangUp(link.end, telling: .shutdown, farEnding: .closed)
        }
        owe(index, .swarm(.stopped))
    }

    /// Cuts every connection of a node, as a network that fails for a moment does.
    mutating func disconnectAll(_ index: Int) {
        for link in nodes[index].links where wires.isValid(link.end) {
            if scenario.fidelity == .bytes {
                sever(link.end, .reset)
            } else if wires.isUp(link.end) {
                hangUp(link.end, telling: .transport(.reset), farEnding: .reset)
            }
        }
        tell()
    }

    // MARK: Silence

    /// How long a peer is silent until its connection is given up.
    private func drawSilence(_ end: WireEnd) -> Duration {
        // Pings are not in step with anything: the place of the connection spreads them, without a draw.
        let spread = SplitMix64.finalised(end.rawValue) % UInt64(Self.silenceMax.spread.milliseconds)
        return Self.silenceMax.least + .milliseconds(Int64(spread))
    }

    /// Somebody will look whether the two ends can hear each other again.
    mutating func planWatch(_ end: WireEnd) {
        guard scenario.fidelity != .bytes, wires.isValid(end), !wires[end].isWatched else { return }
        wires[end].isWatched = true
        let dialer = end.isDialer ? end : end.far
        queue.insert(.watch(dialer), at: now.advanced(by: drawSilence(dialer)))
    }

    mutating func watch(_ end: WireEnd) {
        guard wires.isValid(end) else { return }
        wires[end].isWatched = false
        // A ping needs both ways, so that each end misses the other.
        guard isCut(end) else { return release(end) }
        for side in [end, end.far] where wires.phase(of: side) != .ended {
            leave(side, telling: .unresponsive)
        }
        wires.releaseIfEnded(end)
    }

    // MARK: Trimming

    /// Closes the least worthy connections when there are too many, as the swarm's water marks want it.
    private mutating func considerTrimming(_ index: Int) {
        let config = swarm.trimming
        guard nodes[index].swarm.connectionCount > config.highWater, !nodes[index].swarm.isTrimPlanned else { return }
        nodes[index].swarm.isTrimPlanned = true
        let soonest = nodes[index].swarm.lastTrim?.advanced(by: config.silence) ?? now
        queue.insert(.trim(life(of: index)), at: max(now, soonest))
    }

    mutating func trim(_ life: NodeLife) {
        guard nodes[life.index].life == life.life else { return }
        let (config, index) = (swarm.trimming, life.index)
        nodes[index].swarm.isTrimPlanned = false
        let links = nodes[index].links.filter { wires.isUp($0.end) }
        guard links.count > config.highWater else { return }
        let mature = links.filter {
            $0.isProtected || wires.openedAt($0.end).advanced(by: config.grace) <= now
        }
        guard mature.count > config.highWater else {
            // Young connections neither go nor count, lest a flood of them push out all old ones.
            nodes[index].swarm.isTrimPlanned = true
            let ages = links.map { $0.isProtected ? .zero : wires.openedAt($0.end).advanced(by: config.grace) }.sorted()
            return queue.insert(.trim(life), at: max(ages[config.highWater], now))
        }
        nodes[index].swarm.lastTrim = now
        let worst = mature.filter { !$0.isProtected }.sorted { left, right in
            if left.value != right.value { return left.value < right.value }
            let (leftAge, rightAge) = (wires.openedAt(left.end), wires.openedAt(right.end))
            return leftAge != rightAge ? leftAge > rightAge : left.node < right.node
        }
        for link in worst.prefix(mature.count - config.lowWater) {
            hangUp(link.end, telling: .trimmed, farEnding: .closed)
        }
    }
}
