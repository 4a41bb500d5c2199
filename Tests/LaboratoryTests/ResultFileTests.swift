import Foundation
import Primitives
import Testing

@testable import Laboratory
@testable import Simulator

@Suite struct `Result files` {
    @Test func `a run is one line of JSON with stable names`() throws {
        let record = try SyntheticRuns.record(secondCount: 2)
        let hash = record.file.hash
        #expect(hash.count == 64)
        #expect(
            record.line == #"{"scenario":"partition-heal","seed":7,"verdict":"failed","scenario_sha256":"\#(hash)","#
                + #""changes":[],"program_version":"rialto 0.1.0","trace_hash":"9e3779b97f4a7c15","fidelity":"messages","#
                + #""signatures_computed":false,"nodes":40,"virtual_seconds":2,"verdicts":[{"name":"bounded","passed":true,"#
                + #""finding":"held 13200 times"},{"name":"equal-sets: within 60 s","passed":false,"finding":"3 different sets "#
                + #"100 s after the last fault (need 1)","failed_at_seconds":330,"failed_node":17}],"metrics":{"#
                + #""delivery_ratio":0.99975,"delivery_latency_p99_seconds":1.25,"publications_total":300,"#
                + #""never_seconds":null},"messages":456789,"events":1234567,"wall_seconds":2.5,"peak_rss_bytes":50000000,"#
                + #""messages_per_second":182716,"events_per_second":493827,"bytes_per_node":1000000,"message_kinds":[{"#
                + #""kind":"gossip, publish","count":300000,"bytes":90000000},{"kind":"ihave","count":9000,"bytes":450000}]}"#
        )
        let line = try ResultLine(record.line)
        #expect(line.metrics["never_seconds"] == .some(nil))
        #expect(line.metrics["delivery_ratio"] == 0.99975)
        #expect(line.seed == 7)
        #expect(line.scenarioHash == hash)
        #expect(line.verdicts.map(\.passed) == [true, false])
    }

    @Test func `a limit is named, and a large seed is exact`() throws {
        var result = SyntheticRuns.result(secondCount: 1, seed: .max)
        result.stopped = .wallTime
        let record = RunRecord(
            file: try SyntheticRuns.file(),
            result: result,
            programVersion: "v \"1\"\n",
            wall: .zero,
            peakMemory: 0,
            baseMemory: 5
        )
        #expect(record.line.contains(#""verdict":"stopped","stopped":"wall-time""#))
        #expect(record.line.contains(#""program_version":"v \"1\"\n""#))
        #expect(record.line.contains(#""bytes_per_node":0"#))
        #expect(try ResultLine(record.line).seed == .max)
    }

    @Test func `a limit hides no invariant that failed before`() {
        var result = SyntheticRuns.result(secondCount: 1)
        result.stopped = .memory
        #expect(Outcome(result) == .stopped, "an expectation may still have held")
        result.verdicts[0] = Verdict(name: Invariant.bounded.rawValue, isPassed: false, finding: "a queue of 9")
        #expect(Outcome(result) == .failed)
    }

    @Test func `the hash of a scenario is that of its bytes`() throws {
        let file = try SyntheticRuns.file(
            "purpose: p\nnodes: 2\nduration: {build-up: 0s, measure: 1s}\n",
            named: "a.yaml"
        )
        #expect(file.hash == "ff60665ababdc224ae6173627410ef307b3ea40d4e7fa8072b7006c3a1f844a3")
    }

    @Test func `tables have a header, units, and nothing where there is no value`() throws {
        let files = CSVTables.files([
            try SyntheticRuns.record(secondCount: 2), try SyntheticRuns.record(secondCount: 1, seed: 8),
        ])
        #expect(files.map(\.name) == ["seconds.csv", "publications.csv", "messages.csv", "trace.csv"])
        let seconds = files[0].text.split(separator: "\n").map(String.init)
        #expect(
            seconds[0]
                == "scenario,seed,second,nodes_up,connections,publications,deliveries,duplicates,latency_p50_seconds,"
                + "latency_p99_seconds,bytes,gossip_bytes,exchange_bytes,mesh_degree_mean,distinct_sets"
        )
        #expect(seconds.count == 4)
        let cells = seconds[2].split(separator: ",", omittingEmptySubsequences: false)
        #expect(cells.prefix(6) == ["partition-heal", "7", "1", "1", "4", "1"])
        #expect(cells[8].isEmpty && cells[9].isEmpty)
        #expect(seconds[3].hasPrefix("partition-heal,8,0,"))
        let publication = files[1].text.split(separator: "\n")[1]
        #expect(publication.hasPrefix("partition-heal,7,30,"))
        #expect(publication.contains(",39,39,0."))
        #expect(
            files[2].text == """
                scenario,seed,kind,count,bytes
                partition-heal,7,"gossip, publish",300000,90000000
                partition-heal,7,ihave,9000,450000
                partition-heal,8,"gossip, publish",300000,90000000
                partition-heal,8,ihave,9000,450000

                """
        )
        #expect(
            files[3].text == """
                scenario,seed,second,trace_hash
                partition-heal,7,0,0000000000000000
                partition-heal,7,1,9e3779b97f4a7c15
                partition-heal,8,0,0000000000000000

                """
        )
    }

    @Test func `where a kind is not told apart a field is empty`() throws {
        var result = SyntheticRuns.result(secondCount: 1)
        (result.seconds[0].duplicates, result.seconds[0].gossipBytes) = (nil, nil)
        let record = try SyntheticRuns.record(of: result)
        let row = CSVTables.files([record])[0].text.split(separator: "\n")[1]
        let cells = row.split(separator: ",", omittingEmptySubsequences: false)
        #expect(cells[7].isEmpty && cells[11].isEmpty && !cells[12].isEmpty)
    }

    @Test func `what an earlier run left goes, and nothing else`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let own = [
            "result.jsonl", "seconds.csv", "publications.csv", "messages.csv", "trace.csv", "lookups.csv",
            "report.html", "report-17.html", "failure.txt", "failure-17.txt",
        ]
        let others = ["log.txt", "report-x.html", "reports.html", "failure-1.md", "mine.csv", "pair/result.jsonl"]
        for name in own + others { try WholeFile.write("", to: "\(folder)/\(name)") }
        try ResultFiles.removeOwn(in: folder)
        let left = try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
        #expect(left == (others + ["pair"]).sorted())
        try ResultFiles.removeOwn(in: folder + "/nowhere")
        #expect(Set(CSVTables.files([try SyntheticRuns.record(secondCount: 1)]).map(\.name)).isSubset(of: own))
    }

    @Test func `a place is told in seconds, as the command takes it that looks closer`() {
        func place(_ nanoseconds: Int64, _ node: Int?) -> String {
            let failure = Verdict.Failure(at: Instant(nanoseconds: nanoseconds), node: node, lastEvents: [])
            return HTMLReport.place(of: Verdict(name: "x", isPassed: false, finding: "", failure: failure))
        }
        #expect(place(15_800_416_617_000, 17) == "at 15800.416 s, node 17")
        #expect(place(61_200_000_000, nil) == "at 61.2 s")
        #expect(place(0, nil) == "at 0 s")
    }

    @Test func `files below a directory are merged, equal lines once`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try SyntheticRuns.record(secondCount: 1).line
        let second = try SyntheticRuns.record(secondCount: 1, seed: 8).line
        try WholeFile.write(first + "\n", to: folder + "/a/result.jsonl")
        try WholeFile.write(first + "\n" + second + "\n", to: folder + "/b/c/result.jsonl")
        #expect(try ResultFiles.lines(at: folder).map(\.seed) == [7, 8])
        #expect(try ResultFiles.lines(at: folder + "/a/result.jsonl").map(\.seed) == [7])
        try WholeFile.write("{}\n", to: folder + "/a/result.jsonl")
        #expect(throws: ResultFiles.Problem(description: "\(folder)/a/result.jsonl:1: no line of a result")) {
            try ResultFiles.lines(at: folder)
        }
        #expect(throws: ResultFiles.Problem(description: "\(folder)/x does not exist")) {
            try ResultFiles.lines(at: folder + "/x")
        }
    }
}

@Suite struct `Report` {
    @Test func `the page stands alone, tells the verdicts first, and holds every picture`() throws {
        let page = HTMLReport.text(try SyntheticRuns.record())
        #expect(page.components(separatedBy: "<svg ").count == 9)
        for outside in ["http://", "https://", "src=", "@import", "<script"] {
            let rest = page.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
            #expect(!rest.contains(outside), "the page asks for \(outside)")
        }
        let verdicts = try #require(page.range(of: "✗ failed"))
        let picture = try #require(page.range(of: "<svg "))
        #expect(verdicts.lowerBound < picture.lowerBound)
        #expect(page.contains("partition, split 50%, for 1m"))
        #expect(page.contains("329.950000 node 17 deadline 0"))
        #expect(!page.contains("nan") && !page.contains("inf "))
    }

    @Test func `a run without a single sample is still a page`() throws {
        let record = RunRecord(
            file: try SyntheticRuns.file(),
            result: RunResult(
                scenarioName: "<b>",
                seed: 1,
                fidelity: .frames,
                computesSignatures: true,
                nodeCount: 2,
                virtualTime: .zero,
                traceHashes: [],
                verdicts: [Verdict(name: "a<b & \"c\"", isPassed: true, finding: "<script>")],
                metrics: [],
                seconds: [],
                publications: [],
                lookups: [],
                eventCount: 0,
                messageCount: 0,
                messageKinds: [],
                stopped: nil
            ),
            programVersion: "v",
            wall: .zero,
            peakMemory: 0,
            baseMemory: 0
        )
        let page = HTMLReport.text(record)
        #expect(page.contains("a&lt;b &amp; &quot;c&quot;"))
        #expect(!page.contains("<script>"))
    }

    @Test(
        arguments: [
            (7.0, ["0", "2", "4", "6", "8"]),
            (0.013, ["0.000", "0.005", "0.010", "0.015"]),
            (48_000, ["0", "10\u{202f}000", "20\u{202f}000", "30\u{202f}000", "40\u{202f}000", "50\u{202f}000"]),
            (0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ] as [(Double, [String])]
    )
    func `values get round ticks that reach beyond the largest`(largest: Double, labels: [String]) {
        #expect(AxisTicks.values(upTo: largest).labels == labels)
    }

    @Test(
        arguments: [
            (330.0, ["0", "1 min", "2 min", "3 min", "4 min", "5 min"]), (45, ["0", "10 s", "20 s", "30 s", "40 s"]),
            (4_200, ["0", "10 min", "20 min", "30 min", "40 min", "50 min", "60 min", "70 min"]),
            (90_000, ["0", "6 h", "12 h", "18 h", "24 h"]),
        ] as [(Double, [String])]
    )
    func `times get round ticks in their own unit`(end: Double, labels: [String]) {
        #expect(AxisTicks.times(upTo: end).labels == labels)
    }
}

@Suite struct `Lookups of a run` {
    private func record() throws -> RunRecord {
        let run = try SyntheticRuns.record(secondCount: 40)
        var result = run.result
        result.lookups = (1...20).map { index in
            LookupSample(
                at: Instant(nanoseconds: Int64(index) * 1_500_000_000),
                node: index,
                kind: index % 2 == 0 ? "closest" : "find-peer",
                isAsked: index <= 10,
                hops: 1 + index % 3,
                requestCount: 20 + index,
                failureCount: index % 4,
                lasted: .milliseconds(100 * index),
                isFound: index != 7
            )
        }
        return RunRecord(
            file: run.file,
            result: result,
            programVersion: "v",
            wall: .seconds(1),
            peakMemory: 0,
            baseMemory: 0
        )
    }

    @Test func `are a table of their own, and none where there are none`() throws {
        #expect(!CSVTables.files([try SyntheticRuns.record()]).contains { $0.name == "lookups.csv" })
        let table = try #require(CSVTables.files([try record()]).first { $0.name == "lookups.csv" })
        let lines = table.text.split(separator: "\n")
        #expect(lines.count == 21)
        #expect(
            lines[0] == "scenario,seed,at_seconds,node,kind,asked_by,hops,requests,failures,duration_seconds,success"
        )
        #expect(lines[7] == "partition-heal,7,10.5,7,find-peer,workload,2,27,3,0.7,false")
        #expect(lines[20] == "partition-heal,7,30,20,closest,node,3,40,0,2,true")
    }

    @Test func `have three pictures, of the workload's if there are any`() throws {
        let page = HTMLReport.text(try record())
        #expect(page.components(separatedBy: "<svg ").count == 12)
        #expect(page.contains("Over 10 lookups of the workload"))
        #expect(!page.contains("nan"))
    }
}

@Suite struct `Two runs of one seed` {
    @Test func `equal runs do not differ, and others differ first in a second`() {
        let (first, second) = (SyntheticRuns.result(secondCount: 50), SyntheticRuns.result(secondCount: 50))
        #expect(Divergence.between(first, second) == nil)
        var other = second
        other.traceHashes[17] ^= 1
        other.traceHashes[40] ^= 1
        #expect(Divergence.between(first, other) == .trace(second: 17))
        var shorter = second
        shorter.traceHashes.removeLast()
        #expect(Divergence.between(first, shorter) == .trace(second: 49))
        var measured = second
        measured.seconds[3].bytes += 1
        #expect(Divergence.between(first, measured) == .result)
    }

    @Test func `what must happen sometimes is judged over the seeds`() throws {
        let names = ["sometimes: restart", "sometimes: conflict"]
        let records = try [[true, false], [false, false]].map { passed in
            var result = SyntheticRuns.result(secondCount: 1)
            result.verdicts = zip(names, passed).map { Verdict(name: $0, isPassed: $1, finding: "seen") }
            return try SyntheticRuns.record(of: result)
        }
        let together = records.judged(isWhole: true).map { $0.result.verdicts.map(\.isPassed) }
        #expect(together == [[true, false], [true, false]])
        let alone = records.judged(isWhole: false).map { $0.result.verdicts.map(\.isPassed) }
        #expect(alone == [[true, true], [true, true]])
    }
}

@Suite struct `Validation files` {
    @Test func `values and tolerances are read and judged`() throws {
        let file = try ValidationFile.read(
            """
            validate: infect-and-die
            purpose: Coverage of flooding.
            parameters: {nodes: 10000}
            expect:
              coverage_3: {value: 0.9405, within: 0.003}
              requests: {value: 19.42, within: 1%}
            seeds: 1..3
            """,
            path: "infect-and-die.yaml"
        )
        #expect(file.name == "infect-and-die")
        #expect(file.parameters.map(\.name) == ["nodes"])
        #expect(file.parameters.map(\.value) == [10_000])
        #expect(file.seeds == [1, 2, 3])
        #expect(file.expected.map(\.text) == ["0.9405 ± 0.003", "19.42 ± 1%"])
        #expect(file.expected[0].holds(0.9434) && !file.expected[0].holds(0.9437))
        #expect(file.expected[1].holds(19.6) && !file.expected[1].holds(19.62))
    }

    @Test(arguments: [
        ("purpose: x\nexpect: {a: {value: 1, within: 1}}", "a.yaml:1:1: 'validate' is missing"),
        ("validate: a\npurpose: x\nexpect: {a: {value: 1}}", "a.yaml:3:13: 'within' of 'expect.a' is missing"),
        ("validate: a\npurpose: x\nexpect: {}", "a.yaml:3:9: 'expect' names at least one metric"),
        (
            "validate: a\npurpose: x\nexpect: {a: {value: one, within: 1}}",
            "a.yaml:3:21: 'expect.a.value' takes a number, not 'one'"
        ),
    ])
    func `mistakes are told with their place`(text: String, expected: String) {
        do throws(ScenarioProblems) {
            _ = try ValidationFile.read(text, path: "a.yaml")
            Issue.record("it was read")
        } catch {
            #expect(error.description == expected)
        }
    }
}
