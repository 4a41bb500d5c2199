import Foundation
import Primitives

@testable import Laboratory
@testable import Simulator

/// Runs that never happened, as like real ones as a report needs.
enum SyntheticRuns {
    static let scenario = """
        purpose: Two halves that heard nothing of each other for a minute hold equal sets soon after.
        nodes: 40
        duration: {build-up: 30s, measure: 5m}
        faults:
          - {at: 1m, partition: {split: 50%, for: 1m}}
          - {at: 1m, clock-step: {nodes: 3, by: -90s}}
          - {at: 3m, crash: {nodes: 20%, loses-unsynced: true, down: 20s}}
        expect: {equal-sets: 60s}
        """

    /// A file of its own directory, which the caller removes.
    static func file(_ text: String = scenario, named name: String = "partition-heal.yaml") throws -> ScenarioFile {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appendingPathComponent(name).path
        try WholeFile.write(text, to: path)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try ScenarioFile.load(path: path)
    }

    static func result(secondCount: Int = 330, seed: UInt64 = 7) -> RunResult {
        var random = SeededRandom(seed: [UInt8](repeating: UInt8(seed & 0xff), count: SeededRandom.seedByteCount))
        let seconds = (0..<secondCount).map { second in
            var sample = SecondSample(second: second)
            let isCut = (90..<150).contains(second)
            sample.nodesUp = second < 30 ? second * 40 / 30 : (210..<230).contains(second) ? 32 : 40
            sample.connections = sample.nodesUp * 4
            sample.publications = 1
            sample.deliveries = isCut ? 20 : 39 - random.below(3)
            let duplicates = sample.deliveries * 2 + random.below(20)
            sample.duplicates = duplicates
            sample.latencyP50 = second < 30 ? nil : .milliseconds(180 + random.below(60))
            sample.latencyP99 = second < 30 ? nil : .milliseconds(700 + random.below(300) + (isCut ? 900 : 0))
            let (gossip, exchange) = (40_000 + random.below(9_000), second % 30 == 0 ? 25_000 : 400)
            (sample.gossipBytes, sample.exchangeBytes) = (gossip, exchange)
            sample.bytes = gossip + exchange + 3_000
            sample.meshDegreeMean = 5.5 + random.unit()
            sample.distinctSets = isCut ? 2 + random.below(9) : 1 + (random.chance(1, in: 6) ? 1 : 0)
            return sample
        }
        let publications = (0..<300).map { index in
            let isCut = (60..<120).contains(index)
            return PublicationSample(
                at: Instant(nanoseconds: Int64(30 + index) * 1_000_000_000),
                publisher: random.below(40),
                reachable: 39,
                reached: isCut ? 20 : 39,
                latencyP50: .milliseconds(150 + random.below(120)),
                latencyMax: .milliseconds(450 + random.below(900))
            )
        }
        return RunResult(
            scenarioName: "partition-heal",
            seed: seed,
            fidelity: .messages,
            computesSignatures: false,
            nodeCount: 40,
            virtualTime: .seconds(secondCount),
            traceHashes: (0..<UInt64(secondCount)).map { $0 &* 0x9E37_79B9_7F4A_7C15 },
            verdicts: [
                Verdict(name: "bounded", isPassed: true, finding: "held 13200 times"),
                Verdict(
                    name: "equal-sets: within 60 s",
                    isPassed: false,
                    finding: "3 different sets 100 s after the last fault (need 1)",
                    failure: Verdict.Failure(
                        at: Instant(nanoseconds: 330_000_000_000),
                        node: 17,
                        lastEvents: ["329.900000 node 17 rpc 3", "329.950000 node 17 deadline 0"]
                    )
                ),
            ],
            metrics: [
                Metric("delivery_ratio", 0.99975), Metric("delivery_latency_p99_seconds", 1.25),
                Metric("publications_total", 300), Metric("never_seconds", .infinity),
            ],
            seconds: seconds,
            publications: publications,
            lookups: [],
            eventCount: 1_234_567,
            messageCount: 456_789,
            messageKinds: [
                MessageKindTotal(kind: "gossip, publish", count: 300_000, bytes: 90_000_000),
                MessageKindTotal(kind: "ihave", count: 9_000, bytes: 450_000),
            ],
            stopped: nil
        )
    }

    /// A run of which only the result matters.
    static func record(of result: RunResult) throws -> RunRecord {
        RunRecord(file: try file(), result: result, programVersion: "v", wall: .zero, peakMemory: 0, baseMemory: 0)
    }

    static func record(secondCount: Int = 330, seed: UInt64 = 7) throws -> RunRecord {
        RunRecord(
            file: try file(),
            result: result(secondCount: secondCount, seed: seed),
            programVersion: "rialto 0.1.0",
            wall: .milliseconds(2_500),
            peakMemory: 50_000_000,
            baseMemory: 10_000_000
        )
    }
}
