internal import Identity
internal import Node
internal import Primitives
internal import Swarm

// The sockets of `bytes`: every node runs its own swarm, and the world carries its bytes.
extension Simulation {
    /// TCP and IP headers of a full segment.
    private static let headerByteCount = 52

    mutating func carryOut(_ output: TransportOutput, of index: Int) {
        switch output {
        case .listen(let listener, let endpoint): owe(index, .transport(.listening(listener, endpoint)))
        case .dial(let connection, let endpoint): dial(connection, endpoint, from: index)
        case .send(let connection, let bytes):
            guard let end = pipe(connection, of: index) else { return }
            transmit(
                .bytes(end.far, corrupted(bytes)),
                to: end.far,
                byteCount: bytes.count + Self.headerByteCount,
                as: .transport
            )
        case .close(let connection), .abort(let connection):
            if let end = pipe(connection, of: index) { sever(end, nil) }
        case .resolve(let resolution, _):
            owe(index, .transport(.resolved(resolution, .failed("there are no names in a simulation"))))
        case .stopListening, .pauseReading, .resumeReading:
            break  // What arrives is always read: the machine's own limits hold.
        }
    }

    /// The connection that a machine calls by this number: its own even ones are looked up, ours name their end.
    private func pipe(_ connection: ConnectionID, of index: Int) -> WireEnd? {
        let end: WireEnd
        if connection.rawValue % 2 == 0 {
            guard let known = nodes[index].sockets[connection] else { return nil }
            end = known
        } else {
            end = WireEnd(rawValue: connection.rawValue >> 1)
        }
        guard wires.isUp(end), wires.node(at: end) == index else { return nil }
        return end
    }

    private mutating func dial(_ connection: ConnectionID, _ endpoint: Endpoint, from index: Int) {
        guard let target = node(at: endpoint), let there = knock(at: target, from: index) else {
            let due = now.advanced(by: .seconds(15))
            return queue.insert(.dialFailed(life(of: index), connection.rawValue, .timedOut), at: due)
        }
        guard nodes[target].isUp else {
            let back = there.advanced(by: now.duration(to: there))
            return queue.insert(.dialFailed(life(of: index), connection.rawValue, .refused), at: back)
        }
        let end = wires.open(dialer: party(index), listener: party(target), at: now)
        wires[end].dialer.socket = connection
        wires[end].listener.socket = ConnectionID(rawValue: end.far.rawValue << 1 | 1)
        wires[end].listener.arrival = there
        nodes[index].sockets[connection] = end
        addLink(end, of: index, to: target)
        addLink(end.far, of: target, to: index)
        queue.insert(.opened(end.far), at: there)
    }

    mutating func openedPipe(_ end: WireEnd) {
        wires[end][end].phase = .up
        let (index, far) = (wires.node(at: end), wires.node(at: end.far))
        let (local, remote) = (nodes[index].endpoint, nodes[far].endpoint)
        let socket = wires[end][end].socket
        let input: TransportInput =
            end.isDialer
            ? .dialed(socket, local: local, remote: remote) : .accepted(socket, local: local, remote: remote)
        if !end.isDialer { transmit(.opened(end.far), to: end.far, byteCount: 60, as: .handshake) }
        feed(index, .transport(input))
    }

    mutating func received(_ bytes: [UInt8], at end: WireEnd) {
        guard wires.isUp(end) else { return }
        feed(wires.node(at: end), .transport(.received(wires[end][end].socket, bytes)))
    }

    /// Ends a connection from one end: it hears at once, the other behind the bytes that are under way.
    mutating func sever(_ end: WireEnd, _ failure: TransportFailure?) {
        let index = wires.node(at: end)
        let socket = wires[end][end].socket
        let wasUp = wires.phase(of: end) == .up
        wires[end][end].phase = .ended
        removeLink(end, of: index)
        if end.isDialer { nodes[index].sockets[socket] = nil }
        if wasUp {
            owe(index, .transport(.disconnected(socket, failure)))
        } else if end.isDialer {
            owe(index, .transport(.dialFailed(socket, .reset)))
        }
        guard wires.phase(of: end.far) != .ended else { return wires.releaseIfEnded(end) }
        transmit(.closed(end.far, failure == nil ? .closed : .reset), to: end.far, byteCount: 40, as: .transport)
    }

    mutating func closedPipe(_ end: WireEnd, _ ending: WireEnding) {
        let index = wires.node(at: end)
        let (socket, wasUp) = (wires[end][end].socket, wires.phase(of: end) == .up)
        wires[end][end].phase = .ended
        removeLink(end, of: index)
        if end.isDialer { nodes[index].sockets[socket] = nil }
        let failure: TransportFailure? =
            switch ending {
            case .closed: nil
            case .reset, .refused: .reset
            case .unresponsive: .timedOut
            }
        if wasUp {
            feed(index, .transport(.disconnected(socket, failure)))
        } else if end.isDialer {
            feed(index, .transport(.dialFailed(socket, failure ?? .reset)))
        }
        wires.releaseIfEnded(end)
    }

    private mutating func corrupted(_ bytes: [UInt8]) -> [UInt8] {
        guard corruptionPerMille > 0, !bytes.isEmpty, corruption.below(1_000) < corruptionPerMille else { return bytes }
        var changed = bytes
        changed[corruption.below(bytes.count)] ^= UInt8(1 + corruption.below(255))
        return changed
    }
}
