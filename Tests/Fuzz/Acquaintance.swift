import Cryptography
import Identity
import Node
import Primitives
import Swarm

/// A node and a peer that knows every protocol and keeps to none: it opens streams and writes what the script says.
struct Acquaintance {
    var victim = Victim()
    private var hostile: SwarmMachine
    private var opened: [StreamHandle] = []
    private var nextRequest: UInt64 = 0
    /// Its end of the connection; numbered when it dials.
    private var dialed = ConnectionID(rawValue: 0)

    private static let protocolNames = [
        "/meshsub/1.3.0", "/meshsub/1.1.0", "/meshsub/1.0.0", "/rialto/sync/1.0.0", "/rialto/kad/1.0.0",
        "/rialto/market/1.0.0", "/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0", "/nothing/1.0.0",
    ]
    private static let settleRoundCountMax = 64

    init() {
        var config = SwarmConfig()
        config.pings = false
        hostile = SwarmMachine(config: config, identity: Handshakes.key, random: Handshakes.random(7))
        feed(.clock(unixMilliseconds: Sieges.unixMilliseconds))
        feed(.setProtocols(Array(Self.protocolNames.prefix(6))))
        feed(.started(listen: [Sieges.there]))
        victim.feed(.transport(.accepted(Sieges.connection, local: Sieges.here, remote: Sieges.there)))
        feed(.connect(ConnectRequestID(rawValue: 1), victim.machine.peer, [Multiaddr(endpoint: Sieges.here)]))
        settle()
        precondition(victim.machine.isConnected(to: PeerID(publicKey: Handshakes.key.publicKey)), "they never met")
        victim.wait(.seconds(3))
        settle()
    }

    mutating func move(_ script: inout Script) {
        switch script.below(10) {
        case 0, 1:
            let name = Self.protocolNames[script.below(Self.protocolNames.count)]
            nextRequest += 1
            feed(.openStream(StreamRequestID(rawValue: nextRequest), victim.machine.peer, [name]))
        case 2, 3:
            let stream = pick(&script)
            let bytes = script.piece()
            if let stream { feed(.write(stream, bytes)) }
        case 4, 5, 6:
            let stream = pick(&script)
            let bytes = LengthPrefixedFrames.framed(script.piece())
            if let stream { feed(.write(stream, bytes)) }
        case 7: if let stream = take(&script) { feed(.closeWrite(stream)) }
        case 8: if let stream = take(&script) { feed(.reset(stream)) }
        default: victim.wait(.milliseconds(20 * script.below(256)))
        }
        settle()
    }

    private func pick(_ script: inout Script) -> StreamHandle? {
        let number = script.below(256)
        return opened.isEmpty ? nil : opened[number % opened.count]
    }

    /// Whoever has closed a stream may write to it no more.
    private mutating func take(_ script: inout Script) -> StreamHandle? {
        let stream = pick(&script)
        opened.removeAll { $0 == stream }
        return stream
    }

    /// Carries bytes to and fro until both are quiet.
    private mutating func settle() {
        for _ in 0..<Self.settleRoundCountMax {
            let bytes = victim.takeSent()
            guard !bytes.isEmpty else { return }
            feed(.transport(.received(dialed, bytes)))
        }
    }

    private mutating func feed(_ input: SwarmMachine.Input) {
        var inputs = [input]
        while !inputs.isEmpty {
            var outputs: [SwarmMachine.Output] = []
            hostile.handle(inputs.removeFirst(), at: victim.now, into: &outputs)
            for output in outputs { carryOut(output, &inputs) }
        }
    }

    private mutating func carryOut(_ output: SwarmMachine.Output, _ inputs: inout [SwarmMachine.Input]) {
        switch output {
        case .transport(.send(_, let bytes)): victim.feed(.transport(.received(Sieges.connection, bytes)))
        case .transport(.dial(let connection, let endpoint)):
            dialed = connection
            inputs.append(.transport(.dialed(connection, local: Sieges.there, remote: endpoint)))
        case .transport(.listen(let listener, let endpoint)): inputs.append(.transport(.listening(listener, endpoint)))
        case .transport(.close), .transport(.abort): break
        case .streamOpened(_, let stream, _), .inboundStream(let stream, _, _): opened.append(stream)
        case .data(let stream, let bytes): inputs.append(.consumed(stream, bytes.count))
        default: break
        }
    }
}
