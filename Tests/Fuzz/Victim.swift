import Cryptography
import Identity
import Multistream
import Node
import Noise
import Primitives
import Swarm

/// A node and the driver of it: keeps what it sends, computes its signatures, grants its writes.
struct Victim {
    var machine: NodeMachine
    var now = Instant.zero
    var sent: [UInt8] = []
    /// How often a step may lead to the next at one instant, before the node is taken to be going in circles.
    private static let stepCountMax = 1_000

    init() {
        machine = NodeMachine(
            config: NodeConfig(listen: [Sieges.here]),
            identity: Ed25519.PrivateKey(seed: Array(repeating: 9, count: 32)),
            isFreshIdentity: true,
            restored: .empty,
            random: Handshakes.random(9)
        )
        feed(.clock(unixMilliseconds: Sieges.unixMilliseconds))
        feed(.started)
    }

    mutating func feed(_ input: NodeMachine.Input) {
        var (inputs, stepCount): ([NodeMachine.Input], Int) = ([input], 0)
        while !inputs.isEmpty {
            stepCount += 1
            precondition(stepCount < Self.stepCountMax, "a node goes in circles")
            var outputs: [NodeMachine.Output] = []
            machine.handle(inputs.removeFirst(), at: now, into: &outputs)
            for output in outputs { carryOut(output, &inputs) }
        }
        machine.checkInvariants(at: now)
    }

    private mutating func carryOut(_ output: NodeMachine.Output, _ inputs: inout [NodeMachine.Input]) {
        switch output {
        case .transport(.send(Sieges.connection, let bytes)): sent += bytes
        case .transport(.listen(let listener, let endpoint)): inputs.append(.transport(.listening(listener, endpoint)))
        case .transport(.dial(let connection, _)): inputs.append(.transport(.dialFailed(connection, .refused)))
        case .transport(.resolve(let resolution, _)):
            inputs.append(.transport(.resolved(resolution, .failed("no names here"))))
        case .transport(.close(let connection)), .transport(.abort(let connection)):
            inputs.append(.transport(.disconnected(connection, nil)))
        case .verify(let batch, let checks): inputs.append(.verified(batch, checks.map(\.holds)))
        case .persist(let ticket, _): inputs.append(.persisted(ticket))
        default: break
        }
    }

    /// Lets time pass, deadline by deadline.
    mutating func wait(_ duration: Duration) {
        let end = now.advanced(by: duration)
        while let deadline = machine.nextDeadline, deadline <= end {
            now = max(now, deadline)
            feed(.deadlineReached)
        }
        now = end
    }

    /// The stranger goes; one time in sixteen, two minutes of heartbeats pass: what it left behind must not trap either.
    mutating func end(after script: [UInt8]) {
        feed(.transport(.disconnected(Sieges.connection, .reset)))
        if script.reduce(0, &+) % 16 == 0 { wait(.seconds(120)) }
    }

    /// The way through multistream and Noise, as an honest dialer walks it.
    mutating func admit() -> NoiseTransport? {
        var words = MultistreamMachine(role: .dialer(proposals: ["/noise"], isLazy: false))
        var outputs: [MultistreamMachine.Output] = []
        words.handle(.started, at: now, into: &outputs)
        var isAgreed = false
        while !outputs.isEmpty, !isAgreed {
            for output in outputs {
                if case .send(let bytes) = output { feed(.transport(.received(Sieges.connection, bytes))) }
                if case .negotiated = output { isAgreed = true }
            }
            outputs = []
            if !isAgreed { words.handle(.received(takeSent()), at: now, into: &outputs) }
        }
        return isAgreed ? shakeHands() : nil
    }

    private mutating func shakeHands() -> NoiseTransport? {
        var noise = NoiseHandshake(
            role: .initiator,
            staticKey: Handshakes.staticKey,
            expectedPeer: nil,
            muxers: ["/yamux/1.0.0"],
            random: Handshakes.random(6)
        )
        var (outputs, transport): ([NoiseHandshake.Output], NoiseTransport?) = ([], nil)
        noise.handle(.started, at: now, into: &outputs)
        while !outputs.isEmpty {
            for output in outputs {
                if case .send(let bytes) = output { feed(.transport(.received(Sieges.connection, bytes))) }
                if case .completed(let session) = output { transport = session.transport }
            }
            outputs = []
            if transport == nil { noise.handle(.received(takeSent()), at: now, into: &outputs) }
        }
        return transport
    }

    mutating func takeSent() -> [UInt8] {
        defer { sent = [] }
        return sent
    }
}
