internal import DequeModule
internal import Identity
internal import Identify
internal import OrderedCollections
internal import Ping
internal import Primitives
internal import Yamux

extension SwarmMachine {
    // MARK: The application's wishes

    mutating func openStream(
        _ request: StreamRequestID,
        to peer: PeerID,
        _ protocols: [String],
        at now: Instant,
        into outputs: inout [Output]
    ) {
        precondition(!protocols.isEmpty, "a stream is for something")
        let spoken = self.protocols(of: peer)
        let known = protocols.first { spoken.contains($0) }
        guard let id = connectedPeers[peer]?.connections.first else {
            outputs.append(.streamFailed(request, .notConnected))
            return
        }
        let wish = StreamWish(request: request, protocols: known.map { [$0] } ?? protocols, known: known)
        if connections[id]?.waiting.isEmpty == false || !grant(wish, on: id, at: now, into: &outputs) {
            wait(wish, on: id, into: &outputs)
        }
    }

    /// Opens a stream for the application and answers; `false` if too many wait for the peer to acknowledge them.
    private mutating func grant(
        _ wish: StreamWish,
        on id: ConnectionID,
        at now: Instant,
        into outputs: inout [Output]
    ) -> Bool {
        switch open(wish.protocols, on: id, isLazy: wish.known != nil, .opening(wish.request), at: now) {
        case .failure(.refused(.backlogFull)): return false
        case .failure(let failure): outputs.append(.streamFailed(wish.request, failure))
        case .success(let stream):
            guard let known = wish.known else { return true }
            setUse(of: stream, .application)
            outputs.append(.streamOpened(wish.request, stream, known))
        }
        return true
    }

    private mutating func wait(_ wish: StreamWish, on id: ConnectionID, into outputs: inout [Output]) {
        if let count = connections[id]?.waiting.count, count < SwarmConnection.waitingCountMax {
            connections[id]?.waiting.append(wish)
        } else {
            outputs.append(.streamFailed(wish.request, .refused(.backlogFull)))
        }
    }

    /// The backlog has room again: whoever waited longest is served.
    mutating func openWaiting(on id: ConnectionID, at now: Instant, into outputs: inout [Output]) {
        while let wish = connections[id]?.waiting.first, grant(wish, on: id, at: now, into: &outputs) {
            connections[id]?.waiting.removeFirst()
        }
    }

    /// Opens a stream on the oldest connection with a peer.
    mutating func open(
        _ protocols: [String],
        to peer: PeerID,
        isLazy: Bool,
        _ use: SwarmStream.Use,
        at now: Instant
    ) -> Result<StreamHandle, StreamFailure> {
        guard let id = connectedPeers[peer]?.connections.first else { return .failure(.notConnected) }
        return open(protocols, on: id, isLazy: isLazy, use, at: now)
    }

    mutating func open(
        _ protocols: [String],
        on id: ConnectionID,
        isLazy: Bool,
        _ use: SwarmStream.Use,
        at now: Instant
    ) -> Result<StreamHandle, StreamFailure> {
        var said: [ConnectionMachine.Output] = []
        let opened = connections[id]?.machine?.open(protocols, isLazy: isLazy, at: now, into: &said)
        note(said, of: id)
        switch opened {
        case nil: return .failure(.notConnected)
        case .failure(let failure): return .failure(failure)
        case .success(let number):
            let stream = StreamHandle(connection: id, stream: number)
            do {
                try scopes.open(stream, .outbound)
            } catch {
                drive(id, .reset(number), at: now)
                return .failure(.limited(error))
            }
            connections[id]?.streams[number] = SwarmStream(direction: .outbound, use: use)
            return .success(stream)
        }
    }

    /// Passes on what the application wants with a stream of its own.
    mutating func act(on stream: StreamHandle, _ input: ConnectionMachine.Input, at now: Instant) {
        guard isApplication(stream) else { return }
        drive(stream.connection, input, at: now)
    }

    mutating func consume(_ byteCount: Int, keeping kept: Int, of stream: StreamHandle, at now: Instant) {
        guard isApplication(stream), var state = self[stream] else { return }
        precondition(0...state.unread ~= byteCount, "stream \(stream) consumed more than it delivered")
        state.unread -= byteCount
        // Nobody keeps more than it took: so what is held never grows here, and no limit can be passed.
        state.kept = min(max(0, kept), state.kept + byteCount)
        connections[stream.connection]?.streams[stream.stream] = state
        try? scopes.setMemory(of: stream, to: state.memoryByteCount)
        drive(stream.connection, .consumed(stream.stream, byteCount), at: now)
    }

    // MARK: What streams say

    /// A stream beyond a limit of its peer or of the system is reset; the session has a limit of its own before that.
    mutating func arrived(_ stream: StreamHandle, at now: Instant) {
        do {
            try scopes.open(stream, .inbound)
            connections[stream.connection]?.streams[stream.stream] = SwarmStream(direction: .inbound, use: .undecided)
        } catch {
            drive(stream.connection, .reset(stream.stream), at: now)
        }
    }

    mutating func negotiated(_ stream: StreamHandle, _ name: String, at now: Instant, into outputs: inout [Output]) {
        guard let use = self[stream]?.use, let peer = connections[stream.connection]?.peer else { return }
        switch use {
        case .opening(let request):
            setUse(of: stream, .application)
            outputs.append(.streamOpened(request, stream, name))
        case .undecided:
            switch name {
            case IdentifyMessage.protocolName: answerIdentify(stream, at: now)
            case IdentifyMessage.pushProtocolName: startHearingPush(stream, of: peer, at: now)
            case PingMachine.protocolName: startAnsweringPings(stream, at: now)
            default:
                setUse(of: stream, .application)
                outputs.append(.inboundStream(stream, peer, name))
            }
        case .application, .asking, .hearingPush, .pushing, .answered, .pinging, .answeringPings:
            break  // Our own streams are lazy: they never wait for this word.
        }
    }

    mutating func received(_ bytes: [UInt8], on stream: StreamHandle, at now: Instant, into outputs: inout [Output]) {
        guard let state = self[stream] else { return }
        guard case .application = state.use else {
            drive(stream.connection, .consumed(stream.stream, bytes.count), at: now)
            return receivedOwn(bytes, on: stream, state.use, at: now, into: &outputs)
        }
        do {
            try scopes.setMemory(of: stream, to: state.memoryByteCount + bytes.count)
            connections[stream.connection]?.streams[stream.stream]?.unread += bytes.count
            outputs.append(.data(stream, bytes))
        } catch {
            drive(stream.connection, .reset(stream.stream), at: now)
            outputs.append(.streamReset(stream))
            forget(stream)
        }
    }

    private mutating func receivedOwn(
        _ bytes: [UInt8],
        on stream: StreamHandle,
        _ use: SwarmStream.Use,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch use {
        case .asking(let reader): received(bytes, on: stream, by: reader, isPush: false, at: now)
        case .hearingPush(let reader): received(bytes, on: stream, by: reader, isPush: true, at: now)
        case .pinging: stepPing(stream, .received(bytes), at: now, into: &outputs)
        case .answeringPings: stepResponder(stream, .received(bytes), at: now)
        case .undecided, .opening, .application, .pushing, .answered:
            break  // Nobody should speak here; what is said is dropped.
        }
    }

    mutating func remoteClosedWrite(_ stream: StreamHandle, at now: Instant, into outputs: inout [Output]) {
        guard let use = self[stream]?.use else { return }
        switch use {
        case .application: outputs.append(.remoteClosedWrite(stream))
        case .asking(let reader): identified(by: reader, on: stream, isPush: false, at: now, into: &outputs)
        case .hearingPush(let reader): identified(by: reader, on: stream, isPush: true, at: now, into: &outputs)
        case .pinging, .answeringPings, .undecided, .opening:
            drive(stream.connection, .closeWrite(stream.stream), at: now)
        case .pushing, .answered: break
        }
    }

    mutating func streamEnded(_ stream: StreamHandle, _ end: StreamEnd, at now: Instant, into outputs: inout [Output]) {
        guard let use = self[stream]?.use else { return }
        forget(stream)
        switch (use, end) {
        case (.application, .reset), (.application, .failed): outputs.append(.streamReset(stream))
        case (.application, .finished), (.application, .resetLocally): break
        case (.opening(let request), .failed(let failure)): outputs.append(.streamFailed(request, failure))
        case (.opening(let request), .reset), (.opening(let request), .finished),
            (.opening(let request), .resetLocally):
            outputs.append(.streamFailed(request, .reset))
        case (.pinging, _):
            guard let peer = connections[stream.connection]?.peer else { return }
            if connectedPeers[peer]?.pingStream == stream { connectedPeers[peer]?.pingStream = nil }
        case (.undecided, _), (.asking, _), (.hearingPush, _), (.pushing, _), (.answered, _), (.answeringPings, _):
            break
        }
    }

    /// One of the swarm's own streams took too long.
    mutating func expire(_ stream: StreamHandle, at now: Instant, into outputs: inout [Output]) {
        guard let use = self[stream]?.use else { return }
        switch use {
        case .pinging: stepPing(stream, .deadlineReached, at: now, into: &outputs)
        case .answeringPings: stepResponder(stream, .deadlineReached, at: now)
        case .asking, .hearingPush, .pushing, .answered: drive(stream.connection, .reset(stream.stream), at: now)
        case .undecided, .opening, .application: break
        }
    }

    // MARK: The table

    subscript(stream: StreamHandle) -> SwarmStream? {
        connections[stream.connection]?.streams[stream.stream]
    }

    func isApplication(_ stream: StreamHandle) -> Bool {
        if case .application = self[stream]?.use { true } else { false }
    }

    mutating func setUse(of stream: StreamHandle, _ use: SwarmStream.Use) {
        connections[stream.connection]?.streams[stream.stream]?.use = use
    }

    private mutating func forget(_ stream: StreamHandle) {
        connections[stream.connection]?.streams[stream.stream] = nil
        streamTimers.arm(stream, at: nil)
        scopes.close(stream)
    }
}
