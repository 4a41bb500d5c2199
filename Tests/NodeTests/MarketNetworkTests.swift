import Identity
import Market
import Node
import Primitives
import TestSupport
import Testing

@Suite struct `A market in virtual time` {
    @Test(arguments: [1, 2, 3])
    func `an offer reaches the other node within a second`(seed: UInt64) throws {
        var network = TestNetwork(seed: seed)
        let provider = network.addNode()
        let renter = network.addNode(seeds: [network.address(provider)])
        #expect(network.run(atMost: .seconds(10)) { $0.isConnected(renter, provider) })
        network.run(for: .seconds(3))

        let offer = try network.publish(on: provider)
        #expect(network.run(atMost: .seconds(1)) { $0.sees(renter, offer) })
    }

    @Test func `a withdrawal takes the offer off every shelf`() throws {
        var (network, nodes) = TestNetwork.star(count: 4, seed: 4)
        let offer = try network.publish(on: nodes[1])
        #expect(network.run(atMost: .seconds(2)) { network in nodes.allSatisfy { network.sees($0, offer) } })
        guard case .offer(let body) = offer.record.body else { return }
        _ = network.ask(nodes[1], .withdrawOffer(body.offer, reason: 2001))
        #expect(network.run(atMost: .seconds(2)) { network in !nodes.contains { network.sees($0, offer) } })
    }

    @Test func `an orderly stop hides the provider's offers at once`() throws {
        var (network, nodes) = TestNetwork.star(count: 3, seed: 5)
        let offer = try network.publish(on: nodes[1])
        #expect(network.run(atMost: .seconds(2)) { $0.sees(nodes[2], offer) })
        network.command(nodes[1], .shutdown)
        #expect(network.run(atMost: .seconds(3)) { !$0.sees(nodes[2], offer) })
        #expect(network.run(atMost: .seconds(10)) { $0.node(nodes[1]) == nil })
    }

    @Test func `a provider that falls silent is marked and then gone`() throws {
        var (network, nodes) = TestNetwork.star(count: 3, seed: 6)
        let offer = try network.publish(on: nodes[1])
        #expect(network.run(atMost: .seconds(2)) { $0.sees(nodes[2], offer) })
        network.kill(nodes[1])
        network.run(for: .seconds(16 * 60))
        #expect(network.liveness(of: offer, at: nodes[2]) == .silent)
        network.run(for: .seconds(16 * 60))
        #expect(!network.sees(nodes[2], offer))
    }

    @Test func `a restarted provider brings its offers back without being asked`() throws {
        var (network, nodes) = TestNetwork.star(count: 3, seed: 7)
        let offer = try network.publish(on: nodes[1])
        #expect(network.run(atMost: .seconds(2)) { $0.sees(nodes[2], offer) })
        network.kill(nodes[1])
        network.run(for: .seconds(40 * 60))
        #expect(!network.sees(nodes[2], offer))
        network.start(nodes[1], seeds: [network.address(nodes[0])])
        #expect(network.run(atMost: .seconds(90)) { $0.sees(nodes[2], offer) })
    }

    @Test func `what a node missed while away arrives when it meets another`() throws {
        var (network, nodes) = TestNetwork.star(count: 3, seed: 8)
        network.kill(nodes[2])
        network.run(for: .seconds(1))
        let offer = try network.publish(on: nodes[1])
        network.run(for: .seconds(5))
        network.start(nodes[2], seeds: [network.address(nodes[0])])
        #expect(network.run(atMost: .seconds(20)) { $0.sees(nodes[2], offer) })
    }

    @Test(arguments: [41, 42, 43])
    func `an offer that is published before the mesh has grown arrives all the same`(seed: UInt64) throws {
        var network = TestNetwork(seed: seed)
        let provider = network.addNode()
        let renter = network.addNode(seeds: [network.address(provider)])
        #expect(network.run(atMost: .seconds(10)) { $0.isConnected(renter, provider) })
        let offer = try network.publish(on: provider)
        #expect(network.run(atMost: .seconds(5)) { $0.sees(renter, offer) }, "seed \(seed)")
    }

    @Test func `a restarted node that finds nobody is ready all the same`() {
        var network = TestNetwork(seed: 44)
        let node = network.addNode()
        network.run(for: .seconds(1))
        network.kill(node)
        network.start(node)
        #expect(network.run(atMost: .seconds(6)) { $0.readyCount(of: node) == 2 })
    }

    @Test func `a renter keeps what it knew over a restart`() throws {
        var (network, nodes) = TestNetwork.star(count: 3, seed: 9)
        let offer = try network.publish(on: nodes[1])
        #expect(network.run(atMost: .seconds(2)) { $0.sees(nodes[2], offer) })
        network.run(for: .seconds(1))
        network.kill(nodes[2])
        network.start(nodes[2])
        #expect(network.sees(nodes[2], offer))
    }

    @Test func `offers are signed anew at half their life and never lapse`() throws {
        var (network, nodes) = TestNetwork.star(count: 2, seed: 10) { $0.recordLifetime = .seconds(600) }
        let offer = try network.publish(on: nodes[1])
        network.run(for: .seconds(1_500))
        let renewed = try #require(network.listing(of: offer, at: nodes[0]))
        #expect(renewed.record.record.sequence > offer.record.sequence)
        #expect(renewed.offer.offer == network.body(of: offer)?.offer)
        #expect(renewed.liveness(at: network.unixMilliseconds) == .live)
    }

    @Test(arguments: [11, 12])
    func `the two halves of a network agree again after a partition`(seed: UInt64) throws {
        var (network, nodes) = TestNetwork.star(count: 6, seed: seed)
        network.split(Set(nodes[3...]))
        network.run(for: .seconds(30))
        let left = try network.publish(on: nodes[1])
        let right = try network.publish(on: nodes[4])
        network.run(for: .seconds(60))
        #expect(!network.sees(nodes[4], left))
        network.heal()
        #expect(
            network.run(atMost: .seconds(600)) { network in
                nodes.allSatisfy { network.sees($0, left) && network.sees($0, right) }
            }
        )
    }

    @Test(arguments: [21])
    func `fifty nodes know all live offers although a fifth of their connections is lost`(seed: UInt64) throws {
        var (network, nodes) = TestNetwork.star(count: 50, seed: seed, dialLossPercent: 20)
        var offers: [SignedRecord] = []
        for index in stride(from: 1, to: 50, by: 5) {
            offers.append(try network.publish(on: nodes[index]))
            network.dropConnections(percent: 20)
            network.run(for: .seconds(2))
        }
        let known = network.run(atMost: .seconds(300)) { network in
            nodes.allSatisfy { node in offers.allSatisfy { network.sees(node, $0) } }
        }
        #expect(known, "seed \(seed)")
    }

    @Test func `one seed gives one run, event for event`() throws {
        func trace() throws -> (Int, [String]) {
            var (network, nodes) = TestNetwork.star(count: 5, seed: 99)
            _ = try network.publish(on: nodes[1])
            network.run(for: .seconds(30))
            return (network.byteCount, network.events.map { "\($0.at.nanoseconds) \($0.node.rawValue) \($0.event)" })
        }
        let (first, second) = (try trace(), try trace())
        #expect(first.0 == second.0)
        #expect(first.1.count == second.1.count)
        #expect(first.1.count > 5)
    }
}

@Suite struct `A node and its disk` {
    @Test func `an offer that could not be stored is refused and not published`() throws {
        var (network, nodes) = TestNetwork.star(count: 2, seed: 31)
        network.failStore(of: nodes[1], with: .diskFull)
        guard case .failed(.refused(.notDurable))? = network.ask(nodes[1], .publishOffer(.rtx4090())) else {
            Issue.record("the offer was taken although the disk is full")
            return
        }
        network.run(for: .seconds(2))
        #expect(network.node(nodes[0])?.marketListings.isEmpty == true)
        network.failStore(of: nodes[1], with: nil)
        let offer = try network.publish(on: nodes[1])
        #expect(network.run(atMost: .seconds(2)) { $0.sees(nodes[0], offer) })
    }

    @Test func `a copied home stops signing when it hears the other`() throws {
        var (network, nodes) = TestNetwork.star(count: 3, seed: 32)
        _ = try network.publish(on: nodes[1])
        let forged = try TestNetwork.signedElsewhere(by: nodes[1], at: network.unixMilliseconds)
        _ = network.ask(nodes[0], .importRecords([forged.envelope]))
        network.run(for: .seconds(150))
        guard case .status(let status)? = network.ask(nodes[1], .status) else { return }
        #expect(!status.isSigning)
        #expect(network.events.contains { if case .signingStopped = $0.event { $0.node == nodes[1] } else { false } })
    }

    @Test func `an import answers each envelope with its verdict`() throws {
        var (network, nodes) = TestNetwork.star(count: 2, seed: 33)
        let offer = try network.publish(on: nodes[1])
        network.run(for: .seconds(2))
        var broken = offer.envelope
        broken[broken.count - 1] ^= 1
        guard
            case .imported(let verdicts)? = network.ask(nodes[0], .importRecords([offer.envelope, broken, [1, 2, 3]]))
        else {
            Issue.record("the import was not answered")
            return
        }
        #expect(verdicts.count == 3)
        #expect(verdicts[0] == .ignore(.duplicate))
        if case .reject = verdicts[2] {} else { Issue.record("noise was not rejected: \(verdicts[2])") }
    }
}
