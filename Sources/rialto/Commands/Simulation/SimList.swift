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

    /// What only a scenario has is left out of a validation.
    private struct Row: Encodable {
        let name: String
        let path: String
        let purpose: String
        let seeds: [UInt64]
        var nodes: Int?
        var virtualSeconds: Int64?
        var fidelity: String?
        var scenarioSha256: String?
    }

    func run() throws {
        let names = try? FileManager.default.contentsOfDirectory(atPath: directory)
        guard let names else { throw CommandFailure(.usage, "\(directory) cannot be read") }
        let files = names.filter { $0.hasSuffix(".yaml") && !SweepFile.isSweep(path: "\(directory)/\($0)") }.sorted()
        guard !files.isEmpty else { throw CommandFailure(.usage, "\(directory) holds no scenario") }
        var table = Table("SCENARIO", "NODES", "VIRTUAL", "SEEDS", "PURPOSE")
        var isWhole = true
        for name in files {
            do throws(ScenarioProblems) {
                try list("\(directory)/\(name)", &table)
            } catch {
                isWhole = false
                for problem in error.list { Terminal.complain("error: \(problem)") }
            }
        }
        if !json { table.print() }
        if !isWhole { try SimulationExit.badScenario.end() }
    }

    private func list(_ path: String, _ table: inout Table) throws(ScenarioProblems) {
        guard !ValidationFile.isValidation(path: path) else {
            let file = try ValidationFile.load(path: path)
            guard json else { return table.add(file.name, "-", "-", "\(file.seeds.count)", file.purpose) }
            return print(JSONFormat.text(Row(name: file.name, path: path, purpose: file.purpose, seeds: file.seeds)))
        }
        let file = try ScenarioFile.load(path: path)
        let scenario = file.scenario
        guard json else {
            let (nodes, length) = ("\(scenario.nodeCount)", LengthText.write(scenario.duration))
            return table.add(scenario.name, nodes, length, "\(scenario.seeds.count)", scenario.purpose)
        }
        var row = Row(name: scenario.name, path: path, purpose: scenario.purpose, seeds: scenario.seeds)
        (row.nodes, row.virtualSeconds) = (scenario.nodeCount, scenario.duration.components.seconds)
        (row.fidelity, row.scenarioSha256) = (scenario.fidelity.rawValue, file.hash)
        print(JSONFormat.text(row))
    }
}
