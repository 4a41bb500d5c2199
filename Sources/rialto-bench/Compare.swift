import ArgumentParser
import Foundation

/// Measures the stack beside go-libp2p's: every workload for both daemons in turn, on the same machine in the same minutes.
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the stack beside go-libp2p, and the market's own paths.",
        discussion: """
            Builds for release first: swift run -c release rialto-bench. Each round runs a workload once for go's daemon and \
            once for ours; the table has the medians, the least and the most of all rounds, and how near ours comes to what \
            libsodium or the memory would allow. Without go's daemon (bootstrap/peers fetches it) only ours is measured.
            """
    )

    @Option(help: "Measure only this row (\(Row.allCases.map(\.rawValue).joined(separator: ", "))); may be repeated.")
    var only: [String] = []

    @Option(help: "How often each workload runs for each daemon.")
    var rounds = 5

    @Option(help: "Write the figures of all rounds to this file, as JSON.")
    var json: String?

    @Flag(help: "Print the table in Markdown.")
    var markdown = false

    @Option(help: "go-libp2p's daemon; by default .build/peers/p2pd.")
    var go: String?

    @Option(help: "Our daemon; by default libp2pd beside this program.")
    var daemon: String?

    @Option(help: "Divide the counts of all workloads by this, for a quick look.")
    var hurry = 1

    mutating func validate() throws {
        guard (1...100).contains(rounds) else { throw ValidationError("rounds is 1 to 100") }
        guard (1...100).contains(hurry) else { throw ValidationError("hurry is 1 to 100") }
        for name in only where Row(rawValue: name) == nil { throw ValidationError("there is no row \(name)") }
    }

    func run() throws {
        let programs = try self.programs()
        let wanted = only.isEmpty ? Row.allCases : only.compactMap(Row.init)
        var measurements: [Row: Measurement] = [:]
        var lostCount = 0
        for workload in workloads where workload.rows.contains(where: wanted.contains) {
            for round in 1...rounds {
                // Whoever goes first meets a colder machine: they take turns.
                let sides = round.isMultiple(of: 2) ? programs.sides.reversed() : programs.sides
                let isCompared = workload.rows.contains { $0.isCompared }
                for side in sides where isCompared || side == .rialto {
                    let isLost = !measure(workload, round, side, programs, into: &measurements)
                    if isLost, side == .rialto { lostCount += 1 }
                }
            }
        }
        let report = BenchReport(
            date: ISO8601DateFormatter().string(from: Date()),
            machine: BenchReport.machine,
            rounds: rounds,
            measurements: Row.allCases.compactMap { wanted.contains($0) ? measurements[$0] : nil }
        )
        print(report.table(inMarkdown: markdown), terminator: "")
        if let json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try encoder.encode(report).write(to: URL(fileURLWithPath: json))
        }
        // What go loses on a busy machine costs it a round; of our own nothing may be lost.
        guard lostCount == 0 else { throw ExitCode.failure }
    }

    /// One round of one side; says whether it counts.
    private func measure(
        _ workload: any Workload,
        _ round: Int,
        _ side: Side,
        _ programs: DaemonPrograms,
        into measurements: inout [Row: Measurement]
    ) -> Bool {
        let names = workload.rows.map(\.rawValue).joined(separator: ", ")
        note("\(names): round \(round), \(side.rawValue)")
        do {
            add(try workload.run(side, programs), of: side, to: &measurements)
            return true
        } catch {
            note("\(names): round \(round) of \(side.rawValue) does not count: \(error)")
            return false
        }
    }

    private var workloads: [any Workload] {
        [
            ConnectWorkload(count: max(1, 200 / hurry)),
            GossipPairWorkload(count: max(1, 20_000 / hurry)),
            GossipMeshWorkload(count: max(1, 5_000 / hurry)),
            DHTWorkload(count: max(8, 400 / hurry)),
            StreamWorkload(byteCount: max(1, 1_024 / hurry) << 20),
            MemoryWorkload(),
            RecordPathWorkload(count: max(1, 20_000 / hurry)),
            DuplicateWorkload(count: max(1, 500_000 / hurry)),
            StoreWorkload(count: max(1, 100_000 / hurry)),
            SearchWorkload(offerCount: 100_000),
            TrustWorkload(receiptCount: 100_000),
            FingerprintWorkload(recordCount: 40_000),
            NegotiationWorkload(count: max(1, 200 / hurry)),
            AwardWorkload(count: max(1, 3_200 / hurry)),
        ]
    }

    private func add(_ figures: Figures, of side: Side, to measurements: inout [Row: Measurement]) {
        for (row, value) in figures.values {
            switch side {
            case .go: measurements[row, default: Measurement(row: row)].go.append(value)
            case .rialto:
                measurements[row, default: Measurement(row: row)].rialto.append(value)
                if let limit = figures.limits[row] { measurements[row]?.limits.append(limit) }
            }
        }
    }

    private func programs() throws -> DaemonPrograms {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let rialto = daemon ?? own.appendingPathComponent("libp2pd").path
        guard FileManager.default.isExecutableFile(atPath: rialto) else {
            throw ValidationError("\(rialto) is not there; swift build -c release --product libp2pd makes it")
        }
        let folder = ProcessInfo.processInfo.environment["RIALTO_PEERS"] ?? ".build/peers"
        let path = go ?? "\(folder)/p2pd"
        let isThere = FileManager.default.isExecutableFile(atPath: path)
        if !isThere { note("no go-libp2p at \(path): run bootstrap/peers to compare with it") }
        return DaemonPrograms(go: isThere ? URL(fileURLWithPath: path).path : nil, rialto: rialto)
    }

    private func note(_ words: String) {
        FileHandle.standardError.write(Data("\(words)\n".utf8))
    }
}
