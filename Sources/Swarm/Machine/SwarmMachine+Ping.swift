internal import Identity
internal import OrderedCollections
internal import Ping
internal import Primitives

// One ping per peer goes out on its oldest connection; any peer may ping us.
extension SwarmMachine {
    /// Ping streams that one connection may have open to us.
    ///
    /// The specification asks a listener to take two, since a new one may overtake the end of the old (libp2p/specs, ping).
    static let inboundPingStreamMax = 2

    /// Starts pinging a peer that speaks ping and is not pinged.
    mutating func ping(_ peer: PeerID, at now: Instant) {
        guard config.pings, phase == .running, let state = connectedPeers[peer], state.pingStream == nil,
            state.description?.protocols.contains(PingMachine.protocolName) == true
        else { return }
        var machine = PingMachine(config: config.ping, random: random.split())
        let use = SwarmStream.Use.pinging(machine)
        guard case .success(let stream) = open([PingMachine.protocolName], to: peer, isLazy: true, use, at: now) else {
            return
        }
        connectedPeers[peer]?.pingStream = stream
        var said: [PingMachine.Output] = []
        machine.handle(.started, at: now, into: &said)
        setUse(of: stream, .pinging(machine))
        streamTimers.arm(stream, at: machine.nextDeadline)
        for case .send(let bytes) in said { drive(stream.connection, .write(stream.stream, bytes), at: now) }
    }

    mutating func stepPing(
        _ stream: StreamHandle,
        _ input: PingMachine.Input,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard case .pinging(var machine) = self[stream]?.use, let peer = connections[stream.connection]?.peer else {
            return
        }
        var said: [PingMachine.Output] = []
        machine.handle(input, at: now, into: &said)
        setUse(of: stream, .pinging(machine))
        streamTimers.arm(stream, at: machine.nextDeadline)
        for output in said {
            switch output {
            case .send(let bytes): drive(stream.connection, .write(stream.stream, bytes), at: now)
            case .measured(let duration):
                connectedPeers[peer]?.roundTrip = duration
                outputs.append(.roundTrip(peer, duration))
            case .disconnect: close(stream.connection, .unresponsive, at: now)
            }
        }
    }

    mutating func startAnsweringPings(_ stream: StreamHandle, at now: Instant) {
        let answered = connections[stream.connection]?.streams.values.count { other in
            if case .answeringPings = other.use { true } else { false }
        }
        guard let answered, answered < Self.inboundPingStreamMax else {
            return drive(stream.connection, .reset(stream.stream), at: now)
        }
        setUse(of: stream, .answeringPings(PingResponder(config: config.pingResponder)))
        stepResponder(stream, .started, at: now)
    }

    mutating func stepResponder(_ stream: StreamHandle, _ input: PingResponder.Input, at now: Instant) {
        guard case .answeringPings(var responder) = self[stream]?.use else { return }
        var said: [PingResponder.Output] = []
        responder.handle(input, at: now, into: &said)
        setUse(of: stream, .answeringPings(responder))
        streamTimers.arm(stream, at: responder.nextDeadline)
        for output in said {
            switch output {
            case .send(let bytes): drive(stream.connection, .write(stream.stream, bytes), at: now)
            case .reset: drive(stream.connection, .reset(stream.stream), at: now)
            }
        }
    }
}
