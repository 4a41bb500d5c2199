import Identity
import Multistream
import Primitives
import Testing
import Yamux

@testable import Swarm

@Suite struct `Two swarms` {
    private static func connected(
        seed: Int = 1,
        segmentMax: Int? = nil,
        _ change: (inout SwarmConfig, inout SwarmConfig) -> Void = { _, _ in }
    ) -> Network {
        var (first, second) = (SwarmConfig(), SwarmConfig())
        change(&first, &second)
        var network = Network(seed: seed, segmentMax: segmentMax)
        network.add(first)
        network.add(second)
        network.run(for: .milliseconds(10))
        network.connect(0, to: 1)
        network.run(for: .milliseconds(500))
        return network
    }

    /// An open stream: its handle at the opener and at the other side.
    private static func opened(_ network: inout Network) throws -> (StreamHandle, StreamHandle) {
        network.feed(0, .openStream(StreamRequestID(rawValue: 7), network.peer(1), ["/test/1"]))
        network.run(for: .milliseconds(50))
        return (try #require(network.nodes[0].openedStreams.last), try #require(network.nodes[1].inboundStreams.last))
    }

    @Test(arguments: 1...6) func `connect and identify each other, however the bytes are cut`(seed: Int) throws {
        let network = Self.connected(seed: seed, segmentMax: seed == 1 ? nil : 1 + seed * seed * 8)
        #expect(network.nodes[0].answers == [.success(network.peer(1))])
        for (own, other) in [(0, 1), (1, 0)] {
            let description = try #require(network.nodes[own].descriptions.first)
            #expect(description.agentVersion == "rialto")
            #expect(description.protocols.contains("/test/1"))
            #expect(description.listenAddresses == [network.address(other)])
            let record = try PeerRecord.open(try #require(description.signedPeerRecord))
            #expect(record.peer == network.peer(other))
            #expect(
                network.nodes[own].machine.addressBook.addresses(of: network.peer(other)) == [network.address(other)]
            )
            #expect(network.nodes[own].machine.protocols(of: network.peer(other)) == description.protocols)
            #expect(network.nodes[own].count { if case .roundTrip = $0 { true } else { false } } > 0)
        }
        #expect(network.nodes[0].machine.connection(to: network.peer(1))?.direction == .outbound)
        #expect(network.nodes[1].machine.connection(to: network.peer(0))?.direction == .inbound)
    }

    @Test(arguments: [(true, true), (true, false), (false, true), (false, false)])
    func `agree on the muxer early or by multistream`(first: Bool, second: Bool) {
        let network = Self.connected(segmentMax: 40) {
            $0.connection.offersEarlyMuxer = first
            $1.connection.offersEarlyMuxer = second
        }
        #expect(network.nodes[0].answers == [.success(network.peer(1))])
        #expect(network.nodes[1].descriptions.count == 1)
    }

    @Test func `streams beyond the backlog wait for the peer to acknowledge earlier ones`() {
        var network = Self.connected { _, host in
            host.connection.yamux.inboundStreamCountMax = 400
            host.resources.connection.each.inboundStreams = 400
            host.resources.peer.each.inboundStreams = 400
        }
        for number in 0..<300 {
            network.feed(0, .openStream(StreamRequestID(rawValue: UInt64(number)), network.peer(1), ["/test/1"]))
        }
        #expect(network.nodes[0].openedStreams.count == 256)
        network.run(for: .seconds(1))
        #expect(network.nodes[0].openedStreams.count == 300)
        #expect(network.nodes[1].inboundStreams.count == 300)
    }

    @Test func `streams that wait are not forgotten when the last unacknowledged ones are reset`() {
        var network = Self.connected()
        for number in 0..<500 {
            network.feed(0, .openStream(StreamRequestID(rawValue: UInt64(number)), network.peer(1), ["/test/1"]))
        }
        network.run(for: .seconds(2))
        let failed = network.nodes[0].count { if case .streamFailed = $0 { true } else { false } }
        #expect(network.nodes[0].openedStreams.count + failed == 500, "each is answered, though most are reset at once")
    }

    @Test func `no more streams wait than the backlog is long, and none outlives its connection`() {
        var network = Self.connected()
        for number in 0..<600 {
            network.feed(0, .openStream(StreamRequestID(rawValue: UInt64(number)), network.peer(1), ["/test/1"]))
        }
        let failures = { (network: Network) in
            network.nodes[0].count { if case .streamFailed = $0 { true } else { false } }
        }
        #expect(network.nodes[0].openedStreams.count == 256)
        #expect(failures(network) == 88)
        network.feed(0, .disconnect(network.peer(1)))
        network.run(for: .seconds(1))
        #expect(failures(network) == 600 - network.nodes[0].openedStreams.count)
    }

    @Test func `another peer than the one dialled is refused`() {
        var network = Network(seed: 1)
        for _ in 0..<2 { network.add() }
        network.run(for: .milliseconds(10))
        let stranger = TestPeer.id(77)
        network.feed(0, .connect(ConnectRequestID(rawValue: 1), stranger, [network.address(1)]))
        network.run(for: .seconds(1))
        #expect(network.nodes[0].answers == [.failure(.wrongPeer(network.peer(1)))])
        #expect(network.nodes[0].machine.peers.isEmpty && network.nodes[1].machine.peers.isEmpty)
        #expect(network.nodes[0].machine.resources == ResourceUsage(descriptors: 1))
    }

    @Test func `nobody dials itself, by name or by address`() {
        var network = Network(seed: 1)
        network.add()
        network.run(for: .milliseconds(10))
        network.feed(0, .connect(ConnectRequestID(rawValue: 1), network.peer(0), [network.address(0)]))
        network.feed(0, .connect(ConnectRequestID(rawValue: 2), nil, [network.address(0)]))
        network.run(for: .seconds(1))
        #expect(network.nodes[0].answers == [.failure(.selfDial), .failure(.selfDial)])
        #expect(network.nodes[0].machine.resources == ResourceUsage(descriptors: 1))
    }

    @Test(arguments: 1...5) func `a stream carries bytes both ways and closes in halves`(seed: Int) throws {
        var network = Self.connected(seed: seed, segmentMax: seed * 100)
        let (mine, theirs) = try Self.opened(&network)
        let question = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* seed) }
        network.feed(0, .write(mine, question))
        network.feed(0, .closeWrite(mine))
        network.run(for: .seconds(2))
        #expect(network.nodes[1].received[theirs] == question)
        #expect(network.nodes[1].has(.remoteClosedWrite(theirs)))
        network.feed(1, .write(theirs, [1, 2, 3]))
        network.feed(1, .closeWrite(theirs))
        network.run(for: .seconds(1))
        #expect(network.nodes[0].received[mine] == [1, 2, 3])
        #expect(network.nodes[0].has(.remoteClosedWrite(mine)))
        #expect(!network.nodes[0].has(.streamReset(mine)) && !network.nodes[1].has(.streamReset(theirs)))
        // What is left are the pings: one stream each way.
        #expect(network.nodes[0].machine.resources.streams == 2)
        #expect(network.nodes[1].machine.resources.streams == 2)
        #expect(network.nodes[1].machine.resources.memoryBytes == 0)
    }

    @Test func `more than a window waits for what the reader consumes`() throws {
        var network = Self.connected()
        network.nodes[1].consumes = false
        let (mine, theirs) = try Self.opened(&network)
        network.feed(0, .write(mine, [UInt8](repeating: 1, count: 700 << 10)))
        network.run(for: .seconds(1))
        #expect(network.nodes[0].has(.streamCongested(mine)))
        // The words of the negotiation were part of the window.
        let held = try #require(network.nodes[1].received[theirs]?.count)
        #expect((255 << 10...256 << 10).contains(held))
        #expect(network.nodes[1].machine.resources.memoryBytes == held)
        network.nodes[1].consumes = true
        // Nobody keeps more than it took; what it keeps counts until it says otherwise, and holds up no credit.
        network.feed(1, .consumed(theirs, held, kept: held + 1))
        #expect(network.nodes[1].machine.resources.memoryBytes == held)
        network.run(for: .seconds(1))
        #expect(network.nodes[1].received[theirs]?.count == 700 << 10)
        #expect(network.nodes[0].has(.streamDrained(mine)))
        #expect(network.nodes[1].machine.resources.memoryBytes == 0)
    }

    @Test func `a reset is told to the other side alone`() throws {
        var network = Self.connected()
        let (mine, theirs) = try Self.opened(&network)
        network.feed(0, .reset(mine))
        network.run(for: .seconds(1))
        #expect(network.nodes[1].has(.streamReset(theirs)))
        #expect(!network.nodes[0].has(.streamReset(mine)))
        network.feed(1, .write(theirs, [1]))
        network.feed(0, .consumed(mine, 0))
        #expect(network.nodes[0].machine.resources.streams == 2)
    }

    @Test func `a known protocol is taken for granted, an unknown one is asked for`() throws {
        var network = Self.connected()
        network.nodes[0].clear()
        network.feed(0, .openStream(StreamRequestID(rawValue: 1), network.peer(1), ["/else/1", "/test/1"]))
        #expect(network.nodes[0].openedStreams.count == 1, "at once")
        network.feed(0, .openStream(StreamRequestID(rawValue: 2), network.peer(1), ["/else/1", "/else/2"]))
        #expect(network.nodes[0].openedStreams.count == 1)
        network.run(for: .seconds(1))
        #expect(network.nodes[0].has(.streamFailed(StreamRequestID(rawValue: 2), .negotiation(.noCommonProtocol))))
    }

    @Test func `a promise that the peer no longer keeps ends in a reset`() throws {
        var network = Self.connected()
        network.latencyMax = 0
        network.feed(1, .setProtocols([]))
        network.nodes[0].clear()
        network.feed(0, .openStream(StreamRequestID(rawValue: 1), network.peer(1), ["/test/1"]))
        let stream = try #require(network.nodes[0].openedStreams.first)
        network.run(for: .milliseconds(50))
        #expect(network.nodes[0].has(.streamReset(stream)))
    }

    @Test func `changed protocols are pushed`() throws {
        var network = Self.connected()
        network.nodes[0].clear()
        network.feed(1, .setProtocols(["/test/1", "/new/1"]))
        network.run(for: .seconds(1))
        let description = try #require(network.nodes[0].descriptions.last)
        #expect(description.protocols.contains("/new/1"))
        #expect(network.nodes[0].descriptions.count == 1)
    }

    @Test func `changed addresses are pushed in a record with a higher sequence`() throws {
        var network = Self.connected()
        let first = try PeerRecord.open(try #require(network.nodes[0].descriptions.last?.signedPeerRecord))
        network.feed(
            1,
            .transport(.listening(ListenerID(rawValue: 1), Endpoint(address: IPAddress(10, 0, 0, 9), port: 4001)))
        )
        network.run(for: .seconds(1))
        let second = try PeerRecord.open(try #require(network.nodes[0].descriptions.last?.signedPeerRecord))
        #expect(second.sequence > first.sequence)
        #expect(second.addresses.map(\.description) == ["/ip4/10.0.0.9/tcp/4001"])
    }

    @Test func `a silent peer is given up after two missed pings`() {
        var network = Self.connected()
        network.tamper = { end, bytes in if end.node == 1 { bytes = [] } }
        network.run(for: .seconds(60))
        #expect(network.nodes[0].disconnections.count == 1)
        #expect(network.nodes[0].machine.peers.isEmpty)
    }

    @Test func `both may dial at once and keep both connections`() {
        var network = Network(seed: 3)
        for _ in 0..<2 { network.add() }
        network.run(for: .milliseconds(10))
        network.latencyMax = 0
        network.connect(0, to: 1)
        network.connect(1, to: 0)
        network.run(for: .seconds(1))
        for (own, other) in [(0, 1), (1, 0)] {
            #expect(network.nodes[own].answers == [.success(network.peer(other))])
            #expect(network.nodes[own].count { if case .connected = $0 { true } else { false } } == 1)
            #expect(network.nodes[own].machine.peers.first?.connections.count == 2)
        }
    }

    @Test func `disconnecting ends streams and is told on both sides`() throws {
        var network = Self.connected()
        let (_, theirs) = try Self.opened(&network)
        network.feed(0, .disconnect(network.peer(1)))
        network.run(for: .seconds(1))
        #expect(network.nodes[0].disconnections == [.requested])
        #expect(network.nodes[1].disconnections.count == 1)
        #expect(network.nodes[1].has(.streamReset(theirs)))
        for node in network.nodes { #expect(node.machine.resources == ResourceUsage(descriptors: 1)) }
    }

    @Test func `an orderly end closes everything and says so`() {
        var network = Self.connected()
        network.feed(0, .shutdown)
        network.run(for: .seconds(1))
        #expect(network.nodes[0].isStopped)
        #expect(network.nodes[0].disconnections == [.shutdown])
        #expect(network.nodes[1].disconnections == [.transport(nil)])
        #expect(network.nodes[0].events.last == .stopped)
    }

    @Test func `a driver that never answers cannot hold up the end for more than five seconds`() {
        var network = Self.connected()
        let start = network.now
        network.nodes[0].clear()
        network.sockets = [:]
        network.feed(0, .shutdown)
        network.run(until: start.advanced(by: .milliseconds(4999)))
        #expect(!network.nodes[0].isStopped)
        network.run(until: start.advanced(by: .seconds(5)))
        #expect(network.nodes[0].isStopped)
    }

    @Test func `a name, a stranger and the address book lead to peers`() throws {
        var network = Network(seed: 2)
        for _ in 0..<4 { network.add() }
        network.names[.ipv4Addresses("one.test")] = .addresses([network.nodes[1].address])
        network.run(for: .milliseconds(10))
        let name = try Multiaddr(text: "/dns4/one.test/tcp/4001")
        network.feed(0, .connect(ConnectRequestID(rawValue: 1), network.peer(1), [name]))
        network.feed(0, .connect(ConnectRequestID(rawValue: 2), nil, [network.address(2)]))
        network.feed(0, .learned(network.peer(3), [network.address(3)], from: nil))
        network.feed(0, .connect(ConnectRequestID(rawValue: 3), network.peer(3), []))
        network.run(for: .seconds(1))
        #expect(Set(network.nodes[0].machine.peers.map(\.peer)) == Set([1, 2, 3].map { network.peer($0) }))
        #expect(network.nodes[0].answers.count == 3)
        network.feed(0, .connect(ConnectRequestID(rawValue: 4), network.peer(3), []))
        #expect(network.nodes[0].answers.last == .success(network.peer(3)), "at once")
    }

    @Test func `a wildcard stands for every interface, and announced addresses are named too`() throws {
        var config = SwarmConfig()
        let announced = try Multiaddr(text: "/dns4/example.org/tcp/4001")
        config.announcedAddresses = [announced]
        var network = Network(seed: 1)
        network.add(config, at: IPAddress(0, 0, 0, 0))
        network.run(for: .milliseconds(10))
        #expect(network.nodes[0].machine.listenAddresses == [announced])
        let six = try #require(IPAddress("2001:db8::1"))
        network.feed(0, .transport(.interfaces([IPAddress(127, 0, 0, 1), IPAddress(10, 0, 0, 1), six])))
        let texts = network.nodes[0].machine.listenAddresses.map(\.description)
        #expect(texts == ["/ip4/127.0.0.1/tcp/4001", "/ip4/10.0.0.1/tcp/4001", "/dns4/example.org/tcp/4001"])
        #expect(network.nodes[0].events.last == .addressesChanged(network.nodes[0].machine.listenAddresses))
    }

    @Test func `a host with many bridges is known by its public address all the same`() throws {
        var network = Network(seed: 1)
        network.add(at: IPAddress(0, 0, 0, 0))
        network.run(for: .milliseconds(10))
        let bridges = (0..<50).map { IPAddress(172, 17, UInt8($0), 1) }
        network.feed(0, .transport(.interfaces(bridges + [IPAddress(203, 0, 113, 1)])))
        let addresses = network.nodes[0].machine.listenAddresses
        #expect(addresses.count == 32)
        #expect(addresses.first == Multiaddr(endpoint: Endpoint(address: IPAddress(203, 0, 113, 1), port: 4001)))
    }

    @Test func `whoever answers in another's place is known to live there`() {
        var network = Network(seed: 2)
        for _ in 0..<3 { network.add() }
        network.run(for: .milliseconds(10))
        network.feed(0, .learned(network.peer(1), [network.address(2)], from: nil))
        network.feed(0, .connect(ConnectRequestID(rawValue: 1), network.peer(1), []))
        network.run(for: .seconds(1))
        #expect(network.nodes[0].answers == [.failure(.wrongPeer(network.peer(2)))])
        #expect(network.nodes[0].machine.addressBook.addresses(of: network.peer(2)) == [network.address(2)])
        network.feed(0, .connect(ConnectRequestID(rawValue: 2), network.peer(2), []))
        network.run(for: .seconds(1))
        #expect(network.nodes[0].answers.last == .success(network.peer(2)))
    }

    @Test func `a socket that cannot listen is told and given back`() {
        var machine = SwarmMachine(config: SwarmConfig(), identity: TestPeer.key(9), random: random(9))
        var outputs: [SwarmMachine.Output] = []
        let endpoint = Endpoint(address: IPAddress(127, 0, 0, 1), port: 1)
        machine.handle(.started(listen: [endpoint]), at: .zero, into: &outputs)
        #expect(outputs == [.transport(.listen(ListenerID(rawValue: 1), endpoint))])
        machine.handle(.transport(.listenFailed(ListenerID(rawValue: 1), .addressInUse)), at: .zero, into: &outputs)
        #expect(outputs.last == .listenFailed(endpoint, .addressInUse))
        #expect(machine.resources.isZero)
    }
}
