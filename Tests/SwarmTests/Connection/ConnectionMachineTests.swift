import Cryptography
import Identity
import Multistream
import Noise
import Primitives
import Testing

@testable import Swarm

@Suite struct `Connection machine` {
    private var dialer: ConnectionMachine
    private var listener: ConnectionMachine
    private var dialerSaid: [ConnectionMachine.Output] = []
    private var listenerSaid: [ConnectionMachine.Output] = []
    /// Everything that the dialer sent, piece by piece.
    private var recording: [[UInt8]] = []

    init() {
        dialer = Self.machine(.outbound, 1, expecting: 2)
        listener = Self.machine(.inbound, 2)
    }

    private static func machine(
        _ direction: Direction,
        _ number: UInt8,
        expecting peer: UInt8? = nil,
        supported: [String] = ["/a/1", "/b/1"],
        _ change: (inout ConnectionConfig) -> Void = { _ in }
    ) -> ConnectionMachine {
        var config = ConnectionConfig()
        change(&config)
        return ConnectionMachine(
            direction: direction,
            config: config,
            staticKey: NoiseStaticKey(identity: TestPeer.key(number), secret: [UInt8](repeating: number, count: 32)),
            expectedPeer: peer.map(TestPeer.id),
            supported: supported,
            random: random(number + 50)
        )
    }

    private static func sent(_ outputs: [ConnectionMachine.Output]) -> [UInt8] {
        outputs.flatMap { output -> [UInt8] in if case .send(let bytes) = output { bytes } else { [] } }
    }

    /// Carries bytes to and fro until both are silent.
    private mutating func exchange(at now: Instant = .zero, toListener first: [ConnectionMachine.Output] = []) {
        var forth = Self.sent(first)
        while !forth.isEmpty {
            recording.append(forth)
            var answers: [ConnectionMachine.Output] = []
            listener.handle(.received(forth), at: now, into: &answers)
            listener.checkInvariants()
            listenerSaid += answers
            forth = []
            let back = Self.sent(answers)
            guard !back.isEmpty else { return }
            var more: [ConnectionMachine.Output] = []
            dialer.handle(.received(back), at: now, into: &more)
            dialer.checkInvariants()
            dialerSaid += more
            forth = Self.sent(more)
        }
    }

    private mutating func upgrade() {
        listener.handle(.started, at: .zero, into: &listenerSaid)
        var first: [ConnectionMachine.Output] = []
        dialer.handle(.started, at: .zero, into: &first)
        dialer.handle(.received(Self.sent(listenerSaid)), at: .zero, into: &first)
        dialerSaid += first
        exchange(toListener: first)
    }

    @Test mutating func `each side learns who the other is`() {
        upgrade()
        #expect(dialerSaid.contains(.upgraded(TestPeer.id(2))) && listenerSaid.contains(.upgraded(TestPeer.id(1))))
        #expect(dialer.isOpen && listener.isOpen)
    }

    @Test mutating func `an upgrade takes two messages of the dialer and one answer`() {
        var forth: [ConnectionMachine.Output] = []
        dialer.handle(.started, at: .zero, into: &forth)
        listener.handle(.started, at: .zero, into: &listenerSaid)
        let greeting = Self.sent(listenerSaid)
        var back: [ConnectionMachine.Output] = []
        listener.handle(.received(Self.sent(forth)), at: .zero, into: &back)
        forth = []
        dialer.handle(.received(greeting + Self.sent(back)), at: .zero, into: &forth)
        #expect(dialer.isOpen && !listener.isOpen)
        var last: [ConnectionMachine.Output] = []
        listener.handle(.received(Self.sent(forth)), at: .zero, into: &last)
        #expect(listener.isOpen)
    }

    @Test mutating func `a listener that knows only another security protocol is understood`() {
        var said: [ConnectionMachine.Output] = []
        dialer.handle(.started, at: .zero, into: &said)
        dialer.handle(.received(Self.word("/multistream/1.0.0") + Self.word("na")), at: .zero, into: &said)
        #expect(said.last == .ended(.security(.noCommonProtocol)))
    }

    private static func word(_ text: String) -> [UInt8] { [UInt8(text.utf8.count + 1)] + Array("\(text)\n".utf8) }

    @Test mutating func `what a connection holds is told whenever it changes, sent or not`() {
        upgrade()
        var (forth, held): ([ConnectionMachine.Output], [ConnectionMachine.Output]) = ([], [])
        _ = dialer.open(["/a/1"], isLazy: true, at: .zero, into: &forth)
        let frame = Self.sent(forth)
        listener.handle(.received(Array(frame.prefix(7))), at: .zero, into: &held)
        #expect(held == [.holds(7)])
        listener.handle(.received(Array(frame.dropFirst(7))), at: .zero, into: &held)
        #expect(held.contains(.holds(0)))
        // Behind a full socket nothing is sent, and all that is written is kept.
        (held, forth) = ([], [])
        dialer.handle(.transportCongested, at: .zero, into: &held)
        dialer.handle(.write(1, [UInt8](repeating: 1, count: 100_000)), at: .zero, into: &held)
        dialer.handle(.write(1, [UInt8](repeating: 1, count: 50_000)), at: .zero, into: &held)
        #expect(held == [.holds(100_000), .holds(150_000)])
        dialer.handle(.transportDrained, at: .zero, into: &forth)
        #expect(forth.last == .holds(0))
    }

    @Test mutating func `a step sends one piece`() {
        upgrade()
        var said: [ConnectionMachine.Output] = []
        let opened = dialer.open(["/a/1"], isLazy: true, at: .zero, into: &said)
        #expect(opened == .success(1))
        #expect(said.count { if case .send = $0 { true } else { false } } == 1)
    }

    @Test mutating func `an upgrade that takes too long ends at its deadline and not before`() {
        var said: [ConnectionMachine.Output] = []
        listener.handle(.started, at: .zero, into: &said)
        #expect(listener.nextDeadline == seconds(15))
        listener.handle(.deadlineReached, at: seconds(14), into: &said)
        #expect(said.count == 1)
        listener.handle(.deadlineReached, at: seconds(15), into: &said)
        #expect(said.last == .ended(.upgradeTimedOut))
        #expect(listener.nextDeadline == nil)
        listener.handle(.received([1]), at: seconds(16), into: &said)
        #expect(said.count == 2, "nothing follows the end")
    }

    @Test mutating func `a stream whose protocol nobody confirms is reset after ten seconds`() {
        upgrade()
        var said: [ConnectionMachine.Output] = []
        let opened = dialer.open(["/a/1"], isLazy: false, at: .zero, into: &said)
        #expect(opened == .success(1))
        #expect(dialer.nextDeadline == seconds(10))
        said = []
        dialer.handle(.deadlineReached, at: seconds(10), into: &said)
        #expect(said.first == .streamEnded(1, .failed(.timedOut)))
        #expect(dialer.streams.isEmpty)
        dialer.checkInvariants()
    }

    @Test mutating func `step by step and lazily lead to the same stream`() {
        upgrade()
        for isLazy in [true, false] {
            (dialerSaid, listenerSaid) = ([], [])
            var said: [ConnectionMachine.Output] = []
            guard case .success(let stream) = dialer.open(["/b/1"], isLazy: isLazy, at: .zero, into: &said) else {
                Issue.record("no stream")
                return
            }
            if isLazy { dialer.handle(.write(stream, [7, 8]), at: .zero, into: &said) }
            exchange(toListener: said)
            #expect(listenerSaid.contains(.negotiated(stream, "/b/1")))
            #expect(listenerSaid.contains(.data(stream, [7, 8])) == isLazy)
            #expect(dialerSaid.contains(.negotiated(stream, "/b/1")) == !isLazy)
        }
    }

    @Test mutating func `reading stops for a peer that does not read, and goes on when it does`() {
        dialer = Self.machine(.outbound, 1) { $0.readWhileCongestedMax = 1000 }
        upgrade()
        var said: [ConnectionMachine.Output] = []
        dialer.handle(.transportCongested, at: .zero, into: &said)
        // A frame that is not complete: nothing but its length counts here.
        dialer.handle(.received([0xff, 0xff] + [UInt8](repeating: 0, count: 998)), at: .zero, into: &said)
        #expect(said == [.holds(1000)])
        dialer.handle(.received([0]), at: .zero, into: &said)
        #expect(said == [.holds(1000), .pauseReading, .holds(1001)])
        dialer.handle(.transportDrained, at: .zero, into: &said)
        #expect(said.contains(.resumeReading))
    }

    @Test mutating func `closing says go-away and is the end`() {
        upgrade()
        var said: [ConnectionMachine.Output] = []
        dialer.handle(.close, at: .zero, into: &said)
        guard case .send = said.first, case .ended = said.last else {
            Issue.record("\(said)")
            return
        }
        #expect(said.count == 2)
    }

    /// A replayed handshake works byte by byte; the same with one bit changed anywhere never does.
    @Test mutating func `a handshake with one changed bit upgrades nobody`() {
        upgrade()
        let bytes = Array(recording.joined().prefix(Self.handshakeByteCount))
        #expect(Self.replay(bytes))
        var random = random(4)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= UInt8(1 << random.below(8))
            #expect(!Self.replay(changed), "byte \(index)")
        }
    }

    /// Multistream header and `/noise`, then messages one and three with their lengths.
    private static let handshakeByteCount = 20 + 8 + 2 + 32 + 2 + 184

    private static func replay(_ bytes: [UInt8]) -> Bool {
        var listener = machine(.inbound, 2)
        var said: [ConnectionMachine.Output] = []
        listener.handle(.started, at: .zero, into: &said)
        for byte in bytes { listener.handle(.received([byte]), at: .zero, into: &said) }
        listener.checkInvariants()
        return said.contains(.upgraded(TestPeer.id(1)))
    }

    @Test(arguments: 1...20) mutating func `random bytes at any stage never trap`(seed: UInt8) {
        upgrade()
        var random = random(seed)
        let bytes = Array(recording.joined())
        for _ in 0..<30 {
            var listener = Self.machine(.inbound, 2)
            var said: [ConnectionMachine.Output] = []
            listener.handle(.started, at: .zero, into: &said)
            listener.handle(.received(Array(bytes.prefix(random.below(bytes.count + 1)))), at: .zero, into: &said)
            for _ in 0..<4 { listener.handle(.received(random.bytes(random.below(300))), at: .zero, into: &said) }
            listener.checkInvariants()
            #expect(said.count { if case .ended = $0 { true } else { false } } <= 1)
        }
    }
}
