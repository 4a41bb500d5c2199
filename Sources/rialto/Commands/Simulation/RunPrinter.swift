internal import Foundation
internal import Glibc
internal import Laboratory
internal import Primitives
internal import Simulator

/// Tells a person how a run goes and how it ended.
struct RunPrinter {
    /// Time between two lines of progress where they cannot overwrite each other.
    private static let lineEvery = Duration.seconds(10)

    let name: String
    let seed: UInt64
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var toldAt = Duration.zero

    init(name: String, seed: UInt64) {
        (self.name, self.seed) = (name, seed)
    }

    /// Virtual and real time, on standard error, once a run takes longer than a second.
    mutating func tell(_ progress: RunProgress) {
        let pause = isTerminal ? Duration.milliseconds(500) : Self.lineEvery
        guard progress.wall > .seconds(1), progress.wall - toldAt >= pause else { return }
        toldAt = progress.wall
        let percent = Int(progress.virtual / progress.whole * 100)
        let pace = progress.virtual / progress.wall
        let words = String(
            format: "%@ seed %llu: %3d %%, %.0f s of %.0f s virtual, %.0f s real (%.1f×)",
            name,
            seed,
            percent,
            progress.virtual / .seconds(1),
            progress.whole / .seconds(1),
            progress.wall / .seconds(1),
            pace
        )
        if isTerminal {
            FileHandle.standardError.write(Data("\r\u{1b}[K\(words)".utf8))
        } else {
            Terminal.complain(words)
        }
    }

    /// Clears the line of progress.
    func clear() {
        if isTerminal, toldAt > .zero { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
    }

    /// What became of every expectation.
    static func verdicts(_ record: RunRecord) {
        let result = record.result
        let outcome = Outcome(result)
        print(
            Terminal.strong("\(record.file.scenario.name) seed \(result.seed): \(word(outcome, result))")
                + String(
                    format: " · %d nodes, %@, %.0f s virtual in %.1f s real (%.1f×), %.2f M messages, %.0f MB",
                    result.nodeCount,
                    result.fidelity.rawValue,
                    result.virtualTime / .seconds(1),
                    record.wall / .seconds(1),
                    result.virtualTime / max(record.wall, .microseconds(1)),
                    Double(result.messageCount) / 1e6,
                    Double(record.peakMemory) / 1e6
                )
        )
        for verdict in result.verdicts {
            let place = HTMLReport.place(of: verdict)
            let where_ = place.isEmpty || verdict.isPassed ? "" : "; first \(place)"
            print("  \(verdict.isPassed ? "✓" : "✗") \(verdict.name): \(verdict.finding)\(where_)")
        }
        guard outcome == .failed, let failure = result.verdicts.first(where: { !$0.isPassed })?.failure else { return }
        let until = Int64((Double(failure.at.nanoseconds) / 1e9).rounded(.up))
        let words =
            ["rialto", "sim", "replay", record.file.path, "--seed", "\(result.seed)"]
            + record.file.changes.flatMap { ["--set", $0.description] }
            + ["--from", "\(max(0, until - 2))s", "--until", "\(until)s"]
            + (failure.node.map { ["--node", "\($0)"] } ?? [])
        print("  look closer: \(CommandText.line(words))")
    }

    private static func word(_ outcome: Outcome, _ result: RunResult) -> String {
        switch result.stopped {
        case .virtualTime: "stopped by --max-virtual"
        case .wallTime: "stopped by --max-wall"
        case .memory: "stopped by --max-rss"
        case .failure, nil: outcome.rawValue
        }
    }
}
