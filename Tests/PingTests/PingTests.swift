import Primitives
import Testing

@testable import Ping

private func seconds(_ count: Int) -> Instant { Instant.zero.advanced(by: .seconds(count)) }
private func random(_ seed: UInt8 = 1) -> SeededRandom { SeededRandom(seed: Array(repeating: seed, count: 32)) }

@Suite struct `Ping machine` {
    var machine = PingMachine(config: PingConfig(), random: random())

    private mutating func feed(_ input: PingMachine.Input, at now: Instant) -> [PingMachine.Output] {
        var outputs: [PingMachine.Output] = []
        machine.handle(input, at: now, into: &outputs)
        machine.checkInvariants()
        return outputs
    }

    /// The payload of the ping that must come.
    private mutating func ping(_ input: PingMachine.Input = .started, at now: Instant = .zero) throws -> [UInt8] {
        let outputs = feed(input, at: now)
        guard outputs.count == 1, case .send(let payload) = outputs[0] else {
            throw PingError.payloadLength(outputs.count)
        }
        #expect(payload.count == 32)
        return payload
    }

    @Test mutating func `an echo measures the round trip and the next ping follows after the interval`() throws {
        let payload = try ping()
        let now = Instant.zero.advanced(by: .milliseconds(30))
        #expect(feed(.received(payload), at: now) == [.measured(.milliseconds(30))])
        #expect(machine.nextDeadline == seconds(15))
        #expect(try ping(.deadlineReached, at: seconds(15)) != payload)
    }

    @Test mutating func `two silent timeouts end the connection`() throws {
        _ = try ping()
        var (outputs, deadlines): ([PingMachine.Output], [Instant]) = ([], [])
        while let deadline = machine.nextDeadline {
            deadlines.append(deadline)
            outputs += feed(.deadlineReached, at: deadline)
        }
        #expect(deadlines == [seconds(10), seconds(20)])
        #expect(outputs == [.disconnect(.unresponsive)])
    }

    @Test mutating func `a late echo still counts and forgives the miss`() throws {
        let first = try ping()
        #expect(feed(.deadlineReached, at: seconds(10)).isEmpty)
        #expect(feed(.received(first), at: seconds(19)) == [.measured(.seconds(19))])
        #expect(machine.nextDeadline == seconds(19), "the interval has passed already")
        _ = try ping(.deadlineReached, at: seconds(19))
        #expect(feed(.deadlineReached, at: seconds(29)).isEmpty)
    }

    @Test(arguments: 1...32)
    func `an echo may come in pieces`(_ pieceMax: Int) throws {
        var suite = `Ping machine`()
        let payload = try suite.ping()
        var outputs: [PingMachine.Output] = []
        for start in stride(from: 0, to: 32, by: pieceMax) {
            outputs += suite.feed(.received(Array(payload[start..<min(32, start + pieceMax)])), at: seconds(1))
        }
        #expect(outputs == [.measured(.seconds(1))])
    }

    @Test mutating func `other bytes, more bytes and unasked bytes are wrong echoes`() throws {
        var payload = try ping()
        payload[31] ^= 1
        #expect(feed(.received(payload), at: .zero) == [.disconnect(.wrongEcho)])
        #expect(feed(.received(payload), at: .zero).isEmpty && feed(.deadlineReached, at: seconds(99)).isEmpty)

        machine = PingMachine(config: PingConfig(), random: random())
        let doubled = try ping() + [0]
        #expect(feed(.received(doubled), at: .zero) == [.measured(.zero), .disconnect(.wrongEcho)])

        machine = PingMachine(config: PingConfig(), random: random())
        let answered = try ping()
        _ = feed(.received(answered), at: .zero)
        #expect(feed(.received([1]), at: .zero) == [.disconnect(.wrongEcho)])
    }

    @Test mutating func `an early timer has no effect`() throws {
        _ = try ping()
        #expect(feed(.deadlineReached, at: seconds(9)).isEmpty)
        #expect(machine.nextDeadline == seconds(10))
    }

    @Test func `a payload has 32 bytes`() {
        let short = [UInt8](repeating: 1, count: 31)
        #expect(throws: PingError.payloadLength(31)) { try PingPayload(parsing: short.span) }
    }
}

@Suite struct `Ping responder` {
    var responder = PingResponder(config: PingResponderConfig())

    init() {
        _ = feed(.started, at: .zero)
    }

    private mutating func feed(_ input: PingResponder.Input, at now: Instant) -> [PingResponder.Output] {
        var outputs: [PingResponder.Output] = []
        responder.handle(input, at: now, into: &outputs)
        responder.checkInvariants()
        return outputs
    }

    /// go-libp2p: 31 bytes get no answer.
    @Test mutating func `whole payloads are echoed and parts wait`() {
        let bytes = Array(UInt8(0)..<100)
        #expect(feed(.received(Array(bytes[..<31])), at: .zero).isEmpty)
        #expect(feed(.received(Array(bytes[31...])), at: .zero) == [.send(Array(bytes[..<96]))])
        #expect(
            feed(.received(Array(repeating: 7, count: 28)), at: .zero) == [
                .send(Array(96..<100) + Array(repeating: 7, count: 28))
            ]
        )
    }

    @Test mutating func `a flood is cut at the rate`() {
        let flood = [UInt8](repeating: 1, count: 32 * 1_025)
        #expect(feed(.received(flood), at: .zero) == [.send(Array(flood.dropLast(32))), .reset(.tooManyPings)])
        #expect(feed(.received(flood), at: .zero).isEmpty)
        #expect(responder.nextDeadline == nil)
    }

    @Test mutating func `a stream on which nobody pings is given up after a minute`() {
        #expect(feed(.received(Array(repeating: 1, count: 32)), at: seconds(59)).count == 1)
        #expect(feed(.deadlineReached, at: seconds(60)).isEmpty)
        #expect(feed(.received([1]), at: seconds(118)).isEmpty, "a part of a ping is none")
        #expect(feed(.deadlineReached, at: seconds(119)) == [.reset(.idle)])
    }

    /// Whatever arrives however split, what goes back is a prefix of it in whole payloads.
    @Test(arguments: UInt8(1)...20)
    func `echoes are what came, whole, in order`(_ seed: UInt8) {
        var suite = `Ping responder`()
        var random = random(seed)
        var (sent, echoed): ([UInt8], [UInt8]) = ([], [])
        for _ in 0..<40 {
            let bytes = random.bytes(random.below(100))
            sent += bytes
            for case .send(let echoes) in suite.feed(.received(bytes), at: .zero) { echoed += echoes }
            #expect(echoed.count == sent.count / 32 * 32)
        }
        #expect(echoed == Array(sent.prefix(echoed.count)))
    }
}
