internal import ArgumentParser
internal import Foundation
internal import Laboratory
internal import Simulator

/// The command `rialto sim sweep`.
struct SimSweep: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Run many (scenario, seed) pairs, each in a process of its own.",
        discussion: """
            A sweep's file names a scenario and either a grid (every combination) or a list of changes:
              scenario: churn.yaml
              seeds: 1..5
              grid:
                nodes: [100, 200]
                network.loss: [0%, 1%, 5%]
            A scenario's own file is a sweep over its seeds. Every pair writes DIR/<pair>/result.jsonl, and the end of the sweep \
            DIR/result.jsonl. A pair belongs to a shard by a hash of its scenario, changes and seed, wherever it stands.

            Examples:
              rialto sim sweep grid.yaml --out out --jobs 4
              rialto sim sweep grid.yaml --out out --shard 0/8 --resume
              rialto sim sweep grid.yaml --out out --list | parallel --joblog log --resume
              rialto sim sweep Simulations/*.yaml --out out
            """
    )

    @Argument(help: "Sweeps or scenarios.")
    var files: [String]

    @Option(name: [.customLong("out")], help: ArgumentHelp("Where results go.", valueName: "dir"))
    var directory = "results"

    @Option(help: ArgumentHelp("So many processes at a time (default: one for each processor).", valueName: "n"))
    var jobs: Int?

    @Option(help: ArgumentHelp("Do part i of n, from 0/n to n-1/n.", valueName: "i/n"))
    var shard: String?

    @Flag(help: "Skip pairs whose result by this very build is there already.")
    var resume = false

    @Flag(help: "Print one command line for each pair, and run nothing.")
    var list = false

    @Flag(help: "Compute every signature, instead of once for each record.")
    var realCrypto = false

    @Flag(help: "Write tables of each pair.")
    var csv = false

    @Flag(help: "Write a page with pictures for each pair.")
    var html = false

    @OptionGroup(title: "Limits") var limits: LimitOptions

    func run() async throws {
        _ = try limits.limits()
        let all = try ScenarioOptions.explaining { try files.flatMap { try SweepFile.load(path: $0).pairs } }
        var pairs = try mine(all)
        if resume { pairs.removeAll(where: isDone) }
        if list {
            for pair in pairs { print(CommandText.line(["rialto"] + arguments(of: pair))) }
            return
        }
        guard (jobs ?? 1) > 0 else { throw CommandFailure(.usage, "--jobs \(jobs ?? 0) is less than one") }
        let runner = ChildRunner(
            count: min(jobs ?? ProcessInfo.processInfo.activeProcessorCount, max(1, pairs.count))
        )
        let children = pairs.map { pair in
            ChildRunner.Child(
                name: pair.file.scenario.name + " seed \(pair.seed)" + pair.file.changes.map { " \($0)" }.joined(),
                arguments: arguments(of: pair),
                logPath: "\(directory)/\(pair.folder)/log.txt"
            )
        }
        let codes = try await runner.run(children)
        let unseen = try merge(all)
        for words in unseen { Terminal.complain("no seed saw it: \(words)") }
        try finish(codes, skippedCount: try mine(all).count - pairs.count, hasUnseen: !unseen.isEmpty)
    }

    private func mine(_ pairs: [SweepPair]) throws -> [SweepPair] {
        guard let shard else { return pairs }
        guard let shard = Shard(shard) else {
            throw CommandFailure(.usage, "--shard '\(shard)' is no part", hint: "write it like 0/8, up to 7/8")
        }
        return pairs.filter { $0.isIn(shard: shard.index, of: shard.count) }
    }

    private func arguments(of pair: SweepPair) -> [String] {
        CommandText.runArguments(
            path: pair.file.path,
            seed: pair.seed,
            changes: pair.file.changes,
            output: "\(directory)/\(pair.folder)"
        ) + limits.arguments + (realCrypto ? ["--real-crypto"] : []) + (csv ? ["--csv"] : [])
            + (html ? ["--html"] : [])
    }

    /// The lines of a pair that this program wrote: what older code found is no result of this one.
    private func lines(of pair: SweepPair) -> [(text: String, line: ResultLine)] {
        let path = "\(directory)/\(pair.folder)/\(ResultFiles.name)"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").compactMap { text in
            guard let line = try? ResultLine(String(text)),
                pair.isSubject(of: line, programVersion: BuildStamp.programVersion, computesSignatures: realCrypto)
            else { return nil }
            return (String(text), line)
        }
    }

    private func isDone(_ pair: SweepPair) -> Bool { lines(of: pair).contains { isAnswer($0.line, to: pair) } }

    private func isAnswer(_ line: ResultLine, to pair: SweepPair) -> Bool {
        pair.isAnswered(by: line, programVersion: BuildStamp.programVersion, computesSignatures: realCrypto)
    }

    /// Puts the lines of all pairs that are there into one file; names what must happen sometimes and no seed saw.
    private func merge(_ pairs: [SweepPair]) throws -> [String] {
        var text = ""
        var seen: [String: [ResultLine]] = [:]
        for pair in pairs {
            let lines = lines(of: pair)
            text += lines.map { $0.text + "\n" }.joined()
            seen[Self.variant(pair), default: []] += lines.map(\.line).filter { isAnswer($0, to: pair) }
        }
        try ScenarioOptions.explaining { try WholeFile.write(text, to: "\(directory)/\(ResultFiles.name)") }
        let variants = Dictionary(grouping: pairs, by: Self.variant)
        return variants.sorted { $0.key < $1.key }.flatMap { variant, pairs -> [String] in
            let lines = seen[variant] ?? []
            // Other shards may still see it.
            guard let scenario = pairs.first?.file.scenario, lines.count == pairs.count else { return [] }
            return Coverage.unseen(of: scenario, in: lines).map { "\(variant): sometimes \($0)" }
        }
    }

    private static func variant(_ pair: SweepPair) -> String {
        ([pair.file.scenario.name] + pair.file.changes.map(\.description)).joined(separator: " ")
    }

    private func finish(_ codes: [Int32], skippedCount: Int, hasUnseen: Bool) throws {
        let words = [(0, "passed"), (1, "failed"), (2, "bad"), (3, "stopped by a limit"), (4, "not deterministic")]
            .compactMap { code, word in
                let count = codes.count { $0 == Int32(code) }
                return count > 0 ? "\(count) \(word)" : nil
            }
        let crashed = codes.count { $0 > 4 }
        let all =
            words + (crashed > 0 ? ["\(crashed) crashed"] : [])
            + (skippedCount > 0 ? ["\(skippedCount) were done already"] : [])
        print(all.isEmpty ? "nothing to run" : all.joined(separator: ", "))
        // What another try may change comes first.
        if let crash = codes.first(where: { $0 > 4 }) { throw ExitCode(crash) }
        for code in [Int32(2), 4, 3, 1] where codes.contains(code) { throw ExitCode(code) }
        if hasUnseen { try SimulationExit.failed.end() }
    }
}
