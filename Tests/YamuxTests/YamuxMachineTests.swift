import Primitives
import Testing

@testable import Yamux

@Suite struct `Yamux machine` {
    var pair = YamuxPair()

    /// The first frame is the question for the round trip, as go sends it.
    @Test func `a session starts with a ping`() throws {
        var machine = YamuxMachine(
            role: .client,
            config: YamuxConfig(),
            random: SeededRandom(seed: Array(repeating: 1, count: 32))
        )
        var outputs: [YamuxMachine.Output] = []
        #expect(machine.nextDeadline == nil)
        machine.handle(.started, at: .zero, into: &outputs)
        guard case .send(let bytes) = try #require(outputs.first) else {
            Issue.record("the first output is no frame")
            return
        }
        #expect(Array(bytes.prefix(8)) == [0, 2, 0, 1, 0, 0, 0, 0])
        #expect(bytes.count == 12 && outputs.count == 1)
        #expect(machine.nextDeadline == Instant.zero.advanced(by: .seconds(10)))
    }

    @Test mutating func `opening, writing, closing and resetting send exactly these frames`() throws {
        let stream = try pair.open(\.client).get()
        #expect(pair.server.incoming == windowUpdate(syn, 1))
        pair.feed(.write(stream, [7, 8, 9]), to: \.client)
        #expect(pair.server.incoming == windowUpdate(syn, 1) + data(0, 1, [7, 8, 9]))
        pair.deliver(to: \.server)
        #expect(pair.client.incoming == windowUpdate(ack, 1))
        #expect(pair.server.events == [.opened(1), .data(1, [7, 8, 9])])
        pair.deliver(to: \.client)
        #expect(pair.client.events == [.acknowledged(1)])
        pair.feed(.closeWrite(stream), to: \.client)
        #expect(pair.server.incoming == windowUpdate(fin, 1))
        pair.deliver(to: \.server)
        #expect(pair.server.events.last == .remoteClosedWrite(1))
        pair.feed(.reset(stream), to: \.server)
        #expect(pair.client.incoming == windowUpdate(rst, 1))
        pair.deliver(to: \.client)
        #expect(pair.client.events.last == .resetByRemote(1))
        #expect(pair.client.machine.streamCount == 0 && pair.server.machine.streamCount == 0)
    }

    @Test mutating func `each side numbers its streams with its own parity`() throws {
        let opened = try [pair.open(\.client).get(), pair.open(\.client).get()]
        let other = try [pair.open(\.server).get(), pair.open(\.server).get()]
        #expect(opened == [1, 3] && other == [2, 4])
    }

    @Test mutating func `a half-closed stream goes on in the other direction`() throws {
        let stream = try pair.open(\.client).get()
        pair.feed(.closeWrite(stream), to: \.client)
        pair.settle()
        pair.feed(.write(stream, [1, 2]), to: \.server)
        pair.settle()
        #expect(pair.client.arrived[stream] == [1, 2])
        #expect(pair.client.machine.streamCount == 1 && pair.server.machine.streamCount == 1)
        pair.feed(.closeWrite(stream), to: \.server)
        pair.settle()
        #expect(pair.client.events.last == .remoteClosedWrite(stream))
        #expect(pair.client.machine.streamCount == 0 && pair.server.machine.streamCount == 0)
    }

    @Test mutating func `a closed stream stays until its bytes are consumed`() throws {
        pair.server.consumesAtOnce = false
        let stream = try pair.open(\.client).get()
        pair.feed(.write(stream, [1, 2, 3]), to: \.client)
        pair.feed(.closeWrite(stream), to: \.client)
        pair.settle()
        pair.feed(.closeWrite(stream), to: \.server)
        #expect(pair.server.machine.streamCount == 1 && pair.server.machine.unreadByteCount == 3)
        pair.feed(.consumed(stream, 3), to: \.server)
        #expect(pair.server.machine.streamCount == 0 && pair.server.machine.unreadByteCount == 0)
    }

    @Test mutating func `a reader that stops exhausts the window and one that resumes frees it`() throws {
        pair.server.consumesAtOnce = false
        let stream = try pair.open(\.client).get()
        let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        pair.feed(.write(stream, bytes), to: \.client)
        pair.settle()
        #expect(pair.server.machine.unreadByteCount == YamuxConfig.initialWindowByteCount)
        #expect(pair.client.machine.queuedByteCount == bytes.count - YamuxConfig.initialWindowByteCount)
        #expect(pair.client.events.contains(.congested(stream)))

        pair.feed(.consumed(stream, YamuxConfig.initialWindowByteCount / 2 - 1), to: \.server)
        #expect(pair.client.incoming.isEmpty, "less than half of the window earns no credit")
        pair.feed(.consumed(stream, 1), to: \.server)
        #expect(pair.client.incoming == windowUpdate(0, 1, 131_072))

        pair.server.consumesAtOnce = true
        pair.feed(.consumed(stream, pair.server.machine.unreadByteCount), to: \.server)
        pair.settle()
        #expect(pair.server.arrived[stream] == bytes)
        #expect(pair.client.machine.queuedByteCount == 0)
        #expect(pair.client.events.last == .drained(stream))
    }

    @Test mutating func `streams with queued bytes take turns of one frame`() throws {
        pair.feed(.transportCongested, to: \.client)
        let streams = try [pair.open(\.client).get(), pair.open(\.client).get(), pair.open(\.client).get()]
        for stream in streams { pair.feed(.write(stream, Array(repeating: 5, count: 80_000)), to: \.client) }
        #expect(pair.server.incoming.isEmpty, "a full socket gets nothing")
        pair.feed(.transportDrained, to: \.client)
        // In pieces: what arrives at once is told once for each stream.
        while pair.deliver(to: \.server, pieceMax: 16_384) {}
        pair.settle()
        var order: [YamuxStreamID] = []
        for case .data(let stream, _) in pair.server.events where order.last != stream { order.append(stream) }
        #expect(order == [1, 3, 5, 1, 3, 5])
    }

    @Test mutating func `one step writes no more than its budget and asks to be called again at once`() throws {
        let streams = try (0..<8).map { _ in try pair.open(\.client).get() }
        pair.settle()
        pair.feed(.transportCongested, to: \.client)
        for stream in streams { pair.feed(.write(stream, Array(repeating: 1, count: 64 << 10)), to: \.client) }
        pair.feed(.transportDrained, to: \.client)
        #expect(pair.server.incoming.count == 4 * (12 + 64 << 10))
        #expect(pair.client.machine.nextDeadline == pair.now)
        pair.feed(.deadlineReached, to: \.client)
        #expect(pair.client.machine.queuedByteCount == 0)
    }

    @Test mutating func `a stream that is written beyond its buffer is reset and says so`() throws {
        let stream = try pair.open(\.client).get()
        pair.feed(.transportCongested, to: \.client)
        pair.feed(.write(stream, Array(repeating: 1, count: 1 << 20)), to: \.client)
        #expect(pair.client.events == [.congested(stream)])
        pair.feed(.write(stream, [1]), to: \.client)
        #expect(pair.client.events.last == .resetLocally(stream, .sendBufferFull))
        #expect(pair.client.machine.queuedByteCount == 0)
        pair.feed(.transportDrained, to: \.client)
        pair.settle()
        #expect(pair.server.events == [.opened(stream), .resetByRemote(stream)])
    }

    @Test mutating func `all send buffers together are bounded`() throws {
        pair.feed(.transportCongested, to: \.client)
        let streams = try (0..<5).map { _ in try pair.open(\.client).get() }
        for stream in streams { pair.feed(.write(stream, Array(repeating: 1, count: 1 << 20)), to: \.client) }
        #expect(pair.client.events.last == .resetLocally(streams[4], .sendBufferFull))
        #expect(pair.client.machine.queuedByteCount == 4 << 20)
    }

    @Test mutating func `inputs about streams that are gone have no effect`() throws {
        let stream = try pair.open(\.client).get()
        pair.feed(.reset(stream), to: \.client)
        pair.settle()
        let (clientEvents, serverEvents) = (pair.client.events, pair.server.events)
        for side in [\YamuxPair.client, \YamuxPair.server] {
            pair.feed(.write(stream, [1]), to: side)
            pair.feed(.consumed(stream, 5), to: side)
            pair.feed(.closeWrite(stream), to: side)
            pair.feed(.reset(stream), to: side)
        }
        #expect(pair.client.incoming.isEmpty && pair.server.incoming.isEmpty)
        #expect(pair.client.events == clientEvents && pair.server.events == serverEvents)
    }

    @Test mutating func `a go-away lets open streams finish and then ends both sides`() throws {
        let stream = try pair.open(\.client).get()
        pair.settle()
        pair.feed(.goAway, to: \.server)
        #expect(pair.client.incoming == frame(3))
        pair.settle()
        let refused = [pair.open(\.client), pair.open(\.server)]
        #expect(refused == [.failure(.goingAway), .failure(.goingAway)])
        pair.feed(.write(stream, [4]), to: \.client)
        for side in [\YamuxPair.client, \YamuxPair.server] { pair.feed(.closeWrite(stream), to: side) }
        pair.settle()
        #expect(pair.server.arrived[stream] == [4])
        #expect(pair.server.end == .goneAway)
        #expect(pair.client.end == .remoteGoAway(.normal))
        #expect(pair.client.machine.nextDeadline == nil)
        #expect(pair.open(\.client) == .failure(.ended))
    }

    @Test mutating func `a peer that stays silent after a ping ends the session ten seconds later`() {
        pair.pass(.seconds(29))
        #expect(pair.client.end == nil)
        var outputs: [YamuxMachine.Output] = []
        var deadlines: [Instant] = []
        while let deadline = pair.client.machine.nextDeadline {
            deadlines.append(deadline)
            pair.client.machine.handle(.deadlineReached, at: deadline, into: &outputs)
        }
        #expect(deadlines == [30, 40].map { Instant.zero.advanced(by: .seconds($0)) })
        #expect(outputs.last == .ended(.keepaliveTimeout))
        #expect(outputs.dropLast().last == .send(frame(3, 0, 0, 2)))
    }

    @Test mutating func `a peer that answers lives on and its distance is known`() {
        pair.pass(.seconds(600))
        #expect(pair.client.end == nil && pair.server.end == nil)
        #expect(pair.client.events == Array(repeating: .roundTrip(.zero), count: 20))
        pair.now = pair.now.advanced(by: .seconds(30))
        pair.feed(.deadlineReached, to: \.client)
        pair.now = pair.now.advanced(by: .milliseconds(40))
        pair.settle()
        #expect(pair.client.events.last == .roundTrip(.milliseconds(40)))
    }

    @Test mutating func `more than the backlog of unacknowledged streams is refused`() {
        var config = YamuxConfig()
        config.inboundStreamCountMax = 300
        pair = YamuxPair(config: config)
        let opened = (0..<257).map { _ in pair.open(\.client) }
        #expect(opened.dropLast().allSatisfy { (try? $0.get()) != nil })
        #expect(opened.last == .failure(.backlogFull))
        pair.settle()
        #expect(pair.client.machine.unacknowledgedStreamCount == 0)
        #expect((try? pair.open(\.client).get()) != nil)
    }

    @Test mutating func `too many streams of ours are refused`() {
        var config = YamuxConfig()
        config.outboundStreamCountMax = 3
        pair = YamuxPair(config: config)
        let opened = (0..<4).map { _ in pair.open(\.client) }
        #expect(opened.last == .failure(.tooManyStreams))
    }

    @Test mutating func `the last id is used and then none is left`() throws {
        pair.client.machine.nextOutbound = UInt32.max
        #expect(try pair.open(\.client).get().rawValue == .max)
        #expect(pair.open(\.client) == .failure(.identifiersExhausted))
    }

    @Test mutating func `a full socket keeps half of its queue for answers`() {
        pair.feed(.transportCongested, to: \.client)
        let opened = (0..<129).map { _ in pair.open(\.client) }
        #expect(opened.last == .failure(.congested))
        #expect((try? opened[127].get()) != nil)
    }

    /// A million events would otherwise stand for a million frames of one byte.
    @Test mutating func `small frames of one stream become one piece of data`() throws {
        var server = LoneServer()
        let outputs = server.receive(windowUpdate(syn, 1), data(0, 1, [1]), data(0, 1, [2]), data(fin, 1, [3]))
        #expect(outputs == [.opened(1), .data(1, [1, 2, 3]), .remoteClosedWrite(1), .send(windowUpdate(ack, 1))])
    }

    @Test mutating func `payload is delivered as it arrives`() throws {
        var server = LoneServer()
        let bytes = data(syn, 1, [1, 2, 3, 4])
        #expect(
            server.feed(.received(Array(bytes[..<14]))) == [.opened(1), .data(1, [1, 2]), .send(windowUpdate(ack, 1))]
        )
        #expect(server.feed(.received(Array(bytes[14...]))) == [.data(1, [3, 4])])
    }
}
