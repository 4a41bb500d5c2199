internal import ArgumentParser
internal import Laboratory
internal import Simulator

/// The command `rialto sim run`.
struct SimRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a scenario, with one seed or with each of the file's.",
        discussion: """
            Prints a verdict for every expectation; with --json the line that result.jsonl holds. Progress goes to standard error.

            Examples:
              rialto sim run Simulations/calm-market.yaml
              rialto sim run Simulations/calm-market.yaml --seed 17 --nodes 500 --json
              rialto sim run Simulations/partition-heal.yaml --set network.loss=1% --out out --csv --html
              rialto sim run Simulations/calm-market.yaml --seed 1 --check-determinism
            """
    )

    @Argument(help: "The scenario's file.")
    var file: String

    @Option(help: ArgumentHelp("This seed alone (default: each of the file's).", valueName: "n"))
    var seed: UInt64?

    @OptionGroup(title: "Scenario") var scenario: ScenarioOptions
    @OptionGroup(title: "Limits") var limits: LimitOptions
    @OptionGroup(title: "Output") var output: OutputOptions

    @Flag(help: "Print the line of JSON of each run in place of the verdicts.")
    var json = false

    @Flag(help: "Run every seed twice and compare the traces second by second (exit code 4 if they differ).")
    var checkDeterminism = false

    func run() throws {
        try output.check()
        let limits = try limits.limits()
        let file = try scenario.load(file)
        var records: [RunRecord] = []
        var isSame = true
        for seed in seed.map({ [$0] }) ?? file.scenario.seeds {
            let record = once(file, seed, limits)
            if checkDeterminism {
                let again = once(file, seed, limits)
                if let divergence = Divergence.between(record.result, again.result) {
                    isSame = false
                    tell(divergence, seed)
                }
            }
            records.append(record)
        }
        records = records.judged(isWhole: seed == nil)
        try output.write(records)
        for record in records {
            if json { print(record.line) } else { RunPrinter.verdicts(record) }
        }
        if checkDeterminism, isSame, !json { print("both runs of every seed were the same") }
        try Self.exit(records, isSame: isSame).end()
    }

    private func once(_ file: ScenarioFile, _ seed: UInt64, _ limits: RunLimits) -> RunRecord {
        var printer = RunPrinter(name: file.scenario.name, seed: seed)
        defer { printer.clear() }
        return ScenarioRun.run(
            file,
            seed: seed,
            options: scenario.simulationOptions,
            limits: limits,
            programVersion: BuildStamp.programVersion,
            progress: { printer.tell($0) }
        )
    }

    private func tell(_ divergence: Divergence, _ seed: UInt64) {
        switch divergence {
        case .trace(let second):
            Terminal.complain("error: two runs with seed \(seed) differ: first in virtual second \(second)")
        case .result:
            Terminal.complain("error: two runs with seed \(seed) went the same way and were measured differently")
        }
    }

    static func exit(_ records: [RunRecord], isSame: Bool = true) -> SimulationExit {
        let outcomes = records.map { Outcome($0.result) }
        if !isSame { return .differs }
        if outcomes.contains(.failed) { return .failed }
        return outcomes.contains(.stopped) ? .limit : .passed
    }
}
