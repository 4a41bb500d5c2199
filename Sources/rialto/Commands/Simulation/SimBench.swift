internal import ArgumentParser
internal import Laboratory
internal import Simulator

/// The command `rialto sim bench`.
struct SimBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Time the simulator on one of two exact workloads; prints one line of JSON.",
        discussion: """
            kad: every node starts ten Kademlia lookups in filled tables (k = 16, alpha = 3). cast: a hundred publications are pushed \
            eagerly to eight neighbours each. Any correct simulator shows the same hops, requests and latencies; only the speed is its own.

            Examples:
              rialto sim bench kad --nodes 10000
              rialto sim bench kad --nodes 10000 --dead 0.2
              rialto sim bench cast --nodes 10000 --seed 7
            """
    )

    enum Workload: String, ExpressibleByArgument, CaseIterable {
        case kad, cast
    }

    @Argument(help: "kad or cast.")
    var workload: Workload

    @Option(help: ArgumentHelp("How many nodes.", valueName: "n"))
    var nodes = 10_000

    @Flag(help: "Accepted for the sake of scripts that give it to every command: the line is JSON anyway.")
    var json = false

    @Option(help: ArgumentHelp("The seed.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("kad: a share of nodes that never answer, 0 to 1.", valueName: "share"))
    var dead = 0.0

    @Option(help: ArgumentHelp("kad: a share of nodes that answer with each other, 0 to 1.", valueName: "share"))
    var malicious = 0.0

    @Option(help: ArgumentHelp("kad: lookups of each node.", valueName: "n"))
    var lookups = 10

    @Flag(help: "kad: a timer of two seconds for every request, which is never cancelled.")
    var timers = false

    @Option(help: ArgumentHelp("cast: neighbours of each node.", valueName: "n"))
    var fanOut = 8

    @Option(help: ArgumentHelp("cast: publications.", valueName: "n"))
    var publications = 100

    func validate() throws {
        let range = 2...ScenarioLimits.nodeCountMax
        guard range.contains(nodes) else {
            throw ValidationError("--nodes takes \(range.lowerBound) to \(range.upperBound)")
        }
        guard dead >= 0, malicious >= 0, dead + malicious < 1 else {
            throw ValidationError("--dead and --malicious take shares from 0 to 1 that leave somebody to look up")
        }
        guard (1...10_000).contains(lookups), (1...10_000).contains(publications) else {
            throw ValidationError("--lookups and --publications take 1 to 10000")
        }
        guard workload == .kad || (1..<nodes).contains(fanOut) else {
            throw ValidationError("--fan-out takes 1 to \(nodes - 1): less than there are nodes")
        }
    }

    func run() throws {
        let record = BenchRecord.measure {
            switch workload {
            case .kad:
                var workload = KadWorkload(nodeCount: nodes, seed: seed)
                workload.lookupsPerNode = lookups
                (workload.dead, workload.malicious) = (Self.share(dead), Self.share(malicious))
                workload.hasTimers = timers
                return Bench.kad(workload)
            case .cast:
                var workload = CastWorkload(nodeCount: nodes, seed: seed)
                (workload.fanOut, workload.publicationCount) = (fanOut, publications)
                return Bench.cast(workload)
            }
        }
        print(record.line(programVersion: BuildStamp.programVersion))
    }

    private static func share(_ value: Double) -> Share { Share(millionths: Int((value * 1e6).rounded())) }
}
