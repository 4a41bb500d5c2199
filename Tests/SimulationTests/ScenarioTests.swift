import Laboratory
import Node
import Primitives
import Simulator
import Testing

/// Every scenario of CI size with all its seeds, and whatever it expects.
@Suite struct `A scenario of CI size` {
    @Test(arguments: ScenarioFolder.files(in: ""))
    func `holds what it promises`(file: String) throws {
        let scenario = try ScenarioFolder.load(file).scenario
        var failures: [String] = []
        var seen: Set<String> = []
        var unseen: [String: String] = [:]
        for seed in scenario.seeds {
            var simulation = Simulation(scenario: scenario, seed: seed)
            simulation.run()
            let result = simulation.finish()
            #expect(result.stopped == nil)
            for verdict in result.verdicts {
                if verdict.isSometimes {
                    // One seed is enough: a scenario must exercise what it claims to, not with every draw.
                    if verdict.isPassed { seen.insert(verdict.name) } else { unseen[verdict.name] = verdict.finding }
                } else if !verdict.isPassed {
                    failures.append(Self.text(verdict, file, seed))
                }
            }
        }
        for name in unseen.keys.sorted() where !seen.contains(name) { failures.append("\(name): with no seed") }
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    }

    /// What failed, where, and the line that repeats it.
    private static func text(_ verdict: Verdict, _ file: String, _ seed: UInt64) -> String {
        var text = "\(verdict.name): \(verdict.finding)"
        if let failure = verdict.failure {
            text += ", first at \(failure.at.nanoseconds / 1_000_000) ms"
            if let node = failure.node { text += " with node \(node)" }
        }
        return text + "\n    rialto sim run Simulations/\(file) --seed \(seed)"
    }
}

@Suite struct `Files of scenarios` {
    @Test func `are found`() {
        #expect(ScenarioFolder.files(in: "").count >= 19)
        #expect(ScenarioFolder.files(in: "long").count >= 10)
        #expect(ScenarioFolder.files(in: "attacks").count >= 5)
        #expect(ScenarioFolder.files(in: "validate").count >= 6)
    }

    @Test(arguments: ["", "long", "attacks"].flatMap(ScenarioFolder.files))
    func `are read, say what they prove, and expect something`(file: String) throws {
        let scenario = try ScenarioFolder.load(file).scenario
        #expect(scenario.purpose.hasSuffix("."))
        #expect(!scenario.expectations.isEmpty)
        #expect(scenario.always == Invariant.allCases)
        #expect(!scenario.seeds.isEmpty)
    }

    @Test(arguments: ["", "attacks"].flatMap(ScenarioFolder.files))
    func `stay small enough for every change`(file: String) throws {
        let scenario = try ScenarioFolder.load(file).scenario
        #expect(scenario.nodeCount <= 200)
        #expect(scenario.duration <= .seconds(780))
        #expect(scenario.seeds.count >= 2)
    }

    @Test(arguments: ScenarioFolder.files(in: "long"))
    func `of long runs are long`(file: String) throws {
        let scenario = try ScenarioFolder.load(file).scenario
        #expect(scenario.nodeCount >= 200 || scenario.duration >= .seconds(3_600))
    }

    @Test func `cover every fault, every fidelity but frames, every role, every invariant and every expectation`()
        throws
    {
        let scenarios = try ["", "attacks"].flatMap(ScenarioFolder.files).map { try ScenarioFolder.load($0).scenario }
        let roles = scenarios.flatMap { $0.adversaries.map { Self.word(of: $0.role) } }
        #expect(
            Set(roles) == [
                "silent", "covert", "spammer", "forger", "equivocator", "replayer", "doubleBooker", "phantom",
                "censor", "poisoner", "hider", "squatter", "flooder", "reflector",
                "crowder",
            ]
        )
        let faults = Set(scenarios.flatMap { $0.faults.map { Self.word(of: $0.fault) } })
        #expect(
            faults.isSuperset(of: [
                "partition", "onewayPartition", "swizzle", "crash", "departure", "flashCrowd", "slowLinks", "clockStep",
                "diskFull", "disconnect", "pause", "corrupt",
            ])
        )
        #expect(Set(scenarios.map(\.fidelity)).isSuperset(of: [.messages, .bytes]))
        let expectations = Set(scenarios.flatMap { $0.expectations.map { Self.word(of: $0) } })
        #expect(
            expectations == [
                "delivery", "latency", "equalSets", "completeListings", "overhead", "contained", "conflictsKnown",
                "proofsKnown", "leasesComplete", "searchesComplete", "lookupsSucceed", "honestCompany",
                "reflectedDials", "sometimes",
            ]
        )
    }

    @Test(arguments: ScenarioFolder.files(in: "validate"))
    func `of validations name a computation, or are scenarios`(file: String) throws {
        let path = ScenarioFolder.path + "/" + file
        guard ValidationFile.isValidation(path: path) else {
            _ = try ScenarioFolder.load(file)
            return
        }
        let validation = try ValidationFile.load(path: path)
        _ = try Validation(validation.name, parameters: validation.parameters)
        #expect(validation.seeds.count >= 5)
    }

    /// The case's name, without what it carries.
    private static func word(of value: some Any) -> String { String(String(describing: value).prefix { $0 != "(" }) }
}

@Suite struct `One seed` {
    static let scenario: Scenario = {
        var scenario = Scenario(
            name: "small",
            purpose: "A small market.",
            nodeCount: 10,
            buildUp: .seconds(10),
            measured: .seconds(20)
        )
        scenario.workload.changesPerSecond = 2
        scenario.faults = [
            PlannedFault(at: .seconds(5), fault: .crash(.count(2), losesUnsynced: true, down: .seconds(2)))
        ]
        return scenario
    }()

    static func traces(seed: UInt64) -> [UInt64] {
        var simulation = Simulation(scenario: scenario, seed: seed)
        simulation.run()
        return simulation.finish().traceHashes
    }

    @Test func `gives one run, and another seed another`() {
        let first = Self.traces(seed: 1)
        #expect(first.count > 30)
        #expect(Self.traces(seed: 1) == first)
        #expect(Self.traces(seed: 2) != first)
    }
}
