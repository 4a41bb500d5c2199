internal import ArgumentParser
internal import Laboratory
internal import Primitives
internal import Simulator

/// The command `rialto sim shrink`.
struct SimShrink: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shrink",
        abstract: "Make a failing scenario as small as it can be and still fail in the same way.",
        discussion: """
            Shortens the run, leaves out kinds of faults, then single faults, adversaries, churn and the network's faults, and then \
            nodes. Prints the smaller scenario, or writes it to --out; a file of it makes a good test.

            Example:
              rialto sim shrink Simulations/partition-heal.yaml --seed 3 --out partition-small.yaml
            """
    )

    @Argument(help: "The scenario's file.")
    var file: String

    @Option(
        help: ArgumentHelp("The seed with which it fails (default: the first of the file's that does).", valueName: "n")
    )
    var seed: UInt64?

    @Option(help: ArgumentHelp("Write the smaller scenario there.", valueName: "file"))
    var out: String?

    @Option(help: ArgumentHelp("At most so many runs.", valueName: "n"))
    var maxRuns = Shrinker.runCountMax

    @Option(help: ArgumentHelp("The expectation that must fail (default: the first that does).", valueName: "words"))
    var check: String?

    @OptionGroup(title: "Scenario") var scenario: ScenarioOptions

    func run() throws {
        let file = try scenario.load(file)
        guard let (seed, verdict) = firstFailure(file) else {
            throw CommandFailure(.failed, "nothing fails: there is nothing to make smaller")
        }
        Terminal.complain("seed \(seed) fails '\(verdict.name)': \(verdict.finding)")
        let failedAt = verdict.failure.map { Instant.zero.duration(to: $0.at) }
        var shrinker = Shrinker(
            file.scenario,
            runLimit: maxRuns,
            fails: { failing($0, seed).contains { Self.isAlike($0, verdict) } },
            note: { Terminal.complain("still fails: \($0)") }
        )
        shrinker.shrink(failingAt: failedAt)
        var small = shrinker.scenario
        small.seeds = [seed]
        if let out { small.name = ScenarioFile.name(of: out) }
        let text = ScenarioWriter.text(small)
        Terminal.complain(
            "\(shrinker.runCount.counted("run"))\(shrinker.isExhausted ? "; the limit of --max-runs is reached" : "")"
        )
        guard let out else { return print(String(text.dropLast())) }
        try ScenarioOptions.explaining { try WholeFile.write(text, to: out) }
    }

    /// Whether two failures are of one kind: of the same expectation, and in the same way.
    ///
    /// A network too small to publish anything fails every expectation of delivery, and that is another failure.
    private static func isAlike(_ verdict: Verdict, _ other: Verdict) -> Bool {
        verdict.name == other.name && verdict.kind == other.kind
    }

    private func firstFailure(_ file: ScenarioFile) -> (UInt64, Verdict)? {
        for seed in seed.map({ [$0] }) ?? file.scenario.seeds {
            let verdicts = failing(file.scenario, seed).filter { check == nil || $0.name == check }
            if let verdict = verdicts.first { return (seed, verdict) }
        }
        return nil
    }

    private func failing(_ scenario: Scenario, _ seed: UInt64) -> [Verdict] {
        var simulation = Simulation(scenario: scenario, seed: seed, options: self.scenario.simulationOptions)
        simulation.run()
        return simulation.finish().verdicts.filter { !$0.isPassed }
    }
}
