import Cryptography
import Market
import Node
import Primitives
import Testing

@testable import Simulator

extension Scenario {
    /// A small market on a network of ten to sixty milliseconds.
    static func town(_ nodeCount: Int, _ fidelity: Fidelity = .messages, measured: Duration = .seconds(40)) -> Scenario
    {
        var town = Scenario(
            name: "town",
            purpose: "A small market.",
            nodeCount: nodeCount,
            buildUp: .seconds(20),
            measured: measured
        )
        town.fidelity = fidelity
        town.network.latency = .uniform(.milliseconds(10), .milliseconds(60))
        town.workload.providers = .share(Share(percent: 50))
        town.workload.publishWithin = .seconds(5)
        town.workload.changeEvery = .seconds(60)
        return town
    }
}

extension Simulation {
    static func finished(_ scenario: Scenario, seed: UInt64 = 1) -> RunResult {
        var simulation = Simulation(scenario: scenario, seed: seed)
        simulation.run()
        return simulation.finish()
    }

    /// Nodes that hold the newest word of a provider's first offer.
    func holders(ofOffersBy provider: Int) -> Int {
        nodes.count { node in
            node.isUp
                && node.machines[0].marketListings.contains { listing in
                    listing.provider == nodes[provider].identity.key.publicKey
                }
        }
    }

    var providers: [Int] { nodes.indices.filter { nodes[$0].provider.offerCount > 0 } }
}

@Suite struct `A simulated market` {
    @Test(arguments: [(Fidelity.messages, 20), (.frames, 20), (.bytes, 8)])
    func `that is calm delivers everything, whatever is computed of the wire`(fidelity: Fidelity, count: Int) {
        var scenario = Scenario.town(count, fidelity)
        scenario.expectations = [
            .delivery(atLeast: .all, within: .seconds(5)), .equalSets(within: .seconds(10)), .completeListings,
        ]
        let result = Simulation.finished(scenario)
        for verdict in result.verdicts { #expect(verdict.isPassed, "\(verdict.name): \(verdict.finding)") }
        #expect(!result.publications.isEmpty)
        #expect(result.fidelity == fidelity)
    }

    @Test func `is the same for one seed, event for event, and another for another`() {
        let scenario = Scenario.town(12)
        let (first, second) = (Simulation.finished(scenario), Simulation.finished(scenario))
        #expect(first.traceHashes == second.traceHashes)
        #expect(first.eventCount == second.eventCount && first.seconds == second.seconds)
        #expect(Simulation.finished(scenario, seed: 2).traceHash != first.traceHash)
    }

    @Test func `is not shifted by being watched or by where it is halted`() {
        let scenario = Scenario.town(8)
        var options = SimulationOptions()
        (options.transcriptFrom, options.invariantStride, options.collectsPublications) = (.zero, 1, false)
        var watched = Simulation(scenario: scenario, seed: 1, options: options)
        while !watched.run(until: watched.now.advanced(by: .milliseconds(700))) {}
        let result = watched.finish()
        #expect(result.traceHashes == Simulation.finished(scenario).traceHashes)
        #expect(watched.transcript.count == result.eventCount)
    }

    @Test func `computes one signature for each record unless it is told to compute them all`() {
        let scenario = Scenario.town(8)
        var options = SimulationOptions()
        options.computesSignatures = true
        var thorough = Simulation(scenario: scenario, seed: 1, options: options)
        thorough.run()
        let (all, once) = (thorough.finish(), Simulation.finished(scenario))
        #expect(all.traceHashes == once.traceHashes)
        let computed = { (result: RunResult) in
            result.metrics.first { $0.name == "signatures_computed_total" }?.value ?? 0
        }
        #expect(computed(all) > 4 * computed(once))
    }

    @Test func `counts as duplicates what a node had before, and nothing where that is not known`() {
        let sums = [Fidelity.messages, .frames, .bytes].map { fidelity in
            // Of two nodes that hear each other alone, neither is told anything twice.
            Simulation.finished(Scenario.town(2, fidelity)).seconds.map { $0.duplicates }
        }
        #expect(sums[0].allSatisfy { $0 == 0 }, "\(sums[0])")
        #expect((sums[1] + sums[2]).allSatisfy { $0 == nil })
        let crowd = Simulation.finished(Scenario.town(12)).seconds
        #expect(crowd.reduce(0) { $0 + ($1.duplicates ?? 0) } > 0)
        #expect(crowd.allSatisfy { $0.gossipBytes != nil && $0.exchangeBytes != nil })
        let real = Simulation.finished(Scenario.town(2, .bytes)).seconds
        #expect(real.allSatisfy { $0.gossipBytes == nil && $0.exchangeBytes == nil })
    }

    @Test func `shares its bytes among the nodes that were up, second by second`() throws {
        var scenario = Scenario.town(10)
        scenario.faults = [PlannedFault(at: .zero, fault: .departure(.count(8)))]
        let result = Simulation.finished(scenario)
        let metrics = Dictionary(uniqueKeysWithValues: result.metrics.map { ($0.name, $0.value) })
        let upSeconds = result.seconds.reduce(0) { $0 + $1.nodesUp }
        let share = try #require(metrics["bytes_per_node_and_second"])
        let expected = try #require(metrics["bytes_total"]) / Double(upSeconds)
        #expect(abs(share / expected - 1) < 0.05, "\(share) and \(expected)")
        #expect(upSeconds < 10 * 60 / 2)
    }

    @Test(arguments: [Fidelity.messages, .bytes])
    func `holds what every machine keeps against the machine's own limits`(fidelity: Fidelity) {
        var simulation = Simulation(scenario: .town(6, fidelity), seed: 1)
        simulation.run(until: .zero.advanced(by: .seconds(30)))
        var (witness, gauges) = (NodeWitness(nodes: simulation.nodes), [Gauge]())
        witness.gauges(of: 0, into: &gauges)
        let peers = gauges.first { $0.name == "peers" }
        #expect((peers?.value ?? 0) > 0)
        #expect((gauges.first { $0.name == "record bytes" }?.value ?? 0) > 0)
        #expect(gauges.contains { $0.name == "streams" && $0.value > 0 } == (fidelity == .bytes))
        #expect(gauges.allSatisfy { (0...$0.limit).contains($0.value) && $0.limit > 0 })
        #expect(Set(gauges.map(\.name)).count == gauges.count)
    }

    @Test func `draws when something happens and what it is from two streams`() {
        let simulation = Simulation(scenario: .town(3), seed: 1)
        let life = simulation.life(of: 1)
        var (bids, searches) = (
            [WorkloadDraw.wait, .choice].map { simulation.bidStream(of: life, $0) },
            [WorkloadDraw.wait, .choice].map { simulation.searchStream(of: life, $0) }
        )
        let words = bids.indices.map { bids[$0].next() } + searches.indices.map { searches[$0].next() }
        #expect(Set(words).count == 4)
    }

    @Test func `counts as missed what was asked and never answered`() {
        var scenario = Scenario.town(6, measured: .seconds(200))
        scenario.workload.searches = SearchPlan()
        scenario.workload.changeEvery = nil
        var simulation = Simulation(scenario: scenario, seed: 1)
        simulation.run(until: .zero.advanced(by: .seconds(150)))
        let (lookups, searches) = (simulation.referee.lookups, simulation.referee.searches)
        let asked = Instant.zero.advanced(by: .seconds(25))
        simulation.nodes[1].questions = [1 << 40: LookupQuestion(sought: .peer(2), at: asked)]
        let segment = simulation.segments[0]
        // One that waits, and one that is refused.
        simulation.nodes[1].searches = [
            1 << 40: SearchQuestion(segment: segment, at: asked), 1 << 41: SearchQuestion(segment: segment, at: asked),
        ]
        simulation.answered(CommandID(rawValue: 1 << 41), .failed(.tooMany(limit: 16)), by: 1)
        #expect(simulation.referee.searches.count == searches.count + 1)
        _ = simulation.finish()
        #expect(simulation.referee.lookups.count == lookups.count + 1)
        #expect(simulation.referee.lookups.foundCount == lookups.foundCount)
        #expect(simulation.referee.searches.count == searches.count + 2)
        #expect(simulation.referee.searches.completeCount == searches.completeCount)
    }

    @Test func `ends where the caller's limit of virtual time is`() {
        var options = SimulationOptions()
        options.virtualLimit = .seconds(7)
        var short = Simulation(scenario: .town(3), seed: 1, options: options)
        let isOver = short.run()
        let result = short.finish()
        #expect(isOver && result.virtualTime == .seconds(7))
        #expect(result.stopped == .virtualTime)
    }

    @Test func `whose prices should change faster than peers pass on changes them as fast as they do`() {
        var scenario = Scenario.town(8, measured: .seconds(120))
        (scenario.workload.changeEvery, scenario.workload.changesPerSecond) = (nil, 20)
        scenario.expectations = [.delivery(atLeast: .all, within: .seconds(5))]
        let result = Simulation.finished(scenario)
        for verdict in result.verdicts { #expect(verdict.isPassed, "\(verdict.name): \(verdict.finding)") }
        // Four providers, one change in ten seconds each.
        #expect((40...52).contains(result.publications.count))
    }

    @Test func `has nodes come and go as the churn model wants it`() {
        var scenario = Scenario.town(12, measured: .seconds(120))
        scenario.churn = ChurnPlan(
            session: .exponential(mean: .seconds(40)),
            downtime: .exponential(mean: .seconds(20))
        )
        scenario.expectations = [.sometimes(.restart)]
        let result = Simulation.finished(scenario)
        for verdict in result.verdicts { #expect(verdict.isPassed, "\(verdict.name): \(verdict.finding)") }
        let up = result.seconds.dropFirst(20).map(\.nodesUp)
        #expect(Set(up).count > 3)
        // Two thirds of the time each of eleven is up, and the stable one always.
        #expect((6...11).contains(up.reduce(0, +) / up.count))
    }

    @Test func `gives a node that returns as somebody else a new key and an empty store`() {
        var scenario = Scenario.town(4)
        scenario.churn = ChurnPlan(session: .constant(.seconds(1_000)), downtime: .constant(.seconds(5)))
        scenario.churn?.keepsIdentity = false
        var simulation = Simulation(scenario: scenario, seed: 1)
        simulation.run(until: .zero.advanced(by: .seconds(30)))
        let index = simulation.nodes.indices.first { $0 > 0 && simulation.nodes[$0].isUp } ?? 1
        let before = simulation.nodes[index].identity.peer
        simulation.leave(simulation.life(of: index))
        simulation.run(until: .zero.advanced(by: .seconds(36)))
        #expect(simulation.nodes[index].isUp)
        #expect(simulation.nodes[index].identity.peer != before)
        #expect(simulation.directory.node(of: before) == index)
    }
}
