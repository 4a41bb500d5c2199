import Primitives
import Testing

@testable import Simulator

@Suite struct `Reachability` {
    private func network(restricted: Int, symmetric: Int, count: Int) -> VirtualNetwork {
        var plan = NetworkPlan()
        plan.nat.restricted = Share(percent: restricted)
        plan.nat.symmetric = Share(percent: symmetric)
        return VirtualNetwork(plan: plan, nodeCount: count, streams: RandomStreams(seed: 8))
    }

    @Test func `the mix has its shares`() {
        let network = network(restricted: 30, symmetric: 15, count: 4000)
        let kinds = (0..<4000).map { network.reachability(of: $0) }
        #expect(abs(kinds.count { $0 == .restricted } - 1200) < 120)
        #expect(abs(kinds.count { $0 == .symmetric } - 600) < 100)
    }

    @Test func `everybody dials an open node, nobody a symmetric one`() {
        var network = network(restricted: 0, symmetric: 100, count: 3)
        network.setReachability(.open, of: 0)
        network.noteDial(from: 1, to: 2)
        #expect(network.canDial(from: 1, to: 0))
        #expect(!network.canDial(from: 0, to: 1))
        #expect(!network.canDial(from: 2, to: 1))
    }

    @Test func `a restricted node is dialled by whom it has dialled`() {
        var network = network(restricted: 100, symmetric: 0, count: 3)
        #expect(!network.canDial(from: 0, to: 1))
        network.noteDial(from: 1, to: 0)
        #expect(network.canDial(from: 0, to: 1))
        #expect(!network.canDial(from: 2, to: 1))
        #expect(!network.canDial(from: 1, to: 0))
    }
}

@Suite struct `Network cuts` {
    private var network = VirtualNetwork(plan: NetworkPlan(), nodeCount: 6, streams: RandomStreams(seed: 9))

    private func passes(_ sender: Int, _ receiver: Int) -> Bool { !network.isCut(from: sender, to: receiver) }

    @Test mutating func `a partition stops both ways until it heals`() {
        let cut = network.cut([0, 1, 2])
        #expect(network.send(from: 0, to: 3, byteCount: 1, at: .zero) == .dropped)
        #expect(!passes(3, 0) && passes(0, 2) && passes(3, 5))
        network.heal(cut)
        #expect(passes(0, 3) && passes(3, 0))
    }

    @Test mutating func `a one-way cut stops one way`() {
        let outward = network.cut([0, 1], .outward)
        #expect(!passes(0, 3) && passes(3, 0) && passes(0, 1))
        network.heal(outward)
        _ = network.cut([0, 1], .inward)
        #expect(passes(0, 3) && !passes(3, 0))
    }

    @Test mutating func `cuts hold together and heal apart`() {
        let (first, second) = (network.cut([0]), network.cut([0, 1]))
        #expect(!passes(0, 1) && !passes(1, 2) && !passes(0, 2))
        network.heal(first)
        #expect(passes(0, 1) && !passes(0, 2))
        network.heal(second)
        network.heal(second)
        #expect(passes(0, 2))
    }

    @Test mutating func `a clogged link stops one direction of one pair`() {
        network.clog(from: 1, to: 2)
        #expect(!passes(1, 2) && passes(2, 1) && passes(1, 3))
        network.unclog(from: 1, to: 2)
        #expect(passes(1, 2))
    }

    @Test mutating func `who joins later stands outside`() {
        _ = network.cut([4, 5])
        let late = network.addNode()
        #expect(!passes(late, 5) && passes(late, 0))
    }
}
