import Identity
import Noise
import Primitives
import Testing
import Yamux

@testable import Swarm

@Suite struct `A swarm among strangers` {
    private static let stranger = IPAddress(198, 51, 100, 7)

    private static func network(_ change: (inout SwarmConfig) -> Void = { _ in }) -> Network {
        var config = SwarmConfig()
        change(&config)
        var network = Network(seed: 5)
        network.add(config)
        network.run(for: .milliseconds(10))
        return network
    }

    @Test func `one host gets eight connections of a hundred, and others still get theirs`() {
        var network = Self.network { $0.connectionLimits.exemptsLocalAddresses = false }
        for _ in 0..<100 { _ = network.rawConnection(to: 0, from: IPAddress(127, 0, 0, 1)) }
        #expect(network.nodes[0].machine.resources.inboundConnections == 8)
        #expect(network.nodes[0].count { if case .refused = $0 { true } else { false } } == 92)
        network.add()
        network.run(for: .milliseconds(10))
        network.connect(1, to: 0)
        network.run(for: .seconds(1))
        #expect(network.nodes[1].answers == [.success(network.peer(0))])
    }

    @Test func `sixty-four connections may be half open, and after fifteen seconds none is`() {
        var network = Self.network()
        for _ in 0..<70 { _ = network.rawConnection(to: 0, from: IPAddress(10, 9, 9, 9)) }
        #expect(network.nodes[0].machine.resources.inboundConnections == 64)
        #expect(
            network.nodes[0].has(
                .refused(Endpoint(address: IPAddress(10, 9, 9, 9), port: 999), .limit(.tooManyHalfOpen))
            )
        )
        let start = network.now
        network.run(until: start.advanced(by: .milliseconds(14_999)))
        #expect(network.nodes[0].machine.resources.inboundConnections == 64)
        network.run(until: start.advanced(by: .milliseconds(15_001)))
        #expect(network.nodes[0].machine.resources == ResourceUsage(descriptors: 1))
    }

    @Test func `who sends a byte a second does not get more time`() {
        var network = Self.network()
        let end = network.rawConnection(to: 0, from: Self.stranger)
        let greeting = Array("\u{13}/multistream/1.0.0\n".utf8)
        for byte in greeting.prefix(14) {
            network.feed(0, .transport(.received(end.id, [byte])))
            network.run(for: .seconds(1))
        }
        #expect(network.nodes[0].machine.resources.inboundConnections == 1)
        network.run(for: .seconds(2))
        #expect(network.nodes[0].machine.resources.inboundConnections == 0)
    }

    @Test(
        arguments: [
            [0x80, 0x80, 0x80, 0x80, 0x08], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
            [0xff, 0xff, 0x7f],
            [3, 0x61, 0x62, 0x63], [0],
        ] as [[UInt8]]
    )
    func `a length that nobody needs ends the connection at once`(bytes: [UInt8]) {
        var network = Self.network()
        let end = network.rawConnection(to: 0, from: Self.stranger)
        network.feed(0, .transport(.received(end.id, bytes)))
        #expect(network.sockets[end]?.isClosed == true)
        network.run(for: .milliseconds(1))
        #expect(network.nodes[0].machine.resources == ResourceUsage(descriptors: 1))
    }

    @Test func `a changed byte on the secured connection ends it`() {
        var network = Self.network()
        network.add()
        network.run(for: .milliseconds(10))
        network.connect(1, to: 0)
        network.run(for: .seconds(1))
        network.tamper = { end, bytes in
            if end.node == 1, let last = bytes.indices.last { bytes[last] ^= 1 }
        }
        network.feed(1, .openStream(StreamRequestID(rawValue: 1), network.peer(0), ["/test/1"]))
        network.run(for: .seconds(1))
        #expect(network.nodes[0].disconnections == [.connection(.noise(.decryptionFailed))])
    }

    @Test func `of a thousand streams on one connection sixty-four stay, and other peers are unaffected`() {
        var greedy = SwarmConfig()
        greedy.connection.yamux.outboundStreamCountMax = 2000
        greedy.resources.connection.each.outboundStreams = 2000
        greedy.resources.connection.streams = 2000
        greedy.resources.peer.each.outboundStreams = 2000
        greedy.resources.peer.streams = 2000
        greedy.pings = false
        var network = Self.network { $0.pings = false }
        network.add(greedy)
        network.add()
        network.run(for: .milliseconds(10))
        network.connect(1, to: 0)
        network.connect(2, to: 0)
        network.run(for: .seconds(1))
        for batch in 0..<5 {
            for number in 0..<200 {
                let request = StreamRequestID(rawValue: UInt64(batch * 200 + number))
                network.feed(1, .openStream(request, network.peer(0), ["/test/1"]))
            }
            network.run(for: .seconds(1))
        }
        let usage = network.nodes[0].machine.resources(of: network.peer(1))
        #expect(usage.inboundStreams == 64)
        #expect(network.nodes[1].openedStreams.count == 1000)
        #expect(network.nodes[1].count { if case .streamReset = $0 { true } else { false } } == 936)
        network.feed(2, .openStream(StreamRequestID(rawValue: 1), network.peer(0), ["/test/1"]))
        network.run(for: .seconds(1))
        #expect(network.nodes[0].machine.resources(of: network.peer(2)).inboundStreams == 2, "its stream and its ping")
    }

    @Test func `our own limits refuse a dial and a stream with the limit's name`() {
        var network = Self.network {
            $0.resources.transient.each.outboundConnections = 0
            $0.resources.peer.each.outboundStreams = 1
            $0.pings = false
        }
        network.add()
        network.run(for: .milliseconds(10))
        network.connect(0, to: 1)
        #expect(
            network.nodes[0].answers == [
                .failure(.limited(ResourceRefusal(scope: .transient, resource: .outboundConnections)))
            ]
        )
        network.connect(1, to: 0)
        network.run(for: .seconds(1))
        for number in UInt64(1)...2 {
            network.feed(0, .openStream(StreamRequestID(rawValue: number), network.peer(1), ["/test/1"]))
        }
        #expect(network.nodes[0].openedStreams.count == 1)
        let refusal = ResourceRefusal(scope: .peer, resource: .outboundStreams)
        let isRefused = network.nodes[0].has(.streamFailed(StreamRequestID(rawValue: 2), .limited(refusal)))
        #expect(isRefused)
    }

    @Test func `a stream that would hold more than its share is reset`() throws {
        var network = Self.network { $0.resources.stream.each.memoryBytes = 10_000 }
        network.nodes[0].consumes = false
        network.add()
        network.run(for: .milliseconds(10))
        network.connect(1, to: 0)
        network.run(for: .seconds(1))
        network.feed(1, .openStream(StreamRequestID(rawValue: 1), network.peer(0), ["/test/1"]))
        network.run(for: .seconds(1))
        let stream = try #require(network.nodes[1].openedStreams.last)
        network.feed(1, .write(stream, [UInt8](repeating: 0, count: 10_001)))
        network.run(for: .seconds(1))
        let theirs = try #require(network.nodes[0].inboundStreams.last)
        #expect(network.nodes[0].has(.streamReset(theirs)) && network.nodes[1].has(.streamReset(stream)))
        #expect(network.nodes[0].machine.resources.memoryBytes == 0)
    }

    @Test func `what waits behind a full socket counts, and its connection ends where the limit is`() throws {
        let limits: [(ScopeKind, (inout SwarmConfig) -> Void)] = [
            (.connection, { $0.resources.connection.each.memoryBytes = 150_000 }),
            (.peer, { $0.resources.peer.each.memoryBytes = 150_000 }),
            (.system, { $0.resources.system.each.memoryBytes = 150_000 }),
        ]
        for (scope, change) in limits {
            var network = Self.network(change)
            network.add()
            network.run(for: .milliseconds(10))
            network.connect(0, to: 1)
            network.run(for: .seconds(1))
            network.feed(0, .openStream(StreamRequestID(rawValue: 1), network.peer(1), ["/test/1"]))
            network.run(for: .seconds(1))
            let stream = try #require(network.nodes[0].openedStreams.last)
            network.feed(0, .transport(.congested(stream.connection)))
            network.feed(0, .write(stream, [UInt8](repeating: 1, count: 100_000)))
            #expect(network.nodes[0].machine.resources(of: network.peer(1)).memoryBytes == 100_000)
            network.feed(0, .write(stream, [UInt8](repeating: 1, count: 50_001)))
            let refusal = ResourceRefusal(scope: scope, resource: .memoryBytes)
            #expect(network.nodes[0].disconnections == [.limited(refusal)])
            #expect(network.nodes[0].machine.resources.memoryBytes == 0)
        }
    }

    @Test func `half a frame of a peer counts while the rest is still to come`() throws {
        var network = Self.network()
        network.add()
        network.run(for: .milliseconds(10))
        network.connect(1, to: 0)
        network.run(for: .seconds(1))
        let end = try #require(network.sockets.keys.first { $0.node == 0 })
        // A frame of 1,000 bytes is announced.
        network.feed(0, .transport(.received(end.id, [3, 232] + [UInt8](repeating: 0, count: 500))))
        #expect(network.nodes[0].machine.resources(of: network.peer(1)).memoryBytes == 502)
    }

    @Test func `too many connections are trimmed to the low mark, the protected one stays`() {
        var network = Self.network { ($0.trimming.lowWater, $0.trimming.highWater) = (2, 4) }
        for number in 1...5 {
            network.add()
            network.run(for: .milliseconds(10))
            network.connect(number, to: 0)
            network.run(for: .seconds(1))
        }
        network.feed(0, .protect(network.peer(5), true))
        network.feed(0, .setPeerValue(network.peer(3), 10))
        network.run(for: .seconds(30))
        #expect(network.nodes[0].machine.peers.count == 5)
        network.run(for: .seconds(60))
        #expect(Set(network.nodes[0].machine.peers.map(\.peer)) == [network.peer(3), network.peer(5)])
        #expect(network.nodes[0].disconnections == [.trimmed, .trimmed, .trimmed])
        // Who is gone is worth nothing, and nobody can make it worth anything: there are more of those every day.
        network.feed(0, .disconnect(network.peer(3)))
        network.run(for: .seconds(1))
        #expect(network.nodes[0].machine.peerValues.isEmpty)
        network.feed(0, .setPeerValue(network.peer(3), 10))
        #expect(network.nodes[0].machine.peerValues.isEmpty)
    }

    @Test func `a peer may push eight times at once, then one each five seconds`() {
        var network = Self.network()
        var hasty = SwarmConfig()
        hasty.identify.pushDelay = .zero
        hasty.identify.pushInterval = .milliseconds(20)
        network.add(hasty)
        network.run(for: .milliseconds(10))
        network.connect(1, to: 0)
        network.run(for: .seconds(1))
        network.nodes[0].clear()
        for number in 0..<40 {
            network.feed(1, .setProtocols(["/n/\(number)"]))
            network.run(for: .milliseconds(100))
        }
        #expect(network.nodes[0].descriptions.count == 8)
    }
}
