internal import Gossipsub
internal import Identity
internal import OrderedCollections
internal import Primitives
internal import Sockets
internal import Swarm

// The network's side: what the swarm says.
extension DaemonMachine {
    /// Bytes that a peer may send on a stream whose program has gone before the stream is reset.
    static let orphanByteCountMax = 1 << 20

    mutating func apply(_ output: SwarmMachine.Output, at now: Instant, into outputs: inout [Output]) {
        if heardByKademlia(output, at: now, into: &outputs) { return }
        switch output {
        case .transport(let output): outputs.append(.transport(output))
        case .listening(let address): outputs.append(.listening(address))
        case .listenFailed(let endpoint, let failure): outputs.append(.listenFailed(endpoint, failure))
        case .connectAnswered(let request, let result):
            connectAnswered(request, result, at: now, into: &outputs)
        case .identified(let peer, let description):
            if let name = GossipsubVersion.protocolNames.first(where: description.protocols.contains) {
                gossips(with: peer, name)
            }
            identified(peer, at: now, into: &outputs)
        case .disconnected(let peer, _):
            wires.disconnected(peer)
            work.append(.gossip(.peerDisconnected(peer)))
            disconnected(peer, at: now, into: &outputs)
        case .streamOpened(let request, let stream, let name):
            opened(request, stream, name, at: now, into: &outputs)
        case .streamFailed(let request, let failure): failed(request, failure, at: now, into: &outputs)
        case .inboundStream(let stream, let peer, let name): arrived(stream, peer, name, into: &outputs)
        case .data(let stream, let bytes): received(bytes, on: stream, into: &outputs)
        case .remoteClosedWrite(let stream): remoteClosedWrite(stream, into: &outputs)
        case .streamReset(let stream): streamReset(stream, into: &outputs)
        case .streamCongested(let stream): setCongested(stream, true, into: &outputs)
        case .streamDrained(let stream): setCongested(stream, false, into: &outputs)
        case .stopped: outputs.append(.stopped)
        case .connected(let peer, _):
            // The swarm knows what those are worth that are there; programs may have said it before.
            let value = tags.value(of: peer)
            if value != 0 { work.append(.swarm(.setPeerValue(peer, value))) }
        case .roundTrip, .addressesChanged, .refused: break
        }
    }

    /// The peer speaks gossip, as it says in its identify or shows by its stream, whichever comes first.
    private mutating func gossips(with peer: PeerID, _ name: String) {
        guard gossip != nil, let connection = swarm.connection(to: peer) else { return }
        work.append(
            .gossip(
                .peerConnected(
                    peer,
                    protocolName: name,
                    isOutbound: connection.direction == .outbound,
                    address: connection.remote.address
                )
            )
        )
    }

    // MARK: The beginning of streams

    private mutating func opened(
        _ request: StreamRequestID,
        _ stream: StreamHandle,
        _ name: String,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch streamRequests.removeValue(forKey: request) {
        case .gossip(let peer):
            if wires.opened(stream, to: peer) {
                work.append(.gossip(.streamReady(peer)))
            } else {
                work.append(.swarm(.reset(stream)))
            }
        case .program(let id):
            guard case .waiting(let wait) = programs[id]?.role else { return work.append(.swarm(.reset(stream))) }
            waiting.remove(id)
            answer(.stream(info(stream, wait.peer, name)), to: id, into: &outputs)
            pipe(stream, to: id, into: &outputs)
        case nil:
            work.append(.swarm(.reset(stream)))
        }
    }

    private mutating func failed(
        _ request: StreamRequestID,
        _ failure: StreamFailure,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch streamRequests.removeValue(forKey: request) {
        case .gossip(let peer):
            if wires.opened(nil, to: peer) { work.append(.gossip(.streamClosed(peer))) }
        case .program(let id):
            finish(id, .failed("failed to open a stream: \(failure)"), at: now, into: &outputs)
        case nil: break
        }
    }

    /// The program's connection becomes the stream; what it sent behind its request belongs to the stream already.
    private mutating func pipe(_ stream: StreamHandle, to id: LocalStreamID, into outputs: inout [Output]) {
        programs[id]?.role = .piping(stream)
        pipes[stream] = id
        let early = programs[id]?.frames.takePending() ?? []
        if !early.isEmpty { work.append(.swarm(.write(stream, early))) }
        if programs[id]?.hasEnded == true { work.append(.swarm(.closeWrite(stream))) }
        updateReading(id, into: &outputs)
    }

    private mutating func arrived(
        _ stream: StreamHandle,
        _ peer: PeerID,
        _ name: String,
        into outputs: inout [Output]
    ) {
        if let address = handlers[name]?.next() {
            let id = nextLocalStreamID()
            // Nothing is known of how fast it reads before it is connected.
            var program = Program(role: .piping(stream))
            program.isCongested = true
            programs[id] = program
            pipes[stream] = id
            outputs.append(.local(.connect(id, address)))
            let announcement = info(stream, peer, name).encoded
            outputs.append(.local(.send(id, LengthPrefixedFrames.framed(announcement))))
        } else if gossip != nil, GossipsubVersion.protocolNames.contains(name) {
            if let replaced = wires.accepted(stream, from: peer) { work.append(.swarm(.reset(replaced))) }
            gossips(with: peer, name)
            work.append(.gossip(.streamAccepted(peer, protocolName: name)))
        } else {
            work.append(.swarm(.reset(stream)))
        }
    }

    private func info(_ stream: StreamHandle, _ peer: PeerID, _ name: String) -> StreamInfo {
        let remote = swarm.connection(to: peer)?.remote
        return StreamInfo(peer: peer, address: remote.map { Multiaddr(endpoint: $0).bytes } ?? [], protocolName: name)
    }

    // MARK: Bytes

    private mutating func received(_ bytes: [UInt8], on stream: StreamHandle, into outputs: inout [Output]) {
        if let id = pipes[stream] {
            if programs[id]?.isCongested == true {
                programs[id]?.withheldByteCount += bytes.count
            } else {
                work.append(.swarm(.consumed(stream, bytes.count)))
            }
            outputs.append(.local(.send(id, bytes)))
        } else if let peer = wires.peer(of: stream) {
            heard(bytes, on: stream, of: peer)
            let kept = wires.keptByteCount(of: stream, with: peer)
            work.append(.swarm(.consumed(stream, bytes.count, kept: kept)))
        } else if let dropped = orphans[stream] {
            work.append(.swarm(.consumed(stream, bytes.count)))
            orphans[stream] = dropped + bytes.count
            if dropped + bytes.count > Self.orphanByteCountMax {
                orphans[stream] = nil
                work.append(.swarm(.reset(stream)))
            }
        }
    }

    private mutating func setCongested(_ stream: StreamHandle, _ isCongested: Bool, into outputs: inout [Output]) {
        if let id = pipes[stream] {
            programs[id]?.isStreamCongested = isCongested
            updateReading(id, into: &outputs)
        } else if let peer = wires.peer(of: stream) {
            work.append(.gossip(isCongested ? .congested(peer) : .drained(peer)))
        }
    }

    // MARK: The end of streams

    private mutating func remoteClosedWrite(_ stream: StreamHandle, into outputs: inout [Output]) {
        if let id = pipes[stream] {
            programs[id]?.hasStreamEnded = true
            if programs[id]?.hasEnded == true {
                finish(stream, id, into: &outputs)
            } else {
                outputs.append(.local(.closeWrite(id)))
            }
        } else if let peer = wires.peer(of: stream) {
            // A peer need not read to its end what it does not write on.
            guard wires.outbound(to: peer) != stream else { return }
            _ = wires.closed(stream)
            work.append(.swarm(.closeWrite(stream)))
        } else {
            orphans[stream] = nil
        }
    }

    private mutating func streamReset(_ stream: StreamHandle, into outputs: inout [Output]) {
        orphans[stream] = nil
        if let id = pipes.removeValue(forKey: stream) {
            dismiss(id, into: &outputs)
        } else if let peer = wires.peer(of: stream), wires.closed(stream) {
            work.append(.gossip(.streamClosed(peer)))
        }
    }
}
