internal import ArgumentParser

/// The command `rialto sim`.
struct Sim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the node's own code in virtual time: thousands of nodes, faults, attackers.",
        discussion: """
            A scenario is a short YAML file: how many nodes, on what network, what breaks, who attacks, and what must hold. A run is \
            a pure function of the file's bytes, the seed and the version of the program; it needs no network, no clock and no home.

            Examples:
              rialto sim list
              rialto sim run Simulations/calm-market.yaml
              rialto sim run Simulations/partition-heal.yaml --seed 1 --out out --csv --html
              rialto sim sweep Simulations/calm-market.yaml --out out --jobs 4
              rialto sim compare before after
              rialto sim bench kad --nodes 10000

            Exit codes of 'sim': 0 everything held, 1 a check failed, 2 the scenario makes no sense, 3 a limit ended the run, \
            4 two runs of one seed differ. Above 128 a signal ended it: only that is worth another try.
            """,
        subcommands: [
            SimRun.self, SimList.self, SimSweep.self, SimCompare.self, SimReplay.self, SimShrink.self, SimBench.self,
            SimValidate.self,
        ]
    )
}

/// How a simulation ended, as its exit code.
enum SimulationExit: Int32 {
    case passed = 0
    /// A check failed: a result, which another try does not change.
    case failed = 1
    case badScenario = 2
    case limit = 3
    case differs = 4

    /// Ends the command with this code; nothing more is printed.
    func end() throws {
        if self != .passed { throw ExitCode(rawValue) }
    }
}
