import Primitives
import Simulator
import Testing

@testable import Laboratory

@Suite struct `Scenario writer` {
    @Test func `a scenario is written as a person would`() throws {
        var scenario = Scenario(
            name: "heal",
            purpose: "Two halves agree again.",
            nodeCount: 40,
            buildUp: .seconds(30),
            measured: .seconds(150)
        )
        scenario.network.loss = Share(millionths: 1_000)
        scenario.faults = [
            PlannedFault(at: .seconds(60), fault: .partition(split: Share(percent: 50), for: .seconds(60)))
        ]
        scenario.adversaries = [AdversaryPlan(role: .silent, quota: .share(Share(percent: 10)))]
        scenario.expectations = [.equalSets(within: .seconds(60)), .sometimes(.reconnection)]
        #expect(
            ScenarioWriter.text(scenario) == """
                name: heal
                purpose: Two halves agree again.
                nodes: 40
                duration: {build-up: 30s, measure: 2.5m}
                network: {loss: 0.1%}
                faults:
                  - {at: 1m, partition: {split: 50%, for: 1m}}
                adversaries:
                  - {silent: 10%}
                expect:
                  equal-sets: 1m
                  sometimes: [reconnection]
                seeds: [1, 2]

                """
        )
    }

    @Test(arguments: 1...200)
    func `every scenario comes back as it was`(seed: Int) throws {
        var draw = ScenarioDraw(seed: seed)
        let scenario = draw.scenario()
        let text = ScenarioWriter.text(scenario)
        do {
            #expect(try ScenarioReader.read(text, path: "\(scenario.name).yaml") == scenario, "\(text)")
        } catch {
            Issue.record("\(error) in\n\(text)")
        }
    }

    @Test(arguments: [
        "yes", "a: b", "# no", "\"", "ends: ", "two\nlines", "Größe – 3 µs", "'", "{a}", "- x", "\u{7}bell", "a #b",
        "trailing ",
    ])
    func `any sentence comes back as it was`(purpose: String) throws {
        var scenario = Scenario(name: "a", purpose: purpose, nodeCount: 2, buildUp: .zero, measured: .seconds(1))
        scenario.always = []
        #expect(try ScenarioReader.read(ScenarioWriter.text(scenario), path: "a.yaml") == scenario)
    }
}

/// Scenarios with every word, drawn from a seed.
private struct ScenarioDraw {
    private var random: SeededRandom

    init(seed: Int) {
        random = SeededRandom(seed: [UInt8](repeating: UInt8(seed), count: SeededRandom.seedByteCount))
    }

    mutating func scenario() -> Scenario {
        var scenario = Scenario(
            name: "drawn-\(random.below(100))",
            purpose: ["It holds.", "It: holds?", "Größe"][random.below(3)],
            nodeCount: 2 + random.below(10_000),
            buildUp: length(),
            measured: .seconds(1 + random.below(100_000))
        )
        scenario.fidelity = Fidelity.allCases[random.below(3)]
        scenario.network = network()
        if random.chance(1, in: 2) { scenario.churn = churn() }
        scenario.workload.providers = quota()
        scenario.workload.segmentCount = 1 + random.below(16)
        if random.chance(1, in: 2) { scenario.workload.changesPerSecond = 1 + random.below(100) }
        if random.chance(1, in: 2) {
            var plan = LeasePlan()
            (plan.renters, plan.every, plan.lasting, plan.meterEvery) = (quota(), positive(), positive(), positive())
            scenario.workload.leases = plan
        }
        scenario.clocks.skew = length()
        if random.chance(1, in: 2) {
            var plan = SearchPlan()
            (plan.followed, plan.every) = (random.below(17), positive())
            scenario.workload.searches = plan
        }
        if random.chance(1, in: 2) {
            scenario.discovery = DiscoveryPlan()
            var plan = LookupPlan()
            plan.perSecond = 1 + random.below(100)
            plan.kinds = Array(LookupPlan.Kind.allCases.prefix(1 + random.below(4)))
            scenario.workload.lookups = plan
        }
        if scenario.fidelity == .bytes, random.chance(1, in: 2) {
            let low = 1 + random.below(99)
            scenario.connections = ConnectionPlan(lowWater: low, highWater: low + random.below(99))
        }
        for _ in 0..<random.below(6) {
            let fault = fault()
            if case .corrupt = fault.fault, scenario.fidelity != .bytes { continue }
            scenario.faults.append(PlannedFault(at: min(fault.at, scenario.measured), fault: fault.fault))
        }
        scenario.adversaries = [
            adversary(), adversary(), AdversaryPlan(role: .equivocator, quota: quota()),
            AdversaryPlan(role: .doubleBooker, quota: quota()),
        ]
        leaveSense(in: &scenario)
        scenario.always = Invariant.allCases.filter { _ in random.chance(1, in: 2) }
        scenario.expectations = expectations(of: scenario)
        scenario.seeds = (0..<1 + random.below(4)).map { UInt64($0) * 7 }
        return scenario
    }

    /// Takes away what the reader would refuse.
    private func leaveSense(in scenario: inout Scenario) {
        for index in scenario.faults.indices.reversed()
        where ScenarioSense.complaint(ofFault: index, in: scenario) != nil { scenario.faults.remove(at: index) }
        for index in scenario.adversaries.indices.reversed()
        where ScenarioSense.complaint(ofAdversary: index, in: scenario) != nil {
            scenario.adversaries.remove(at: index)
        }
        if ScenarioSense.complaint(ofChangesIn: scenario) != nil { scenario.workload.changesPerSecond = nil }
    }

    private mutating func expectations(of scenario: Scenario) -> [Simulator.Expectation] {
        let has = { (role: AdversaryRole) in scenario.adversaries.contains { $0.role == role } }
        var expectations: [Simulator.Expectation] = [
            .delivery(atLeast: share(), within: length()), .delivery(atLeast: share(), within: length()),
            .latency(percentile: 1 + random.below(10_000), within: length()),
            .equalSets(within: .seconds(5) + length()),
            .completeListings, .overhead(atMostHundredths: 100 + random.below(5_000)), .sometimes(.misbehaviour),
            .sometimes(.storeFailure),
        ]
        if !scenario.adversaries.isEmpty { expectations.append(.contained(atLeast: share())) }
        if has(.equivocator) { expectations.append(.conflictsKnown(within: length())) }
        if has(.reflector) { expectations.append(.reflectedDials(atMostPerMinute: random.below(9))) }
        if has(.doubleBooker) { expectations.append(.proofsKnown(to: share(), within: length())) }
        if scenario.workload.leases != nil { expectations.append(.leasesComplete(atLeast: share())) }
        if scenario.workload.searches != nil { expectations.append(.searchesComplete(atLeast: share())) }
        if scenario.workload.lookups != nil {
            expectations += [.lookupsSucceed(atLeast: share()), .honestCompany(atLeast: share())]
        }
        return expectations
    }

    private mutating func length() -> Duration { .nanoseconds(random.below(400_000_000) * 1_000) }
    private mutating func positive() -> Duration { length() + .microseconds(1) }
    private mutating func share() -> Share { Share(millionths: random.below(1_000_001)) }
    private mutating func quota() -> Quota { random.chance(1, in: 2) ? .count(random.below(50)) : .share(share()) }

    private mutating func network() -> NetworkPlan {
        var plan = NetworkPlan()
        let (low, more) = (length(), length())
        let plans: [LatencyPlan] = [
            .regions, .constant(low), .uniform(low, low + more), .coordinates(side: low, access: more),
            LatencyMatrix(placeCount: 2, roundTrips: [.zero, low, more, .zero]).map { .matrix($0) } ?? .regions,
        ]
        plan.latency = plans[random.below(plans.count)]
        plan.jitter = share()
        plan.loss = Share(millionths: random.below(1_000_000))
        if random.chance(1, in: 2) { plan.upload = 1 + random.below(1 << 40) }
        plan.nat.restricted = Share(millionths: random.below(500_000))
        plan.nat.symmetric = Share(millionths: random.below(500_000))
        return plan
    }

    private mutating func churn() -> ChurnPlan {
        let factor = Double(1 + random.below(100_000)) / 1_000
        let all: [Distribution] = [
            .constant(positive()), .uniform(.zero, positive()), .exponential(mean: positive()),
            .weibull(shape: factor, scale: positive()), .pareto(shape: 1 + factor, scale: positive()),
            .lognormal(median: positive(), sigma: factor), .trace([positive(), length()]),
        ]
        var plan = ChurnPlan(session: all[random.below(all.count)], downtime: all[random.below(all.count)])
        plan.keepsIdentity = random.chance(1, in: 2)
        plan.stable = quota()
        return plan
    }

    private mutating func fault() -> PlannedFault {
        let all: [Fault] = [
            .partition(split: share(), for: length()), .onewayPartition(split: share(), for: length()),
            .swizzle(links: share(), within: length(), hold: length()),
            .crash(quota(), losesUnsynced: random.chance(1, in: 2), down: length()), .departure(quota()),
            .flashCrowd(quota(), within: length()), .disconnect(quota()),
            .slowLinks(quota(), factor: 2 + random.below(50), for: length()),
            .clockStep(quota(), by: random.chance(1, in: 2) ? .zero - length() : length()),
            .diskFull(quota(), for: length()), .pause(quota(), for: length()),
            .corrupt(perMille: 1 + random.below(1_000), for: length()),
        ]
        return PlannedFault(at: length(), fault: all[random.below(all.count)])
    }

    private mutating func adversary() -> AdversaryPlan {
        let rate = 1 + random.below(100)
        let roles: [AdversaryRole] = [
            .silent, .covert(at: length()), .spammer(perSecond: rate), .forger(perSecond: rate),
            .replayer(perSecond: rate), .equivocator, .phantom, .censor, .poisoner, .squatter,
            .flooder, .hider(.storefront), .hider(.segment), .reflector, .crowder,
        ]
        return AdversaryPlan(role: roles[random.below(roles.count)], quota: quota())
    }
}
