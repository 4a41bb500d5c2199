import Market
import Node
import Primitives
import Testing

@testable import Simulator

@Suite struct `A fault in the world` {
    private static func grown(_ count: Int, _ fidelity: Fidelity = .messages, seed: UInt64 = 1) -> Simulation {
        var scenario = Scenario.town(count, fidelity, measured: .seconds(600))
        scenario.workload.changeEvery = nil
        var simulation = Simulation(scenario: scenario, seed: seed)
        simulation.run(until: .zero.advanced(by: .seconds(20)))
        return simulation
    }

    @Test(arguments: [Fidelity.messages, .bytes])
    func `that cuts one way ends the connections across, and both sides agree again after it`(fidelity: Fidelity) {
        var simulation = Self.grown(6, fidelity)
        let side = [0, 1, 2]
        func crossing(_ simulation: Simulation) -> Int {
            simulation.nodes.indices.reduce(0) { sum, node in
                sum
                    + simulation.nodes[node].machines[0].connectedPeers.count { peer in
                        side.contains(node) != side.contains(simulation.directory.node(of: peer) ?? node)
                    }
            }
        }
        #expect(crossing(simulation) > 0)
        simulation.carryOut(.partition(fault: 0, side: side, isOneWay: true))
        simulation.run(until: simulation.now.advanced(by: .seconds(70)))
        #expect(crossing(simulation) == 0)
        guard let provider = simulation.providers.first(where: side.contains) else { return }
        let offer = simulation.nodes[provider].provider.offers[0]
        var change = OfferChange()
        change.gpuHourMicros = 77
        simulation.command(provider, .updateOffer(offer, change))
        simulation.run(until: simulation.now.advanced(by: .seconds(5)))
        func informed(_ simulation: Simulation) -> [Int] {
            simulation.nodes.indices.filter { node in
                simulation.nodes[node].machines[0].marketListings.contains { $0.offer.price.gpuHourMicros == 77 }
            }
        }
        #expect(informed(simulation) == side)
        simulation.carryOut(.heal(fault: 0))
        simulation.run(until: simulation.now.advanced(by: .seconds(320)))
        #expect(informed(simulation) == Array(simulation.nodes.indices))
    }

    @Test func `that lasts a moment is a stall: what was sent meanwhile arrives afterwards, in order`() {
        var simulation = Self.grown(4)
        let connections = simulation.wires.upCount
        let side = [simulation.providers[0]]
        simulation.carryOut(.partition(fault: 0, side: side, isOneWay: false))
        var change = OfferChange()
        change.gpuHourMicros = 78
        simulation.command(side[0], .updateOffer(simulation.nodes[side[0]].provider.offers[0], change))
        simulation.run(until: simulation.now.advanced(by: .seconds(8)))
        #expect(
            simulation.wires.all.contains {
                simulation.wires.holdsBack(from: $0) || simulation.wires.holdsBack(from: $0.far)
            }
        )
        simulation.carryOut(.heal(fault: 0))
        simulation.run(until: simulation.now.advanced(by: .milliseconds(500)))
        #expect(simulation.wires.upCount == connections)
        for node in simulation.nodes {
            #expect(node.machines[0].marketListings.contains { $0.offer.price.gpuHourMicros == 78 })
        }
    }

    @Test(arguments: [true, false])
    func `that crashes a provider leaves it its offers and never lets it sign a sequence twice`(loses: Bool) throws {
        var scenario = Scenario.town(6, measured: .seconds(60))
        scenario.workload.changeEvery = .seconds(5)
        scenario.faults = [
            PlannedFault(
                at: .seconds(10),
                fault: .crash(.share(Share(percent: 60)), losesUnsynced: loses, down: .seconds(3))
            )
        ]
        scenario.expectations = [.sometimes(.restart), .completeListings]
        let result = Simulation.finished(scenario)
        for verdict in result.verdicts { #expect(verdict.isPassed, "\(verdict.name): \(verdict.finding)") }
    }

    @Test func `that fills a disk keeps the provider from publishing until it is mended`() {
        var simulation = Self.grown(4)
        let provider = simulation.providers[0]
        simulation.setDiskFull(provider, true)
        var change = OfferChange()
        change.gpuHourMicros = 79
        let offer = simulation.nodes[provider].provider.offers[0]
        func isTold(_ simulation: Simulation) -> Bool {
            simulation.nodes[0].machines[0].marketListings.contains { $0.offer.price.gpuHourMicros == 79 }
        }
        // The block of sequence numbers is durable already; the record is not.
        simulation.command(provider, .updateOffer(offer, change))
        simulation.run(until: simulation.now.advanced(by: .seconds(3)))
        #expect(!isTold(simulation))
        simulation.setDiskFull(provider, false)
        simulation.command(provider, .updateOffer(offer, change))
        simulation.run(until: simulation.now.advanced(by: .seconds(3)))
        #expect(isTold(simulation))
    }

    @Test func `that pauses a node lets it catch up with all that happened, in order`() {
        var simulation = Self.grown(5)
        let provider = simulation.providers[0]
        let sleeper = provider == 1 ? 2 : 1
        simulation.pause(sleeper)
        var change = OfferChange()
        change.gpuHourMicros = 80
        simulation.command(provider, .updateOffer(simulation.nodes[provider].provider.offers[0], change))
        simulation.run(until: simulation.now.advanced(by: .seconds(5)))
        func isTold(_ simulation: Simulation) -> Bool {
            simulation.nodes[sleeper].machines[0].marketListings.contains { $0.offer.price.gpuHourMicros == 80 }
        }
        #expect(!isTold(simulation))
        simulation.resume(sleeper)
        simulation.run(until: simulation.now.advanced(by: .seconds(1)))
        #expect(isTold(simulation))
    }

    @Test func `that takes a node away is told to nobody, and its peers find out by their pings`() {
        var simulation = Self.grown(5)
        let peer = simulation.nodes[3].identity.peer
        simulation.end(3, .departed)
        simulation.run(until: simulation.now.advanced(by: .seconds(10)))
        #expect(simulation.nodes[0].links.contains { $0.node == 3 })
        simulation.run(until: simulation.now.advanced(by: .seconds(30)))
        for node in simulation.nodes where node.isUp {
            #expect(!node.machines[0].connectedPeers.contains(peer))
            #expect(!node.links.contains { $0.node == 3 })
        }
    }

    @Test func `that takes away who is away already keeps it from coming back`() {
        var simulation = Self.grown(5)
        simulation.end(3, .crashed(losesUnsynced: false))
        simulation.carryOut(.depart([3]))
        simulation.start(3)
        #expect(!simulation.nodes[3].isUp && simulation.nodes[3].hasDeparted)
        #expect(simulation.nodes[3].store.restored(from: simulation.library).records.isEmpty)
    }

    @Test func `that crashes nodes starts again whom it ended, and nobody else`() {
        var simulation = Self.grown(5)
        simulation.end(3, .crashed(losesUnsynced: false))
        simulation.carryOut(.crash([2, 3, 4], losesUnsynced: false))
        #expect(simulation.nodes.map(\.isUp) == [true, true, false, false, false])
        // The fourth comes back and leaves in its own time.
        simulation.start(4)
        simulation.end(4, .crashed(losesUnsynced: false))
        simulation.carryOut(.restart([2, 3, 4]))
        #expect(simulation.nodes.map(\.isUp) == [true, true, true, false, false])
    }

    @Test func `is told with its kind and its nodes, and so is whom the world acts upon`() {
        var scenario = Scenario.town(6, measured: .seconds(10))
        scenario.faults = [PlannedFault(at: .seconds(2), fault: .pause(.count(2), for: .seconds(3)))]
        var options = SimulationOptions()
        options.transcriptFrom = .zero
        options.transcriptCountMax = .max
        var simulation = Simulation(scenario: scenario, seed: 1, options: options)
        simulation.run()
        let told = simulation.transcript.filter { $0.text.contains("fault step") }
        let hit = simulation.nodes.indices.filter { node in told.first?.concerns(node) == true }
        #expect(hit.count == 2)
        let names = "nodes \(hit[0]), \(hit[1])"
        #expect(
            told.map(\.text) == [
                "22.000000 world: fault step 0: stands still: \(names)",
                "25.000000 world: fault step 1: goes on: \(names)",
            ]
        )
        let start = simulation.transcript.first { $0.text.hasSuffix("world: starts node 5") }
        #expect(start?.concerns(5) == true && start?.concerns(4) == false)
        #expect(simulation.transcript.contains { $0.text.contains(" node 5: ") && $0.concerns(5) })
    }

    @Test func `that steps a clock is heard by the node alone`() {
        var simulation = Self.grown(3)
        let before = simulation.unixMilliseconds(of: 1)
        simulation.stepClock(of: 1, by: .seconds(-30))
        #expect(simulation.unixMilliseconds(of: 1) == before - 30_000)
        #expect(simulation.unixMilliseconds(of: 0) == before)
    }

    @Test func `that changes bytes on the way ends connections and nothing else`() {
        var scenario = Scenario.town(5, .bytes)
        scenario.faults = [PlannedFault(at: .zero, fault: .corrupt(perMille: 20, for: .seconds(20)))]
        let result = Simulation.finished(scenario)
        for verdict in result.verdicts { #expect(verdict.isPassed, "\(verdict.name): \(verdict.finding)") }
    }

    @Test func `of every kind leaves the invariants whole`() {
        var scenario = Scenario.town(12, measured: .seconds(90))
        scenario.faults = [
            PlannedFault(
                at: .seconds(1),
                fault: .swizzle(links: Share(percent: 50), within: .seconds(5), hold: .seconds(5))
            ),
            PlannedFault(at: .seconds(5), fault: .flashCrowd(.count(4), within: .seconds(3))),
            PlannedFault(at: .seconds(20), fault: .slowLinks(.count(3), factor: 20, for: .seconds(10))),
            PlannedFault(at: .seconds(30), fault: .disconnect(.count(6))),
            PlannedFault(at: .seconds(40), fault: .departure(.count(2))),
            PlannedFault(at: .seconds(45), fault: .pause(.count(2), for: .seconds(8))),
            PlannedFault(at: .seconds(50), fault: .clockStep(.count(2), by: .seconds(5))),
            PlannedFault(at: .seconds(55), fault: .diskFull(.count(2), for: .seconds(5))),
        ]
        let result = Simulation.finished(scenario)
        for verdict in result.verdicts { #expect(verdict.isPassed, "\(verdict.name): \(verdict.finding)") }
        #expect(result.nodeCount == 16)
    }
}
