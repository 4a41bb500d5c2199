internal import ArgumentParser
internal import Foundation
internal import Laboratory
internal import LocalAPI
internal import Primitives
internal import Simulator

/// The command `rialto sim validate`.
struct SimValidate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Hold the simulator to values that theory and papers give.",
        discussion: """
            Each file names a computation, its parameters, and what its metrics must be on average over the seeds. Scenarios among the \
            files are run as 'rialto sim run' does.

            Examples:
              rialto sim validate
              rialto sim validate Simulations/validate/infect-and-die.yaml --json
            """
    )

    @Argument(help: "Files, or a directory of them.")
    var paths = ["Simulations/validate"]

    @Flag(help: "Print JSON, one object per line.")
    var json = false

    private struct Row: Encodable {
        let validation: String
        let metric: String
        let found: Double?
        let expected: Double
        let tolerance: Double
        let relative: Bool
        let seeds: Int
        let passed: Bool
    }

    func run() throws {
        let files = try paths.flatMap(Self.files)
        guard !files.isEmpty else { throw CommandFailure(.usage, "\(paths.joined(separator: " ")) holds no file") }
        let validations = try ScenarioOptions.explaining {
            try files.filter { ValidationFile.isValidation(path: $0) }.map { try ValidationFile.load(path: $0) }
        }
        let scenarios = try ScenarioOptions.explaining {
            try files.filter { !ValidationFile.isValidation(path: $0) }.map { try ScenarioFile.load(path: $0) }
        }
        var hasFailed = false
        for file in validations where try !isValid(file) { hasFailed = true }
        for file in scenarios where !holds(file) { hasFailed = true }
        if hasFailed { try SimulationExit.failed.end() }
    }

    private static func files(_ path: String) throws -> [String] {
        var isDirectory: ObjCBool = false
        let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        guard exists else { throw CommandFailure(.usage, "\(path) does not exist") }
        guard isDirectory.boolValue else { return [path] }
        let names = try FileManager.default.contentsOfDirectory(atPath: path)
        return names.filter { $0.hasSuffix(".yaml") }.sorted().map { "\(path)/\($0)" }
    }

    private func isValid(_ file: ValidationFile) throws -> Bool {
        let validation: Validation
        do throws(ValidationProblem) {
            validation = try Validation(file.name, parameters: file.parameters)
        } catch {
            Terminal.complain("error: \(file.path): \(error)")
            throw ExitCode(SimulationExit.badScenario.rawValue)
        }
        let runs = file.seeds.map { validation.metrics(seed: $0) }
        if !json { print(Terminal.strong(file.name) + ": " + file.purpose) }
        var isValid = true
        for expected in file.expected {
            let values = runs.compactMap { run in run.first { $0.name == expected.metric }?.value }
            let mean = values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
            let isPassed = mean.map(expected.holds) ?? false
            isValid = isValid && isPassed
            show(expected, mean, isPassed, file, values.count)
        }
        return isValid
    }

    private func show(
        _ expected: ValidationFile.Expected,
        _ mean: Double?,
        _ isPassed: Bool,
        _ file: ValidationFile,
        _ count: Int
    ) {
        guard !json else {
            let row = Row(
                validation: file.name,
                metric: expected.metric,
                found: mean,
                expected: expected.value,
                tolerance: expected.tolerance,
                relative: expected.isRelative,
                seeds: count,
                passed: isPassed
            )
            return print(JSONFormat.text(row))
        }
        let found = mean.map { String(format: "%.6g", $0) } ?? "there is no such metric"
        print(
            "  \(isPassed ? "✓" : "✗") \(expected.metric): \(found), mean of \(count.counted("seed")) (need \(expected.text))"
        )
    }

    private func holds(_ file: ScenarioFile) -> Bool {
        let records = file.scenario.seeds.map { seed in
            var printer = RunPrinter(name: file.scenario.name, seed: seed)
            defer { printer.clear() }
            return ScenarioRun.run(file, seed: seed, programVersion: BuildStamp.programVersion) { printer.tell($0) }
        }
        .judged(isWhole: true)
        for record in records {
            if json { print(record.line) } else { RunPrinter.verdicts(record) }
        }
        return SimRun.exit(records) == .passed
    }
}
