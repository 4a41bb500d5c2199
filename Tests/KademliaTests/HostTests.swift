import Identity
import Kademlia
import Primitives
import Swarm
import Testing

@Suite struct `Kademlia on streams` {
    static let protocolName = "/rialto/kad/1.0.0"

    /// A host whose swarm is the test.
    final class World {
        var host: KademliaHost
        var now = Instant.zero

        init(_ config: KademliaConfig = KademliaConfig()) {
            let machine = KademliaMachine(
                own: peerID(0),
                config: config,
                validator: RankedValues(),
                random: SeededRandom(seed: seed(1))
            )
            host = KademliaHost(
                machine: machine,
                protocolName: `Kademlia on streams`.protocolName,
                requestIDs: 1_000...9_999
            )
            _ = feed(.clock(unixMilliseconds: 0))
            _ = feed(.swarm(.addressesChanged(peer(0).addresses)))
        }

        func feed(_ input: KademliaHost.Input) -> [KademliaHost.Output] {
            var outputs: [KademliaHost.Output] = []
            host.handle(input, at: now, into: &outputs)
            host.checkInvariants()
            return outputs
        }

        func connect(_ number: Int) {
            let end = { (number: Int) in Endpoint(address: host(number), port: 4001) }
            let info = ConnectionInfo(
                id: ConnectionID(rawValue: UInt64(number)),
                peer: peerID(number),
                direction: .inbound,
                local: end(0),
                remote: end(number),
                openedAt: now
            )
            _ = feed(.swarm(.connected(peerID(number), info)))

            func host(_ number: Int) -> IPAddress { KademliaTests.host(number) }
        }

        func identify(_ number: Int, protocols: [String]) -> [KademliaHost.Output] {
            let description = PeerDescription(
                protocolVersion: "",
                agentVersion: "",
                protocols: protocols,
                listenAddresses: peer(number).addresses,
                observedAddress: nil,
                signedPeerRecord: nil
            )
            return feed(.swarm(.identified(peerID(number), description)))
        }

        func ask(_ message: KademliaMessage, on stream: StreamHandle) -> [KademliaHost.Output] {
            feed(.swarm(.data(stream, LengthPrefixedFrames.framed(message.encoded))))
        }
    }

    static func stream(_ number: Int, _ stream: UInt32 = 1) -> StreamHandle {
        StreamHandle(connection: ConnectionID(rawValue: UInt64(number)), stream: stream)
    }

    /// The swarm's inputs in words, so that a whole step can be compared.
    static func words(_ outputs: [KademliaHost.Output]) -> [String] {
        outputs.map { output in
            switch output {
            case .swarm(.connect(let request, let peer, let addresses)):
                "connect \(request.rawValue) \(peer.map { $0 == peerID(1) } ?? false) \(addresses.count)"
            case .swarm(.learned(let peer, let addresses, from: nil)):
                "learned \(peer == peerID(1)) \(addresses.count)"
            case .swarm(.cancelConnect(let request)): "give up \(request.rawValue)"
            case .swarm(.openStream(let request, _, let names)): "open \(request.rawValue) \(names)"
            case .swarm(.write(let stream, _)): "write \(stream.stream)"
            case .swarm(.closeWrite(let stream)): "close \(stream.stream)"
            case .swarm(.reset(let stream)): "reset \(stream.stream)"
            case .swarm(.consumed(let stream, _, let kept)):
                "consumed \(stream.stream)\(kept > 0 ? ", keeps \(kept)" : "")"
            case .swarm(let other): "\(other)"
            case .finished(_, let result): "\(result)"
            case .searched: "searched"
            case .peerAdded: "added"
            case .peerRemoved: "removed"
            }
        }
    }

    @Test func `a seed is dialled, asked on a stream of its own, and enters the table by answering`() {
        var config = KademliaConfig()
        config.seeds = [peer(1)]
        let world = World(config)
        #expect(Self.words(world.feed(.started)) == ["learned true 1", "connect 1000 true 1"], "named by the settings")
        world.connect(1)
        let opened = world.feed(.swarm(.connectAnswered(ConnectRequestID(rawValue: 1_000), .success(peerID(1)))))
        #expect(Self.words(opened) == ["open 1000 [\"/rialto/kad/1.0.0\"]"])
        let stream = Self.stream(1)
        let written = world.feed(.swarm(.streamOpened(StreamRequestID(rawValue: 1_000), stream, Self.protocolName)))
        #expect(Self.words(written) == ["write 1", "close 1"])
        let answer = LengthPrefixedFrames.framed(KademliaMessage(kind: .findNode, closerPeers: [peer(1)]).encoded)
        #expect(Self.words(world.feed(.swarm(.data(stream, Array(answer.prefix(9)))))) == ["consumed 1, keeps 9"])
        let rest = world.feed(.swarm(.data(stream, Array(answer.dropFirst(9)))))
        #expect(Self.words(rest) == ["consumed 1", "added"])
        #expect(world.host.owns(stream))
        #expect(world.feed(.swarm(.remoteClosedWrite(stream))).isEmpty)
        #expect(!world.host.owns(stream))
    }

    @Test func `a peer that never closes its stream is made to`() {
        let world = World()
        world.connect(1)
        #expect(Self.words(world.identify(1, protocols: [Self.protocolName])) == ["open 1000 [\"/rialto/kad/1.0.0\"]"])
        let stream = Self.stream(1)
        _ = world.feed(.swarm(.streamOpened(StreamRequestID(rawValue: 1_000), stream, Self.protocolName)))
        _ = world.ask(KademliaMessage(kind: .findNode, closerPeers: [peer(1)]), on: stream)
        world.now = .zero.advanced(by: .seconds(10))
        #expect(Self.words(world.feed(.deadlineReached)).contains("reset 1"))
        #expect(!world.host.owns(stream))
    }

    @Test func `a refused dial, stream or answer is a failed request`() {
        let failures: [(World) -> Void] = [
            { _ = $0.feed(.swarm(.streamFailed(StreamRequestID(rawValue: 1_000), .notConnected))) },
            { _ = $0.feed(.swarm(.disconnected(peerID(1), .requested))) },
            { world in
                _ = world.feed(
                    .swarm(.streamOpened(StreamRequestID(rawValue: 1_000), Self.stream(1), Self.protocolName))
                )
                _ = world.feed(.swarm(.streamReset(Self.stream(1))))
            },
            { world in
                _ = world.feed(
                    .swarm(.streamOpened(StreamRequestID(rawValue: 1_000), Self.stream(1), Self.protocolName))
                )
                // A length of 65,537.
                let outputs = world.feed(.swarm(.data(Self.stream(1), [0x81, 0x80, 0x04])))
                #expect(Self.words(outputs) == ["reset 1"])
            },
        ]
        for fail in failures {
            let world = World()
            world.connect(1)
            _ = world.identify(1, protocols: [Self.protocolName])
            #expect(world.host.machine.nextDeadline != nil)
            fail(world)
            #expect(world.host.machine.nextDeadline == nil)
            #expect(world.host.machine.tableCount == 0)
            #expect(!world.host.owns(Self.stream(1)))
        }
    }

    @Test(arguments: [(ConnectFailure.queueFull, 1), (.backoff, 1), (.banned, 1), (.timedOut, 0)])
    func `a dial that we did not do says nothing of the peer`(failure: ConnectFailure, tableCount: Int) {
        let world = World()
        world.connect(1)
        _ = world.identify(1, protocols: [Self.protocolName])
        _ = world.feed(.swarm(.streamOpened(StreamRequestID(rawValue: 1_000), Self.stream(1), Self.protocolName)))
        _ = world.ask(KademliaMessage(kind: .findNode, closerPeers: [peer(1)]), on: Self.stream(1))
        _ = world.feed(.swarm(.disconnected(peerID(1), .requested)))
        var (dialCount, results): (Int, [String]) = (0, [])
        for number in UInt64(0)..<2 {
            world.now = world.now.advanced(by: .seconds(10))
            var outputs = world.feed(.command(KademliaCommandID(rawValue: number), .closestPeers([1])))
            for case .swarm(.connect(let request, _, _)) in outputs {
                dialCount += 1
                outputs += world.feed(.swarm(.connectAnswered(request, .failure(failure))))
            }
            for case .finished(_, let result) in outputs { results.append("\(result)") }
        }
        #expect(dialCount == 2 && results == ["closest([])", "closest([])"])
        #expect(world.host.machine.tableCount == tableCount)
    }

    @Test func `one stream may carry several requests, and an announcement gets no answer`() {
        let world = World()
        world.connect(2)
        let stream = Self.stream(2)
        #expect(world.feed(.swarm(.inboundStream(stream, peerID(2), Self.protocolName))).isEmpty)
        let ping = KademliaMessage(kind: .ping)
        #expect(Self.words(world.ask(ping, on: stream)) == ["write 1", "consumed 1"])
        let add = KademliaMessage(kind: .addProvider, key: [1], providerPeers: [peer(2)])
        #expect(Self.words(world.ask(add, on: stream)) == ["consumed 1"])
        let two = LengthPrefixedFrames.framed(ping.encoded) + LengthPrefixedFrames.framed(ping.encoded)
        #expect(Self.words(world.feed(.swarm(.data(stream, two)))) == ["write 1", "write 1", "consumed 1"])
        #expect(Self.words(world.feed(.swarm(.remoteClosedWrite(stream)))) == ["close 1"])
        #expect(!world.host.owns(stream))
        #expect(world.host.machine.heldRecordCount == 1)
    }

    @Test func `what is no request ends its stream`() {
        for bytes: [UInt8] in [[0x81, 0x80, 0x04], [2, 0x08, 9], [0]] {
            let world = World()
            world.connect(2)
            let stream = Self.stream(2)
            _ = world.feed(.swarm(.inboundStream(stream, peerID(2), Self.protocolName)))
            #expect(Self.words(world.feed(.swarm(.data(stream, bytes)))) == ["reset 1"])
            #expect(!world.host.owns(stream))
        }
    }

    @Test func `a request that trickles has ten seconds, a resting stream thirty`() {
        let world = World()
        world.connect(2)
        let (trickling, resting) = (Self.stream(2, 1), Self.stream(2, 3))
        for stream in [trickling, resting] {
            _ = world.feed(.swarm(.inboundStream(stream, peerID(2), Self.protocolName)))
            _ = world.ask(KademliaMessage(kind: .ping), on: stream)
        }
        for second in 1...9 {
            world.now = .zero.advanced(by: .seconds(second))
            _ = world.feed(.swarm(.data(trickling, [second == 1 ? 100 : 0])))
        }
        world.now = .zero.advanced(by: .seconds(11))
        #expect(Self.words(world.feed(.deadlineReached)) == ["reset 1"])
        world.now = .zero.advanced(by: .seconds(30))
        #expect(Self.words(world.feed(.deadlineReached)) == ["reset 3"])
    }

    @Test func `streams of one peer and of all have their limits`() {
        let world = World()
        var refusedCount = 0
        for number in 1...30 {
            world.connect(number)
            for stream in 0..<20 {
                let handle = Self.stream(number, UInt32(stream))
                let outputs = world.feed(.swarm(.inboundStream(handle, peerID(number), Self.protocolName)))
                refusedCount += outputs.count
            }
        }
        #expect(refusedCount == 600 - 256)
        #expect(!world.host.owns(Self.stream(1, 16)))
        _ = world.feed(.swarm(.disconnected(peerID(1), .requested)))
        #expect(!world.host.owns(Self.stream(1, 0)))
    }

    @Test func `S-32, a client resets what is opened to it, and is no server to others`() {
        var config = KademliaConfig()
        config.mode = .client
        let world = World(config)
        world.connect(2)
        let opened = world.feed(.swarm(.inboundStream(Self.stream(2), peerID(2), Self.protocolName)))
        #expect(Self.words(opened) == ["reset 1"])
        #expect(Self.words(world.identify(2, protocols: ["/ipfs/ping/1.0.0"])) == [])
    }

    /// A world with one stream of another peer, on which it asks so many questions at once.
    private static func asked(_ count: Int) -> (world: World, outputs: [String]) {
        let world = World()
        world.connect(2)
        _ = world.feed(.swarm(.inboundStream(stream(2), peerID(2), protocolName)))
        return (world, words(world.feed(.swarm(.data(stream(2), pings(count))))))
    }

    private static func pings(_ count: Int) -> [UInt8] {
        (0..<count).flatMap { _ in LengthPrefixedFrames.framed(KademliaMessage(kind: .ping).encoded) }
    }

    @Test func `of many questions in one packet four are answered in a step, and the stream is closed behind the last`()
    {
        let (world, outputs) = Self.asked(10)
        let four = ["write 1", "write 1", "write 1", "write 1"]
        #expect(outputs == four + ["consumed 1, keeps \(Self.pings(6).count)"])
        #expect(world.feed(.swarm(.remoteClosedWrite(Self.stream(2)))).isEmpty)
        #expect(world.host.nextDeadline == world.now)
        #expect(Self.words(world.feed(.deadlineReached)) == four + ["consumed 1, keeps \(Self.pings(2).count)"])
        #expect(Self.words(world.feed(.deadlineReached)) == ["write 1", "write 1", "consumed 1", "close 1"])
        #expect(!world.host.owns(Self.stream(2)))
    }

    @Test func `whoever does not take our answers gets no more until it does`() {
        let (world, _) = Self.asked(6)
        _ = world.feed(.swarm(.streamCongested(Self.stream(2))))
        #expect(world.host.nextDeadline == .zero.advanced(by: .seconds(10)))
        let more = world.feed(.swarm(.data(Self.stream(2), Self.pings(1))))
        #expect(Self.words(more) == ["consumed 1, keeps \(Self.pings(3).count)"])
        #expect(world.feed(.deadlineReached).isEmpty)
        let rest = world.feed(.swarm(.streamDrained(Self.stream(2))))
        #expect(Self.words(rest) == ["write 1", "write 1", "write 1", "consumed 1"])
        _ = world.feed(.swarm(.streamCongested(Self.stream(2))))
        #expect(world.feed(.swarm(.remoteClosedWrite(Self.stream(2)))).isEmpty)
        #expect(Self.words(world.feed(.swarm(.streamDrained(Self.stream(2))))) == ["close 1"])
    }

    @Test func `who takes no answer for ten seconds, or asks without end, is reset`() {
        for isEnded in [false, true] {
            let (world, _) = Self.asked(isEnded ? 1 : 6)
            _ = world.feed(.swarm(.streamCongested(Self.stream(2))))
            if isEnded { _ = world.feed(.swarm(.remoteClosedWrite(Self.stream(2)))) }
            world.now = .zero.advanced(by: .seconds(9))
            if !isEnded { _ = world.feed(.swarm(.data(Self.stream(2), Self.pings(1)))) }
            #expect(world.feed(.deadlineReached).isEmpty)
            world.now = .zero.advanced(by: .seconds(10))
            #expect(Self.words(world.feed(.deadlineReached)) == ["reset 1"])
            #expect(!world.host.owns(Self.stream(2)))
        }
        let (world, _) = Self.asked(6)
        _ = world.feed(.swarm(.streamCongested(Self.stream(2))))
        let flood = [UInt8](repeating: 1, count: 64 << 10)
        #expect(Self.words(world.feed(.swarm(.data(Self.stream(2), flood)))) == ["reset 1"])
    }

    @Test func `a dial that a request no longer waits for is given up`() {
        var config = KademliaConfig()
        config.seeds = [peer(1)]
        let world = World(config)
        #expect(Self.words(world.feed(.started)) == ["learned true 1", "connect 1000 true 1"])
        world.now = .zero.advanced(by: .seconds(10))
        let outputs = world.feed(.deadlineReached)
        #expect(Self.words(outputs) == ["give up 1000"])
    }
}
