internal import Gossipsub
internal import Identity
internal import Node
internal import Primitives
internal import Swarm

// What travels on connections: the streams of a virtual swarm, typed gossip, and the order that TCP promises.
extension Simulation {
    /// What Noise and Yamux add to a piece of data: a Yamux header, and length and tag of a Noise message.
    private static let frameByteCount = 12 + 18
    /// What a cut connection holds back; a sender that is not read from stops before (Yamux' windows of 256 KiB and more).
    private static let heldCountMax = 1_024

    func handle(_ stream: UInt32, at end: WireEnd) -> StreamHandle {
        StreamHandle(connection: ConnectionID(rawValue: end.rawValue), stream: stream)
    }

    // MARK: Sending

    /// Sends something to the far end of a connection, behind everything that is under way to it.
    mutating func transmit(_ event: Event, to end: WireEnd, byteCount: Int, as kind: TrafficKind) {
        traffic.count(kind, byteCount: byteCount)
        guard !wires.holdsBack(from: end) else { return hold(event, to: end) }
        pass(event, to: end, byteCount: byteCount)
    }

    private mutating func pass(_ event: Event, to end: WireEnd, byteCount: Int) {
        let (near, far) = (wires.node(at: end.far), wires.node(at: end))
        if !nodes[far].isHostile, isMeasuring { honestReceivedByteCount += byteCount }
        switch network.send(from: near, to: far, byteCount: byteCount, at: departure(of: near)) {
        case .arrives(let instant):
            let due = max(instant, wires.arrival(at: end))
            wires[end][end].arrival = due
            queue.insert(event, at: due)
        case .dropped:
            hold(event, to: end)
            planWatch(end)
        }
    }

    /// TCP sends again until somebody answers: what cannot pass now passes later, in order, or the connection ends.
    private mutating func hold(_ event: Event, to end: WireEnd) {
        guard wires[end][end].held.count < Self.heldCountMax else { return }
        wires[end][end].held.append(event)
    }

    /// The way is open again: what was held back goes on, if it can.
    mutating func release(_ end: WireEnd) {
        for side in [end, end.far] where wires.isValid(end) && wires.holdsBack(from: side) {
            let held = wires[end][side].held
            wires[end][side].held = []
            for event in held {
                if !wires.holdsBack(from: side) {
                    pass(event, to: side, byteCount: Self.frameByteCount)
                } else {
                    hold(event, to: side)
                }
            }
        }
    }

    // MARK: Streams

    mutating func openStream(
        _ request: StreamRequestID,
        to peer: PeerID,
        _ protocols: [String],
        from index: Int
    ) {
        guard let end = link(to: peer, from: index)?.end, wires.isUp(end) else {
            return owe(index, .swarm(.streamFailed(request, .notConnected)))
        }
        let far = wires.node(at: end.far)
        let spoken = nodes[far].swarm.protocols
        guard let name = protocols.first(where: spoken.contains) else {
            // Multistream's "no" takes a round trip.
            traffic.count(.handshake, byteCount: 80)
            guard case .arrives(let there) = network.send(from: index, to: far, byteCount: 80, at: departure(of: index))
            else { return }
            let back = there.advanced(by: now.duration(to: there))
            return queue.insert(.streamRefused(life(of: index), request.rawValue), at: back)
        }
        let kind = kinds.kind(of: name)
        // Odd numbers for the dialer, even ones for the listener (yamux, "StreamID field").
        let number = wires[end].nextStream * 2 + (end.isDialer ? 1 : 2)
        wires[end].nextStream += 1
        wires[end].streams.append(WireStream(id: number, kind: kind, openedBy: end))
        owe(index, .swarm(.streamOpened(request, handle(number, at: end), name)))
        transmit(.streamArrived(end.far, number), to: end.far, byteCount: 60 + name.utf8.count, as: kind.traffic)
    }

    mutating func streamRefused(_ life: NodeLife, _ request: UInt64) {
        feed(life, .swarm(.streamFailed(StreamRequestID(rawValue: request), .reset)))
    }

    private func place(of stream: UInt32, at end: WireEnd) -> Int? {
        wires.place(of: stream, knownAt: end)
    }

    private func end(of stream: StreamHandle, at index: Int) -> WireEnd? {
        let end = WireEnd(rawValue: stream.connection.rawValue)
        guard wires.isUp(end), wires.node(at: end) == index else { return nil }
        return end
    }

    mutating func write(_ bytes: [UInt8], on stream: StreamHandle, of index: Int) {
        guard let end = end(of: stream, at: index), let place = place(of: stream.stream, at: end) else { return }
        let state = wires[end].streams[place]
        guard !state.isClosed(by: end) else { return }
        // A gossip stream's bytes are nearly all records; what is not is told apart with typed messages alone.
        transmit(
            .data(end.far, stream.stream, bytes),
            to: end.far,
            byteCount: bytes.count + Self.frameByteCount,
            as: state.kind.traffic
        )
    }

    mutating func closeWrite(_ stream: StreamHandle, of index: Int) {
        guard let end = end(of: stream, at: index), let place = place(of: stream.stream, at: end) else { return }
        guard !wires[end].streams[place].isClosed(by: end) else { return }
        wires[end].streams[place].close(by: end)
        let kind = wires[end].streams[place].kind.traffic
        forgetIfOver(place, of: end)
        transmit(.streamClosed(end.far, stream.stream), to: end.far, byteCount: Self.frameByteCount, as: kind)
    }

    mutating func reset(_ stream: StreamHandle, of index: Int) {
        guard let end = end(of: stream, at: index), let place = place(of: stream.stream, at: end) else { return }
        let kind = wires[end].streams[place].kind.traffic
        wires[end].streams[place].forget(at: end)
        transmit(.streamReset(end.far, stream.stream), to: end.far, byteCount: Self.frameByteCount, as: kind)
    }

    /// A stream that neither end knows any more is gone; one that was only just opened is known soon.
    private mutating func forgetIfOver(_ place: Int, of end: WireEnd) {
        if wires[end].streams[place].isOver { wires[end].streams.remove(at: place) }
    }

    // MARK: Arriving

    mutating func streamArrived(_ stream: UInt32, at end: WireEnd) {
        guard wires.isUp(end), let place = wires.place(of: stream, on: end) else { return }
        wires[end].streams[place].arrive(at: end)
        let index = wires.node(at: end)
        let peer = wires.peer(at: end.far)
        let name = kinds.name(of: wires[end].streams[place].kind)
        feed(index, .swarm(.inboundStream(handle(stream, at: end), peer, name)))
    }

    mutating func received(_ bytes: [UInt8], on stream: UInt32, at end: WireEnd) {
        guard wires.isUp(end), place(of: stream, at: end) != nil else { return }
        feed(wires.node(at: end), .swarm(.data(handle(stream, at: end), bytes)))
    }

    mutating func streamClosed(_ stream: UInt32, at end: WireEnd) {
        guard wires.isUp(end), let place = place(of: stream, at: end) else { return }
        wires[end].streams[place].hearClose(at: end)
        forgetIfOver(place, of: end)
        feed(wires.node(at: end), .swarm(.remoteClosedWrite(handle(stream, at: end))))
    }

    mutating func streamReset(_ stream: UInt32, at end: WireEnd) {
        guard wires.isUp(end), let place = wires.place(of: stream, on: end) else { return }
        let wasKnown = wires[end].streams[place].isKnown(at: end)
        wires[end].streams.remove(at: place)
        guard wasKnown else { return }
        feed(wires.node(at: end), .swarm(.streamReset(handle(stream, at: end))))
    }

    // MARK: Typed gossip

    mutating func send(_ rpc: GossipRPC, on stream: StreamHandle) {
        let end = WireEnd(rawValue: stream.connection.rawValue)
        guard wires.isUp(end) else { return }
        let byteCount = rpc.byteCount
        let kind: TrafficKind = rpc.messages.isEmpty ? .gossipControl : .gossipPublish
        let framed = byteCount + Self.frameByteCount + (byteCount < 128 ? 1 : 2)
        transmit(.rpc(end.far, rpc), to: end.far, byteCount: framed, as: kind)
    }

    mutating func received(_ rpc: GossipRPC, at end: WireEnd) {
        guard wires.isUp(end) else { return }
        let index = wires.node(at: end)
        let life = nodes[index].life
        let before = nodes[index].ask { $0.gossipReceivedCount } ?? 0
        feed(index, .rpc(wires.peer(at: end.far), rpc))
        guard !rpc.messages.isEmpty, nodes[index].life == life,
            let after = nodes[index].ask({ $0.gossipReceivedCount })
        else { return }
        duplicateCount += max(0, rpc.messages.count - Int(after - before))
    }
}
