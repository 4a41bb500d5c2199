import Identity
import Primitives
import Testing

@testable import Swarm

@Suite struct `A swarm with bans` {
    private static let stranger = IPAddress(198, 51, 100, 7)

    private static func bans(_ targets: BanTarget...) -> SwarmMachine.Input {
        var list = BanList()
        for target in targets { if let ban = Ban(target) { _ = list.add(ban) } }
        return .setBans(list)
    }

    private static func pair() -> Network {
        var network = Network(seed: 7)
        network.add()
        network.add()
        network.run(for: .milliseconds(10))
        return network
    }

    @Test func `drops a banned address before a byte is read or written`() {
        var network = Self.pair()
        network.feed(0, Self.bans(.network(Self.stranger.prefix(24))))
        let end = network.rawConnection(to: 0, from: Self.stranger)
        network.run(for: .milliseconds(10))
        #expect(network.nodes[0].has(.refused(Endpoint(address: Self.stranger, port: 999), .banned)))
        #expect(network.nodes[0].machine.resources.connections == 0)
        #expect(network.sockets[end] == nil)
        _ = network.rawConnection(to: 0, from: IPAddress(198, 51, 101, 7))
        #expect(network.nodes[0].machine.resources.connections == 1)
    }

    @Test func `dials neither a banned peer nor a banned address`() {
        var network = Self.pair()
        network.feed(0, Self.bans(.peer(network.peer(1))))
        network.connect(0, to: 1)
        network.run(for: .seconds(1))
        network.feed(0, Self.bans(.network(network.nodes[1].address.prefix(32))))
        network.connect(0, to: 1, request: 2)
        network.run(for: .seconds(1))
        #expect(network.nodes[0].answers == [.failure(.banned), .failure(.banned)])
        #expect(network.nodes[0].machine.counters.dialErrors == [.banned: 1], "a peer is refused without a dial")
        network.feed(0, Self.bans())
        network.connect(0, to: 1, request: 3)
        network.run(for: .seconds(1))
        #expect(network.nodes[0].answers.last == .success(network.peer(1)), "a ban leaves no backoff behind")
    }

    @Test func `ends a live connection at once, and does not let it back in`() {
        var network = Self.pair()
        network.connect(1, to: 0)
        network.run(for: .seconds(1))
        #expect(network.nodes[0].machine.peers.count == 1)
        network.feed(0, Self.bans(.peer(network.peer(1))))
        network.run(for: .seconds(1))
        #expect(network.nodes[0].disconnections == [.banned])
        network.nodes[0].clear()
        network.connect(1, to: 0, request: 2)
        network.run(for: .seconds(2))
        #expect(network.nodes[0].machine.peers.isEmpty)
        #expect(network.nodes[0].count { if case .refused(_, .banned) = $0 { true } else { false } } == 1)
        #expect(network.nodes[0].count { if case .connected = $0 { true } else { false } } == 0)
        network.run(for: .seconds(30))
        #expect(network.nodes[0].machine.resources == ResourceUsage(descriptors: 1))
    }

    @Test func `keeps half-open connections of a banned address no longer`() {
        var network = Self.pair()
        _ = network.rawConnection(to: 0, from: Self.stranger)
        #expect(network.nodes[0].machine.resources.connections == 1)
        network.feed(0, Self.bans(.network(Self.stranger.prefix(32))))
        network.run(for: .seconds(20))
        #expect(network.nodes[0].machine.resources.connections == 0)
    }

    @Test func `counts what it opened, closed and could not dial`() {
        var network = Self.pair()
        network.connect(1, to: 0)
        network.run(for: .seconds(1))
        network.feed(1, .disconnect(network.peer(0)))
        network.run(for: .seconds(20))
        let (inbound, outbound) = (network.nodes[0].machine.counters, network.nodes[1].machine.counters)
        #expect(inbound.opened.inboundIPv4 == 1 && inbound.closed == inbound.opened)
        #expect(outbound.opened.outboundIPv4 == 1 && outbound.closed == outbound.opened)
        #expect(outbound.handshakes.counts.reduce(0, +) == 1)
        #expect(outbound.handshakes.total > .zero && outbound.handshakes.total < .seconds(1))
        let nowhere = Multiaddr(endpoint: Endpoint(address: IPAddress(10, 0, 0, 99), port: 1))
        network.feed(1, .connect(ConnectRequestID(rawValue: 9), TestPeer.id(9), [nowhere]))
        network.run(for: .seconds(1))
        #expect(network.nodes[1].machine.counters.dialErrors == [.refused: 1])
    }

    @Test func `trims to new water marks`() {
        var network = Network(seed: 8)
        for _ in 0..<6 { network.add() }
        network.run(for: .milliseconds(10))
        for other in 1..<6 { network.connect(other, to: 0, request: UInt64(other)) }
        network.run(for: .seconds(90))
        #expect(network.nodes[0].machine.peers.count == 5)
        network.feed(0, .setWaterMarks(low: 2, high: 3))
        network.run(for: .seconds(30))
        #expect(network.nodes[0].machine.peers.count == 2)
    }
}
