import ArgumentParser
import Foundation

/// The command `rialto-bench soak`.
struct Soak: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keep a market of real nodes under load and see whether it stays flat.",
        discussion: """
            Starts nodes (the program rialto beside this one) on loopback in temporary homes. All but one are providers that \
            change their offers, together at --rate records a second; the last one stops and starts again every --turnover \
            seconds. Memory, descriptors, threads and records go to samples.csv, the time from a provider's command to \
            another node's book to deliveries.csv, with pictures (SVG) and verdict.txt beside them. The exit code is 1 if \
            something grew after the settling time (a quarter of an hour, or a quarter of a shorter run), was lost or ended.

            Examples:
              swift build -c release && swift run -c release rialto-bench soak --seconds 7200 --out soak
              rialto-bench soak --seconds 60 --nodes 3 --rate 20
            """
    )

    @Option(help: "How long the load lasts.")
    var seconds = 7_200

    @Option(help: "How many nodes (3 to 32).")
    var nodes = 7

    @Option(
        help:
            "Records a second, of all providers together; each node hears all of them. Three times the expected load is 80."
    )
    var rate = 80.0

    @Option(help: "Seconds between two samples.")
    var interval = 5.0

    @Option(help: "Seconds between two restarts of the restless node.")
    var turnover = 60

    @Option(help: "Where the results go; by default a new folder among the temporary files.")
    var out: String?

    @Option(help: "The node's program; by default rialto beside this program.")
    var rialto: String?

    mutating func validate() throws {
        guard (1...604_800).contains(seconds) else { throw ValidationError("seconds is 1 to 604800") }
        guard (3...32).contains(nodes) else { throw ValidationError("nodes is 3 to 32") }
        guard rate > 0, rate.isFinite else { throw ValidationError("rate is above 0") }
        guard interval >= 0.1, interval <= 3_600 else { throw ValidationError("interval is 0.1 to 3600") }
        guard turnover >= 1 else { throw ValidationError("turnover is at least 1") }
        guard plan.offersPerProvider <= SoakPlan.offersPerProviderMax else {
            let limit = Double(SoakPlan.offersPerProviderMax * (nodes - 1)) / SoakPlan.updateInterval
            throw ValidationError("\(nodes) nodes publish at most \(Int(limit)) records a second; raise --nodes")
        }
    }

    @MainActor
    mutating func run() async throws {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let program = rialto ?? own.appendingPathComponent("rialto").path
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw ValidationError("\(program) is not there; swift build -c release --product rialto makes it")
        }
        let folder = out ?? FileManager.default.temporaryDirectory.path + "/rialto-soak-" + UUID().uuidString.prefix(8)
        let soak = try SoakRun(plan, program: URL(fileURLWithPath: program).path, folder: folder) { words in
            FileHandle.standardError.write(Data("\(words)\n".utf8))
        }
        let verdict = try await soak.run()
        print(verdict.text + "results: \(folder)")
        guard verdict.isGood else { throw ExitCode.failure }
    }

    private var plan: SoakPlan {
        SoakPlan(
            nodeCount: nodes,
            rate: rate,
            duration: .seconds(seconds),
            interval: .milliseconds(Int64(interval * 1_000)),
            turnover: .seconds(turnover)
        )
    }
}
