import Identity
import Kademlia
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Node

@Suite struct `Server or client` {
    private let ownAddress = IPAddress(203, 0, 113, 7)
    private let world = IPAddress(192, 0, 1, 20)
    private let own = Multiaddr(endpoint: Endpoint(address: IPAddress(203, 0, 113, 7), port: 4180))
    private let elsewhere = Multiaddr(endpoint: Endpoint(address: IPAddress(198, 51, 100, 9), port: 61_000))
    private let peers = (0..<3).map(`Address tables`.peer)

    private func at(_ seconds: Int) -> Instant { .zero.advanced(by: .seconds(seconds)) }

    @Test func `whoever is dialled serves`() {
        var mode = TableMode(announced: [])
        mode.moved(to: [ownAddress], at: .zero)
        #expect(mode.mode == .client)
        mode.identified(peers[0], .inbound, at: world, observedAt: nil, now: at(1))
        #expect(mode.mode == .server)
    }

    @Test func `whom a dialled peer sees at one of its own addresses serves, whom it sees elsewhere does not`() {
        var mode = TableMode(announced: [])
        mode.moved(to: [ownAddress], at: .zero)
        mode.identified(peers[0], .outbound, at: world, observedAt: elsewhere, now: at(1))
        mode.identified(peers[1], .outbound, at: world, observedAt: nil, now: at(1))
        #expect(mode.mode == .client)
        mode.identified(peers[2], .outbound, at: world, observedAt: own, now: at(1))
        #expect(mode.mode == .server)
    }

    @Test func `what is announced needs no witness, and waits for none`() {
        var mode = TableMode(announced: [own])
        mode.moved(to: [ownAddress], at: .zero)
        #expect(mode.mode == .server)
        mode.identified(peers[0], .inbound, at: world, observedAt: nil, now: at(1))
        mode.disconnected(peers[0], at: at(2))
        for hours in 0...3 {
            mode.settle(at: at(3_600 * hours + 3))
            #expect(mode.mode == .server && mode.nextDeadline == nil)
        }
    }

    @Test func `a peer of the open internet says nothing of addresses at home`() {
        var mode = TableMode(announced: [])
        let home = IPAddress(192, 168, 1, 5)
        mode.moved(to: [home], at: .zero)
        let seen = Multiaddr(endpoint: Endpoint(address: home, port: 4180))
        mode.identified(peers[0], .outbound, at: world, observedAt: seen, now: at(1))
        #expect(mode.mode == .client)
        mode.identified(peers[1], .outbound, at: IPAddress(192, 168, 1, 9), observedAt: seen, now: at(1))
        #expect(mode.mode == .server)
    }

    @Test func `an announced address suffices, once there is an address at all`() {
        var mode = TableMode(announced: [own])
        mode.settle(at: .zero)
        #expect(mode.mode == .client)
        mode.moved(to: [ownAddress], at: .zero)
        #expect(mode.mode == .server)
    }

    @Test
    func `a witness counts while it is connected and an hour longer, and no change follows another within ten minutes`()
    {
        var mode = TableMode(announced: [])
        mode.moved(to: [ownAddress], at: .zero)
        mode.identified(peers[0], .inbound, at: world, observedAt: nil, now: .zero)
        mode.disconnected(peers[0], at: at(10))
        #expect(mode.nextDeadline == at(3_610))
        mode.settle(at: at(3_609))
        #expect(mode.mode == .server)
        mode.settle(at: at(3_610))
        #expect(mode.mode == .client)

        mode.identified(peers[1], .inbound, at: world, observedAt: nil, now: at(3_620))
        #expect(mode.mode == .client, "it changed ten seconds ago")
        #expect(mode.nextDeadline == at(4_210))
        mode.settle(at: at(4_210))
        #expect(mode.mode == .server)
        mode.moved(to: [], at: at(4_211))
        #expect(mode.mode == .server)
        mode.settle(at: at(4_810))
        #expect(mode.mode == .client)
    }
}
