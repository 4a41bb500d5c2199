internal import ArgumentParser
internal import Foundation
internal import Laboratory
internal import LocalAPI
internal import Simulator

/// The command `rialto sim list`.
struct SimList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Name the scenarios of a directory and what each proves.",
        discussion: """
            Files that are no scenario are told, and the exit code is 2.

            Examples:
              rialto sim list
              rialto sim list Simulations/long --json
            """
    )

    @Argument(help: "The directory.")
    var directory = "Simulations"

    @Flag(help: "Print JSON, one object per line.")
    var json = false

    private struct Row: Encodable {
        let name: String
        let path: String
        let purpose: String
        let nodes: Int
        let virtualSeconds: Int64
        let fidelity: String
        let seeds: [UInt64]
        let scenarioSha256: String
    }

    func run() throws {
        let names = try? FileManager.default.contentsOfDirectory(atPath: directory)
        guard let names else { throw CommandFailure(.usage, "\(directory) cannot be read") }
        let files = names.filter { $0.hasSuffix(".yaml") && !SweepFile.isSweep(path: "\(directory)/\($0)") }.sorted()
        guard !files.isEmpty else { throw CommandFailure(.usage, "\(directory) holds no scenario") }
        var table = Table("SCENARIO", "NODES", "VIRTUAL", "SEEDS", "PURPOSE")
        var isWhole = true
        for name in files {
            do {
                let file = try ScenarioFile.load(path: "\(directory)/\(name)")
                let (scenario, seconds) = (file.scenario, file.scenario.duration.components.seconds)
                if json {
                    print(
                        JSONFormat.text(
                            Row(
                                name: scenario.name,
                                path: file.path,
                                purpose: scenario.purpose,
                                nodes: scenario.nodeCount,
                                virtualSeconds: seconds,
                                fidelity: scenario.fidelity.rawValue,
                                seeds: scenario.seeds,
                                scenarioSha256: file.hash
                            )
                        )
                    )
                } else {
                    table.add(
                        scenario.name,
                        "\(scenario.nodeCount)",
                        LengthText.write(scenario.duration),
                        "\(scenario.seeds.count)",
                        scenario.purpose
                    )
                }
            } catch {
                isWhole = false
                for problem in error.list { Terminal.complain("error: \(problem)") }
            }
        }
        if !json { table.print() }
        if !isWhole { try SimulationExit.badScenario.end() }
    }
}
