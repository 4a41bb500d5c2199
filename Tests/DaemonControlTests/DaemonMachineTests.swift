import Gossipsub
import Identity
import OrderedCollections
import Primitives
import Sockets
import Swarm
import Testing

@testable import DaemonControl

@Suite struct `Daemon machine` {
    static let echo = "/echo/1.0.0"

    var pair = DaemonPair()

    private mutating func connect() throws {
        let answer = try pair.answer(
            to: .connect(pair.peer(1), [pair.address(1)], timeoutSeconds: 5),
            at: 0
        )
        #expect(answer == .ok)
    }

    /// A stream from a program of the first daemon to a handler of the second; both ends.
    private mutating func stream() throws -> (asker: LocalStreamID, handler: LocalStreamID) {
        try connect()
        #expect(try pair.answer(to: .handleStreams([Self.echo], at: .path("/handler"), .refuse), at: 1) == .ok)
        pair.advance(by: .milliseconds(200))
        let asker = pair.program(at: 0)
        pair.ask(.openStream(pair.peer(1), [Self.echo], timeoutSeconds: nil), of: asker, at: 0)
        let info = StreamInfo(peer: pair.peer(1), address: pair.address(1).bytes, protocolName: Self.echo)
        #expect(try pair.answers(to: asker, at: 0) == [.stream(info)])
        guard case .connect(let handler, .path("/handler")) = pair.takeLocal(1).last else {
            throw ControlError.malformed
        }
        pair.local(1, .connected(handler))
        let announced = try #require(try pair.frames(to: handler, at: 1).first)
        #expect(try StreamInfo(parsing: announced).peer == pair.peer(0))
        _ = pair.takeLocal(0)
        return (asker, handler)
    }

    // MARK: Requests

    @Test mutating func `tells who it is and where it listens`() throws {
        let expected = ControlResponse.PeerEntry(peer: pair.peer(0), addresses: [pair.address(0).bytes])
        #expect(try pair.answer(to: .identify, at: 0) == .identity(expected))
    }

    @Test mutating func `connects, lists and disconnects`() throws {
        try connect()
        let entry = ControlResponse.PeerEntry(peer: pair.peer(1), addresses: [pair.address(1).bytes])
        #expect(try pair.answer(to: .listPeers, at: 0) == .peers([entry]))
        #expect(try pair.answer(to: .disconnect(pair.peer(1)), at: 0) == .ok)
        #expect(try pair.answer(to: .listPeers, at: 0) == .ok, "an empty list has no field")
    }

    @Test mutating func `requests behind one that waits are answered after it, in order`() throws {
        let program = pair.program(at: 0)
        pair.ask(
            .connect(pair.peer(1), [pair.address(1)], timeoutSeconds: nil),
            .listTopics,
            .disconnect(pair.peer(1)),
            of: program,
            at: 0
        )
        #expect(try pair.answers(to: program, at: 0) == [.ok, .topics([]), .ok])
        #expect(pair.takeLocal(0) == [.pauseReading(program), .resumeReading(program)])
    }

    @Test mutating func `a dial that fails is an error, and the next request is heard`() throws {
        let program = pair.program(at: 0)
        let nobody = Multiaddr(endpoint: Endpoint(address: IPAddress(127, 0, 0, 1), port: 9))
        pair.ask(.connect(pair.peer(1), [nobody], timeoutSeconds: nil), .listTopics, of: program, at: 0)
        let answers = try pair.answers(to: program, at: 0)
        #expect(answers.count == 2)
        guard case .failed = answers.first else {
            Issue.record("\(answers)")
            return
        }
    }

    @Test mutating func `what is no request ends the program's connection`() throws {
        let program = pair.program(at: 0)
        pair.local(0, .received(program, LengthPrefixedFrames.framed([0xff, 0xff])))
        #expect(pair.takeLocal(0) == [.close(program)])
        pair.ask(.identify, of: program, at: 0)
        #expect(pair.bytes(to: program, at: 0) == [])
    }

    @Test(arguments: [(4, "the request has no parameters"), (9, "this daemon has no")])
    mutating func `requests that we cannot carry out are answered with an error`(kind: UInt64, reason: String) throws {
        var request = ProtobufWriter()
        request.requiredVarint(1, kind)
        let program = pair.program(at: 0)
        pair.local(0, .received(program, LengthPrefixedFrames.framed(request.bytes)))
        guard case .failed(let words) = try pair.answers(to: program, at: 0).first else {
            Issue.record("no answer")
            return
        }
        #expect(words.contains(reason))
    }

    @Test mutating func `tags add up and are taken away`() throws {
        for request: ControlRequest in [
            .tag(pair.peer(1), "a", weight: 3), .tag(pair.peer(1), "b", weight: -1), .untag(pair.peer(1), "a"), .trim,
        ] {
            #expect(try pair.answer(to: request, at: 0) == .ok)
        }
        try connect()
        #expect(pair.sides[0].machine.swarm.peers.first?.value == -1)
    }

    // MARK: Streams

    @Test mutating func `a stream carries bytes both ways, and each half ends by itself`() throws {
        let (asker, handler) = try stream()
        pair.local(0, .received(asker, [1, 2, 3]))
        #expect(pair.bytes(to: handler, at: 1) == [1, 2, 3])
        pair.local(0, .remoteClosedWrite(asker))
        #expect(pair.takeLocal(1) == [.closeWrite(handler)])
        pair.local(1, .received(handler, [4, 5]))
        #expect(pair.bytes(to: asker, at: 0) == [4, 5])
        pair.local(1, .remoteClosedWrite(handler))
        #expect(pair.takeLocal(0) == [.close(asker)])
        #expect(pair.takeLocal(1) == [.close(handler)])
        #expect(pair.sides.allSatisfy { $0.machine.pipes.isEmpty })
    }

    @Test mutating func `bytes behind the request for a stream belong to the stream`() throws {
        let (_, _) = try stream()
        let eager = pair.program(at: 0)
        let request = ControlRequest.openStream(pair.peer(1), [Self.echo], timeoutSeconds: nil)
        pair.local(0, .received(eager, LengthPrefixedFrames.framed(request.encoded) + [9, 9, 9]))
        guard case .connect(let handler, _) = pair.takeLocal(1).last else {
            Issue.record("no stream")
            return
        }
        #expect(pair.bytes(to: handler, at: 1).suffix(3) == [9, 9, 9])
    }

    @Test mutating func `handlers of one protocol take turns`() throws {
        for name in ["/a", "/b"] {
            #expect(try pair.answer(to: .handleStreams([Self.echo], at: .path(name), .takeTurns), at: 1) == .ok)
        }
        try connect()
        var taken: [LocalAddress] = []
        for _ in 0..<4 {
            let program = pair.program(at: 0)
            pair.ask(.openStream(pair.peer(1), [Self.echo], timeoutSeconds: nil), of: program, at: 0)
            for case .connect(_, let address) in pair.takeLocal(1) { taken.append(address) }
        }
        #expect(taken == [.path("/a"), .path("/b"), .path("/a"), .path("/b")])
    }

    @Test mutating func `a handler that is not there resets the stream, which closes the program's connection`() throws
    {
        #expect(try pair.answer(to: .handleStreams([Self.echo], at: .path("/gone"), .replace), at: 1) == .ok)
        try connect()
        let program = pair.program(at: 0)
        pair.ask(.openStream(pair.peer(1), [Self.echo], timeoutSeconds: nil), of: program, at: 0)
        guard case .connect(let handler, _) = pair.takeLocal(1).last else {
            Issue.record("no stream")
            return
        }
        pair.local(1, .connectFailed(handler, .refused))
        pair.local(0, .remoteClosedWrite(program))
        #expect(pair.takeLocal(0).last == .close(program))
    }

    @Test mutating func `who refuses a second handler says so, who replaces gets the streams`() throws {
        #expect(try pair.answer(to: .handleStreams([Self.echo], at: .path("/a"), .refuse), at: 1) == .ok)
        guard case .failed = try pair.answer(to: .handleStreams([Self.echo], at: .path("/b"), .refuse), at: 1) else {
            Issue.record("a second handler was taken")
            return
        }
        #expect(try pair.answer(to: .handleStreams([Self.echo], at: .path("/b"), .replace), at: 1) == .ok)
        #expect(pair.sides[1].machine.handlers[Self.echo]?.addresses == [.path("/b")])
        #expect(try pair.answer(to: .stopHandling([Self.echo], at: .path("/b")), at: 1) == .ok)
        #expect(pair.sides[1].machine.handlers.isEmpty)
    }

    @Test mutating func `a protocol that nobody speaks is an error`() throws {
        try connect()
        let answer = try pair.answer(to: .openStream(pair.peer(1), ["/none"], timeoutSeconds: nil), at: 0)
        guard case .failed = answer else {
            Issue.record("\(answer)")
            return
        }
    }

    @Test mutating func `a program that does not read gets no more than a window`() throws {
        let (asker, handler) = try stream()
        pair.local(0, .congested(asker))
        for _ in 0..<64 { pair.local(1, .received(handler, [UInt8](repeating: 7, count: 16 << 10))) }
        #expect(pair.bytes(to: asker, at: 0).count <= 256 << 10)
        #expect(pair.takeLocal(1).contains(.pauseReading(handler)))
        pair.local(0, .drained(asker))
        #expect(pair.bytes(to: asker, at: 0).count > 0)
    }

    @Test mutating func `a stream whose program has gone ends behind what it wrote`() throws {
        let (asker, handler) = try stream()
        pair.local(0, .received(asker, [1, 2, 3]))
        pair.local(0, .ended(asker))
        #expect(pair.bytes(to: handler, at: 1) == [1, 2, 3])
        #expect(pair.takeLocal(1) == [.closeWrite(handler)])
        pair.local(1, .received(handler, [UInt8](repeating: 1, count: 200 << 10)))
        pair.local(1, .remoteClosedWrite(handler))
        #expect(pair.sides[0].machine.orphans.isEmpty)
    }

    @Test mutating func `a stream whose program has gone is reset if the peer goes on and on`() throws {
        let (asker, handler) = try stream()
        pair.local(0, .ended(asker))
        for _ in 0..<80 { pair.local(1, .received(handler, [UInt8](repeating: 1, count: 16 << 10))) }
        #expect(pair.takeLocal(1).last == .close(handler))
        #expect(pair.sides[0].machine.orphans.isEmpty)
    }

    // MARK: Topics

    @Test mutating func `a message reaches subscribers here and there, with its author and number`() throws {
        let (here, there) = (pair.program(at: 0), pair.program(at: 1))
        pair.ask(.subscribe("news"), of: here, at: 0)
        pair.ask(.subscribe("news"), of: there, at: 1)
        #expect(try pair.answers(to: here, at: 0) == [.ok])
        #expect(try pair.answers(to: there, at: 1) == [.ok])
        try connect()
        pair.advance(by: .seconds(3))
        #expect(try pair.answer(to: .listTopics, at: 0) == .topics(["news"]))
        #expect(try pair.answer(to: .listSubscribers("news"), at: 0) == .subscribers([pair.peer(1)]))
        #expect(try pair.answer(to: .publish("news", [1, 2, 3]), at: 0) == .ok)
        let expected = TopicMessage(
            author: pair.peer(0).bytes,
            data: [1, 2, 3],
            sequence: [0, 0, 0, 0, 0, 0, 0, 2],
            topic: "news"
        )
        #expect(try pair.frames(to: here, at: 0).map { try TopicMessage(parsing: $0) } == [expected])
        #expect(try pair.frames(to: there, at: 1).map { try TopicMessage(parsing: $0) } == [expected])
    }

    @Test mutating func `the last subscriber takes the topic with it`() throws {
        let (first, second) = (pair.program(at: 0), pair.program(at: 0))
        pair.ask(.subscribe("news"), of: first, at: 0)
        pair.ask(.subscribe("news"), of: second, at: 0)
        pair.local(0, .ended(first))
        #expect(try pair.answer(to: .listTopics, at: 0) == .topics(["news"]))
        pair.local(0, .remoteClosedWrite(second))
        #expect(pair.takeLocal(0) == [.close(second)])
        #expect(pair.sides[0].machine.subscribers.isEmpty)
        #expect(pair.sides[0].machine.gossip?.joinedTopics == [])
    }

    @Test mutating func `a subscriber that does not read loses messages, and nobody else does`() throws {
        let (slow, quick) = (pair.program(at: 0), pair.program(at: 0))
        for program in [slow, quick] { pair.ask(.subscribe("news"), of: program, at: 0) }
        pair.local(0, .congested(slow))
        _ = (pair.bytes(to: slow, at: 0), pair.bytes(to: quick, at: 0))
        #expect(try pair.answer(to: .publish("news", [1]), at: 0) == .ok)
        #expect(try pair.frames(to: slow, at: 0).isEmpty)
        #expect(try pair.frames(to: quick, at: 0).count == 1)
    }

    @Test mutating func `without pubsub its requests are errors`() throws {
        pair = DaemonPair(gossip: false)
        #expect(try pair.answer(to: .publish("news", [1]), at: 0) == .failed("PubSub not enabled"))
    }

    @Test mutating func `a message beyond a mebibyte is refused`() throws {
        let answer = try pair.answer(to: .publish("news", [UInt8](repeating: 0, count: 1 << 20)), at: 0)
        #expect(answer == .failed("the message is too long"))
    }

    // MARK: Time and the end

    @Test mutating func `a request that nobody answers ends with its time`() throws {
        pair = DaemonPair { $0.swarm.identify.timeout = .seconds(300) }
        let program = pair.program(at: 0)
        // A port at which the other daemon does not listen and nothing refuses would hang; a peer without addresses does at once.
        pair.ask(.connect(pair.peer(1), [], timeoutSeconds: 2), of: program, at: 0)
        guard case .failed = try pair.answers(to: program, at: 0).first else {
            Issue.record("no answer")
            return
        }
    }

    @Test mutating func `a program that leaves takes its request with it`() throws {
        let program = pair.program(at: 0)
        pair.ask(.openStream(pair.peer(1), [Self.echo], timeoutSeconds: 2), of: program, at: 0)
        pair.local(0, .ended(program))
        #expect(pair.sides[0].machine.waiting.isEmpty)
        #expect(pair.sides[0].machine.streamRequests.isEmpty && pair.sides[0].machine.connectRequests.isEmpty)
    }

    @Test mutating func `shuts down in order`() throws {
        try connect()
        pair.feed(0, .shutdown)
        pair.run()
        pair.advance(by: .seconds(10))
        #expect(pair.sides[0].isStopped)
    }
}
