internal import ArgumentParser
internal import Foundation
internal import Laboratory
internal import Primitives
internal import Simulator

/// What every command takes that runs a scenario's file.
struct ScenarioOptions: ParsableArguments {
    @Option(help: ArgumentHelp("So many nodes in place of what the file says.", valueName: "n"))
    var nodes: Int?

    @Option(help: ArgumentHelp("messages, frames or bytes, in place of what the file says.", valueName: "word"))
    var fidelity: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Put a value in place of the file's, like network.loss=1%; may be repeated.",
            valueName: "key=value"
        )
    )
    var changes: [String] = []

    @Flag(help: "Compute every signature, instead of once for each record.")
    var realCrypto = false

    /// What has a name that nobody wrote is not read as a file of the wrong kind.
    static func checkExists(_ path: String, orElse more: String = "") throws {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        throw CommandFailure(
            .usage,
            "there is no file '\(path)'",
            hint: "name a scenario; those of a directory are listed by: rialto sim list\(more)"
        )
    }

    /// The file with its changes, checked whole.
    func load(_ path: String) throws -> ScenarioFile {
        try Self.checkExists(path)
        var changes = try changes.map { text in
            guard let change = ScenarioChange(text) else {
                throw CommandFailure(
                    .usage,
                    "--set '\(text)' is no change",
                    hint: "write it like --set network.loss=1%"
                )
            }
            return change
        }
        if let nodes { changes.append(ScenarioChange(path: "nodes", value: "\(nodes)")) }
        if let fidelity { changes.append(ScenarioChange(path: "fidelity", value: fidelity)) }
        return try Self.explaining { try ScenarioFile.load(path: path, changes: changes) }
    }

    var simulationOptions: SimulationOptions {
        var options = SimulationOptions()
        options.computesSignatures = realCrypto
        return options
    }

    /// Tells what is wrong with a file, a line for each mistake.
    static func explaining<Value>(_ read: () throws -> Value) throws -> Value {
        do {
            return try read()
        } catch let problems as ScenarioProblems {
            for problem in problems.list { Terminal.complain("error: \(problem)") }
            throw ExitCode(SimulationExit.badScenario.rawValue)
        } catch let problem as WholeFile.Problem {
            throw CommandFailure(.failed, problem.description)
        } catch let problem as ResultFiles.Problem {
            throw CommandFailure(.usage, problem.description)
        }
    }
}

/// Where a run must stop.
struct LimitOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Stop after so much virtual time, like 10m (exit code 3).", valueName: "length"))
    var maxVirtual: String?

    @Option(help: ArgumentHelp("Stop after so much real time, like 90s (exit code 3).", valueName: "length"))
    var maxWall: String?

    @Option(help: ArgumentHelp("Stop above so much memory, like 500MB or 4GB (exit code 3).", valueName: "size"))
    var maxRSS: String?

    func limits() throws -> RunLimits {
        RunLimits(
            virtual: try maxVirtual.map { try Self.length($0, "--max-virtual") },
            wall: try maxWall.map { try Self.length($0, "--max-wall") },
            memory: try maxRSS.map(Self.size)
        )
    }

    /// The same flags for a child process.
    var arguments: [String] {
        [("--max-virtual", maxVirtual), ("--max-wall", maxWall), ("--max-rss", maxRSS)]
            .flatMap { flag, value in value.map { [flag, $0] } ?? [] }
    }

    /// A length above zero; an instant may be the very beginning.
    static func length(_ text: String, _ flag: String, allowsZero: Bool = false) throws -> Duration {
        guard let length = LengthText.read(text), length > .zero || allowsZero else {
            throw CommandFailure(
                .usage,
                "\(flag) '\(text)' is no length",
                hint: "write it like 250ms, 90s, 10m or 1.94h"
            )
        }
        return length
    }

    private static func size(_ text: String) throws -> Int {
        let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)]
        guard let unit = units.first(where: { text.hasSuffix($0.0) }), let number = Int(text.dropLast(2)), number > 0,
            number <= 1_000_000
        else {
            throw CommandFailure(.usage, "--max-rss '\(text)' is no size", hint: "write it like 500MB or 4GB")
        }
        return number * unit.1
    }
}

/// Where results go.
struct OutputOptions: ParsableArguments {
    @Option(name: [.customLong("out")], help: ArgumentHelp("Write result.jsonl there.", valueName: "dir"))
    var directory: String?

    @Flag(help: "Also write seconds.csv, publications.csv, messages.csv and trace.csv (needs --out).")
    var csv = false

    @Flag(help: "Also write a page with pictures for each run (needs --out).")
    var html = false

    @Option(
        help: ArgumentHelp(
            "Where unfinished files are written before they are renamed; on the same disk (default: beside the result).",
            valueName: "dir"
        )
    )
    var work: String?

    /// Before a run that may take minutes: whether what comes of it can be written.
    func check() throws {
        guard let directory else {
            guard csv || html else { return }
            throw CommandFailure(.usage, "--csv and --html write files", hint: "say where with --out DIR")
        }
        for (flag, place) in [("--out", directory), ("--work", work ?? directory)] {
            try? FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            guard FileManager.default.isWritableFile(atPath: place) else {
                throw CommandFailure(
                    .usage,
                    "\(flag) '\(place)': nothing can be written there",
                    hint: "name a directory of yours; it is made if there is none"
                )
            }
        }
    }

    /// Writes everything that was asked for in place of what an earlier run left there; each file is seen whole or not at all, the line
    /// last.
    func write(_ records: [RunRecord]) throws {
        guard let directory else { return }
        try ScenarioOptions.explaining { try ResultFiles.removeOwn(in: directory) }
        func write(_ text: String, _ name: String) throws {
            try ScenarioOptions.explaining { try WholeFile.write(text, to: "\(directory)/\(name)", work: work) }
        }
        if csv {
            for file in CSVTables.files(records) { try write(file.text, file.name) }
        }
        for record in records {
            let suffix = records.count == 1 ? "" : "-\(record.result.seed)"
            if html { try write(HTMLReport.text(record), "report\(suffix).html") }
            let failures = Self.failures(record)
            if !failures.isEmpty { try write(failures, "failure\(suffix).txt") }
        }
        try write(records.map { $0.line + "\n" }.joined(), ResultFiles.name)
    }

    /// The last events before each failure.
    private static func failures(_ record: RunRecord) -> String {
        record.result.verdicts.map { verdict in
            guard !verdict.isPassed, let failure = verdict.failure, !failure.lastEvents.isEmpty else { return "" }
            return "\(verdict.name): \(verdict.finding)\n" + failure.lastEvents.map { "  \($0)\n" }.joined()
        }
        .joined()
    }
}
