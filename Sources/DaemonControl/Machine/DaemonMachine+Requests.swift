internal import Gossipsub
internal import Identity
internal import OrderedCollections
internal import Primitives
internal import Sockets
internal import Swarm

// What programs ask for.
extension DaemonMachine {
    /// Protocols that have handlers.
    static let handledProtocolCountMax = 1024

    mutating func carryOut(
        _ request: ControlRequest,
        of id: LocalStreamID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch request {
        case .identify:
            let entry = ControlResponse.PeerEntry(peer: peer, addresses: listenAddresses.map(\.bytes))
            answer(.identity(entry), to: id, into: &outputs)
        case .connect(let peer, let addresses, let timeout):
            reach(peer, addresses, for: .connection, within: timeout, of: id, at: now, into: &outputs)
        case .openStream(let peer, let names, let timeout):
            reach(peer, [], for: .stream(names), within: timeout, of: id, at: now, into: &outputs)
        case .disconnect(let peer):
            work.append(.swarm(.disconnect(peer)))
            answer(.ok, to: id, into: &outputs)
        case .listPeers:
            answer(.peers(connectedPeers), to: id, into: &outputs)
        case .handleStreams(let names, let address, let rule):
            answer(handle(names, at: address, rule), to: id, into: &outputs)
        case .stopHandling(let names, let address):
            answer(stopHandling(names, at: address), to: id, into: &outputs)
        case .tag(let peer, let tag, let weight):
            let value = tags.set(tag, of: peer, to: weight)
            if let value { work.append(.swarm(.setPeerValue(peer, value))) }
            answer(value == nil ? .failed("too many tags") : .ok, to: id, into: &outputs)
        case .untag(let peer, let tag):
            work.append(.swarm(.setPeerValue(peer, tags.remove(tag, of: peer))))
            answer(.ok, to: id, into: &outputs)
        case .trim:
            // The swarm trims by itself as soon as it has too many connections; there is nothing to hurry.
            answer(.ok, to: id, into: &outputs)
        case .dht(let request, let timeout): search(request, within: timeout, of: id, at: now, into: &outputs)
        case .listTopics, .listSubscribers, .publish, .subscribe:
            carryOutPubsub(request, of: id, at: now, into: &outputs)
        }
    }

    private var connectedPeers: [ControlResponse.PeerEntry] {
        swarm.peers.flatMap { peer in
            peer.connections.map {
                ControlResponse.PeerEntry(peer: peer.peer, addresses: [Multiaddr(endpoint: $0.remote).bytes])
            }
        }
    }

    // MARK: Handlers

    private mutating func handle(
        _ names: [String],
        at address: LocalAddress,
        _ rule: ControlRequest.HandlerRule
    ) -> ControlResponse {
        for name in names {
            guard handlers[name] != nil else {
                guard handlers.count < Self.handledProtocolCountMax else { return .failed("too many handlers") }
                handlers[name] = StreamHandlers(address)
                continue
            }
            switch rule {
            case .replace: handlers[name] = StreamHandlers(address)
            case .refuse: return .failed("handler for protocol \(name) already set")
            case .takeTurns:
                guard handlers[name]?.add(address) == true else { return .failed("too many handlers for \(name)") }
            }
        }
        tellProtocols()
        return .ok
    }

    private mutating func stopHandling(_ names: [String], at address: LocalAddress) -> ControlResponse {
        for name in names {
            guard handlers[name]?.remove(address) == true else {
                return .failed("handler for protocol \(name) with maddr \(address.multiaddr) does not exist")
            }
            if handlers[name]?.addresses.isEmpty == true { handlers[name] = nil }
        }
        tellProtocols()
        return .ok
    }

    // MARK: Connections and streams

    /// Connects with a peer, hears what it speaks, and opens a stream if that is what is wanted.
    private mutating func reach(
        _ peer: PeerID,
        _ addresses: [Multiaddr],
        for goal: Wait.Goal,
        within seconds: Int?,
        of id: LocalStreamID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let deadline = now.advanced(by: .seconds(seconds ?? ControlRequest.timeoutSecondsDefault))
        var wait = Wait(goal: goal, peer: peer, stage: .identifying, deadline: deadline)
        if swarm.connection(to: peer) == nil {
            let request = ConnectRequestID(rawValue: nextRequestNumber())
            wait.stage = .connecting(request)
            connectRequests[request] = id
            work.append(.swarm(.connect(request, peer, addresses)))
        }
        programs[id]?.role = .waiting(wait)
        waiting.append(id)
        updateReading(id, into: &outputs)
        if case .identifying = wait.stage, !swarm.protocols(of: peer).isEmpty {
            identified(id, at: now, into: &outputs)
        }
    }

    /// The dial has ended.
    mutating func connectAnswered(
        _ request: ConnectRequestID,
        _ result: Result<PeerID, ConnectFailure>,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let id = connectRequests.removeValue(forKey: request) else { return }
        guard case .waiting(var wait) = programs[id]?.role else { return }
        switch result {
        case .failure(let failure): finish(id, .failed("failed to dial: \(failure)"), at: now, into: &outputs)
        case .success(let peer):
            wait.stage = .identifying
            programs[id]?.role = .waiting(wait)
            if !swarm.protocols(of: peer).isEmpty { identified(id, at: now, into: &outputs) }
        }
    }

    /// What a peer speaks is known.
    mutating func identified(_ peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        for id in waiting {
            if case .waiting(let wait) = programs[id]?.role, wait.peer == peer, case .identifying = wait.stage {
                identified(id, at: now, into: &outputs)
            }
        }
    }

    private mutating func identified(_ id: LocalStreamID, at now: Instant, into outputs: inout [Output]) {
        guard case .waiting(var wait) = programs[id]?.role else { return }
        switch wait.goal {
        case .connection: finish(id, .ok, at: now, into: &outputs)
        case .stream(let names):
            let request = StreamRequestID(rawValue: nextRequestNumber())
            wait.stage = .opening(request)
            programs[id]?.role = .waiting(wait)
            streamRequests[request] = .program(id)
            work.append(.swarm(.openStream(request, wait.peer, names)))
        }
    }

    mutating func disconnected(_ peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        for id in waiting {
            if case .waiting(let wait) = programs[id]?.role, wait.peer == peer, case .identifying = wait.stage {
                finish(id, .failed("the connection ended"), at: now, into: &outputs)
            }
        }
    }

    /// A peer that says nothing of itself is connected all the same.
    mutating func expired(_ wait: Wait, of id: LocalStreamID, at now: Instant, into outputs: inout [Output]) {
        abandon(wait, of: id)
        if case (.connection, .identifying) = (wait.goal, wait.stage) {
            finish(id, .ok, at: now, into: &outputs)
        } else {
            finish(id, .failed("the request timed out"), at: now, into: &outputs)
        }
    }

    /// Answers a request that had to wait, and goes on with the next.
    mutating func finish(
        _ id: LocalStreamID,
        _ response: ControlResponse,
        followedBy list: [DHTResponse] = [],
        at now: Instant,
        into outputs: inout [Output]
    ) {
        waiting.remove(id)
        programs[id]?.role = .asking
        answer(response, to: id, into: &outputs)
        for entry in list { outputs.append(.local(.send(id, LengthPrefixedFrames.framed(entry.encoded)))) }
        updateReading(id, into: &outputs)
        answerNext(id, at: now, into: &outputs)
    }

    /// Nobody waits for this any more.
    mutating func abandon(_ wait: Wait, of id: LocalStreamID) {
        waiting.remove(id)
        switch wait.stage {
        case .connecting(let request): connectRequests[request] = nil
        case .opening(let request): streamRequests[request] = nil
        case .identifying: break
        }
    }
}
