import Primitives

@testable public import Yamux

/// Two sessions that talk to each other in virtual time, and what each of them reported.
struct YamuxPair {
    typealias Output = YamuxMachine.Output

    struct End {
        var machine: YamuxMachine
        /// What has been reported and is not a `send`.
        var events: [Output] = []
        /// What is on its way to this end.
        var incoming: [UInt8] = []
        /// What arrived, by stream.
        var arrived: [YamuxStreamID: [UInt8]] = [:]
        var consumesAtOnce = true

        var end: YamuxEnd? {
            if case .ended(let end) = events.last { end } else { nil }
        }
    }

    var now = Instant.zero
    var client: End
    var server: End

    init(config: YamuxConfig = YamuxConfig(), seed: UInt8 = 1) {
        var random = SeededRandom(seed: Array(repeating: seed, count: 32))
        client = End(machine: YamuxMachine(role: .client, config: config, random: random.split()))
        server = End(machine: YamuxMachine(role: .server, config: config, random: random.split()))
        feed(.started, to: \.client)
        feed(.started, to: \.server)
        settle()
        client.events = []
        server.events = []
    }

    mutating func feed(_ input: YamuxMachine.Input, to side: WritableKeyPath<YamuxPair, End>) {
        var outputs: [Output] = []
        self[keyPath: side].machine.handle(input, at: now, into: &outputs)
        sort(outputs, of: side)
    }

    mutating func open(_ side: WritableKeyPath<YamuxPair, End>) -> Result<YamuxStreamID, YamuxOpenRefusal> {
        var outputs: [Output] = []
        let result = self[keyPath: side].machine.open(at: now, into: &outputs)
        sort(outputs, of: side)
        return result
    }

    /// Carries bytes to and fro, in pieces of at most `pieceMax`, and meets deadlines that are due, until nothing moves.
    mutating func settle(pieceMax: Int = .max) {
        var isMoving = true
        while isMoving {
            isMoving = false
            for side in [\YamuxPair.client, \YamuxPair.server] {
                if deliver(to: side, pieceMax: pieceMax) { isMoving = true }
                if let deadline = self[keyPath: side].machine.nextDeadline, deadline <= now {
                    feed(.deadlineReached, to: side)
                    isMoving = true
                }
            }
        }
    }

    @discardableResult
    mutating func deliver(to side: WritableKeyPath<YamuxPair, End>, pieceMax: Int = .max) -> Bool {
        guard !self[keyPath: side].incoming.isEmpty else { return false }
        let piece = Array(self[keyPath: side].incoming.prefix(pieceMax))
        self[keyPath: side].incoming.removeFirst(piece.count)
        feed(.received(piece), to: side)
        return true
    }

    /// Lets time pass, from deadline to deadline.
    mutating func pass(_ duration: Duration) {
        let target = now.advanced(by: duration)
        settle()
        while let next = earliest(client.machine.nextDeadline, server.machine.nextDeadline), next <= target {
            now = max(now, next)
            settle()
        }
        now = target
    }

    private mutating func sort(_ outputs: [Output], of side: WritableKeyPath<YamuxPair, End>) {
        let other = side == \YamuxPair.client ? \YamuxPair.server : \YamuxPair.client
        self[keyPath: side].machine.checkInvariants()
        precondition(outputs.count { if case .send = $0 { true } else { false } } <= 1, "a step sends once")
        for output in outputs {
            guard case .send(let bytes) = output else {
                self[keyPath: side].events.append(output)
                continue
            }
            self[keyPath: other].incoming += bytes
        }
        for case .data(let stream, let bytes) in outputs {
            self[keyPath: side].arrived[stream, default: []] += bytes
            if self[keyPath: side].consumesAtOnce { feed(.consumed(stream, bytes.count), to: side) }
        }
    }
}

/// A frame as a stranger writes it.
func frame(
    _ kind: UInt8,
    _ flags: UInt16 = 0,
    _ stream: UInt32 = 0,
    _ length: UInt32 = 0,
    _ payload: [UInt8] = [],
    version: UInt8 = 0
) -> [UInt8] {
    var bytes = [version, kind, UInt8(flags >> 8), UInt8(flags & 0xff)]
    for word in [stream, length] {
        for shift in stride(from: UInt32(24), through: 0, by: -8) { bytes.append(UInt8(word >> shift & 0xff)) }
    }
    return bytes + payload
}

func data(_ flags: UInt16 = 0, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
    frame(0, flags, stream, UInt32(payload.count), payload)
}

func windowUpdate(_ flags: UInt16 = 0, _ stream: UInt32, _ credit: UInt32 = 0) -> [UInt8] {
    frame(1, flags, stream, credit)
}

let (syn, ack, fin, rst) = (UInt16(1), UInt16(2), UInt16(4), UInt16(8))

/// A server that has been started and has asked its first ping, against which a test plays the client byte by byte.
struct LoneServer {
    var machine: YamuxMachine
    var now = Instant.zero

    init(config: YamuxConfig = YamuxConfig()) {
        machine = YamuxMachine(
            role: .server,
            config: config,
            random: SeededRandom(seed: Array(repeating: 7, count: 32))
        )
        _ = feed(.started)
    }

    mutating func feed(_ input: YamuxMachine.Input) -> [YamuxMachine.Output] {
        var outputs: [YamuxMachine.Output] = []
        machine.handle(input, at: now, into: &outputs)
        machine.checkInvariants()
        return outputs
    }

    mutating func receive(_ frames: [UInt8]...) -> [YamuxMachine.Output] {
        feed(.received(Array(frames.joined())))
    }
}

extension YamuxStreamID: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: UInt32) {
        self.init(rawValue: value)
    }
}
