import Cryptography
import Identity
import Multistream
import Noise
import Primitives
import Yamux

/// The machines below the swarm, each against whatever a stranger sends.
enum Handshakes {
    static let key = Ed25519.PrivateKey(seed: Array(repeating: 1, count: 32))
    static let staticKey = NoiseStaticKey(identity: key, secret: Array(repeating: 2, count: 32))
    static func random(_ number: UInt8) -> SeededRandom { SeededRandom(seed: Array(repeating: number, count: 32)) }

    static func multistreamListener(_ bytes: [UInt8]) {
        multistream(MultistreamMachine(role: .listener(supported: ["/noise", "/yamux/1.0.0"])), bytes)
    }

    static func multistreamDialer(_ bytes: [UInt8]) {
        multistream(MultistreamMachine(role: .dialer(proposals: ["/noise", "/tls/1.0.0"], isLazy: false)), bytes)
    }

    private static func multistream(_ fresh: MultistreamMachine, _ bytes: [UInt8]) {
        var (machine, script) = (fresh, Script(bytes))
        var outputs: [MultistreamMachine.Output] = []
        machine.handle(.started, at: .zero, into: &outputs)
        while !script.isAtEnd {
            machine.handle(.received(script.piece()), at: .zero, into: &outputs)
            machine.checkInvariants()
        }
        let endCount = outputs.count {
            switch $0 {
            case .negotiated, .failed: true
            case .send: false
            }
        }
        precondition(endCount <= 1, "a negotiation ended twice")
    }

    static func noiseResponder(_ bytes: [UInt8]) { noise(.responder, bytes) }

    static func noiseInitiator(_ bytes: [UInt8]) { noise(.initiator, bytes) }

    private static func noise(_ role: NoiseRole, _ bytes: [UInt8]) {
        var machine = NoiseHandshake(
            role: role,
            staticKey: staticKey,
            expectedPeer: nil,
            muxers: ["/yamux/1.0.0"],
            random: random(3)
        )
        var (script, outputs): (Script, [NoiseHandshake.Output]) = (Script(bytes), [])
        machine.handle(.started, at: .zero, into: &outputs)
        while !script.isAtEnd {
            machine.handle(.received(script.piece()), at: .zero, into: &outputs)
            machine.checkInvariants()
        }
    }

    static func noiseTransport(_ bytes: [UInt8]) {
        var (transport, script, plaintext): (NoiseTransport, Script, [UInt8]) = (
            establishedTransport, Script(bytes), []
        )
        while !script.isAtEnd {
            guard (try? transport.receive(script.piece(), into: &plaintext)) != nil else { return }
            transport.checkInvariants()
        }
    }

    private static let establishedTransport: NoiseTransport = {
        var machines = [NoiseRole.initiator, .responder].map {
            NoiseHandshake(role: $0, staticKey: staticKey, expectedPeer: nil, muxers: ["/m"], random: random(4))
        }
        var sessions: [NoiseSession] = []
        var inbound: [[NoiseHandshake.Input]] = [[.started], [.started]]
        while let side = inbound.firstIndex(where: { !$0.isEmpty }) {
            var outputs: [NoiseHandshake.Output] = []
            machines[side].handle(inbound[side].removeFirst(), at: .zero, into: &outputs)
            for output in outputs {
                switch output {
                case .send(let bytes): inbound[1 - side].append(.received(bytes))
                case .completed(let session): sessions.append(session)
                case .failed(let failure): preconditionFailure("two honest sides fail: \(failure)")
                }
            }
        }
        guard let session = sessions.first else { preconditionFailure("two honest sides have no session") }
        return session.transport
    }()

    static func yamux(_ bytes: [UInt8]) {
        var machine = YamuxMachine(role: .server, config: YamuxConfig(), random: random(5))
        var (script, now, outputs): (Script, Instant, [YamuxMachine.Output]) = (Script(bytes), .zero, [])
        machine.handle(.started, at: now, into: &outputs)
        while !script.isAtEnd {
            let move = script.below(16)
            outputs.removeAll(keepingCapacity: true)
            switch move {
            case 0:
                now = now.advanced(by: .milliseconds(250 * script.below(256)))
                machine.handle(.deadlineReached, at: now, into: &outputs)
            case 1: machine.handle(.transportCongested, at: now, into: &outputs)
            case 2: machine.handle(.transportDrained, at: now, into: &outputs)
            default: machine.handle(.received(script.piece()), at: now, into: &outputs)
            }
            answer(outputs, &machine, at: now, move: move)
            machine.checkInvariants()
        }
    }

    /// The application's side: takes half of what arrives, answers and closes.
    private static func answer(
        _ outputs: [YamuxMachine.Output],
        _ machine: inout YamuxMachine,
        at now: Instant,
        move: Int
    ) {
        var ignored: [YamuxMachine.Output] = []
        for output in outputs {
            switch output {
            case .data(let stream, let bytes) where move != 7:
                machine.handle(.consumed(stream, bytes.count), at: now, into: &ignored)
            case .opened(let stream): machine.handle(.write(stream, [1, 2, 3]), at: now, into: &ignored)
            case .remoteClosedWrite(let stream): machine.handle(.closeWrite(stream), at: now, into: &ignored)
            case .data, .send, .acknowledged, .resetByRemote, .resetLocally, .congested, .drained, .roundTrip, .ended:
                break
            }
        }
    }
}
