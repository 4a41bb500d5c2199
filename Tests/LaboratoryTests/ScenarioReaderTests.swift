import Simulator
import Testing

@testable import Laboratory

/// The problems of a text, one a line; empty if it is a scenario.
func problems(_ text: String, path: String = "churn.yaml", files: [String: String] = [:]) -> String {
    do throws(ScenarioProblems) {
        _ = try ScenarioReader.read(text, path: path, loadFile: { files[$0] })
        return ""
    } catch {
        return error.description
    }
}

/// The smallest file.
let smallest = """
    purpose: Nothing happens.
    nodes: 10
    duration: {build-up: 10s, measure: 1m}

    """

@Suite struct `Scenario reader` {
    private static let allWords = """
        name: all-words
        purpose: "Every word: once."
        nodes: 1000
        duration: {build-up: 10m, measure: 1h}
        fidelity: frames
        network:
          latency: {coordinates: {side: 80ms, access: 5ms}}
          jitter: 20%
          loss: 0.1%
          upload: 20Mbit/s
          download: 1Gbit
          nat: {open: 55%, restricted: 30%, symmetric: 15%}
        churn: {session: {weibull: {shape: 0.52, scale: 1.94h}}, downtime: {exponential: 1h}, identity: new, stable: 5%}
        workload: {providers: 12, offers-per-provider: 2, publish-within: 5s, change-every: 6h, segments: 3}
        clocks: {skew: 500ms}
        faults:
          - {at: 20m, partition: {split: 50%, for: 10m}}
          - {at: 45m, crash: {nodes: 20%, loses-unsynced: true, down: 20s}}
          - {at: 46m, clock-step: {nodes: 3, by: -90s}}
        adversaries: {silent: 10%, spammer: {nodes: 2, per-second: 50}, equivocator: 2}
        expect:
          always: [bounded]
          delivery: ">= 99.9% within 10s"
          latency: [p50 within 1s, p99.9 <= 3s]
          equal-sets: 60s
          complete-listings: true
          overhead: 3.5
          contained: 90%
          conflicts-known: <= 30s
          sometimes: [restart, conflict]
        seeds: 3..5
        """

    @Test func `everything that a file can say is read`() throws {
        let scenario = try ScenarioReader.read(Self.allWords, path: "Simulations/all-words.yaml")
        var expected = Scenario(
            name: "all-words",
            purpose: "Every word: once.",
            nodeCount: 1_000,
            buildUp: .seconds(600),
            measured: .seconds(3_600)
        )
        expected.fidelity = .frames
        expected.network.latency = .coordinates(side: .milliseconds(80), access: .milliseconds(5))
        expected.network.jitter = Share(percent: 20)
        expected.network.loss = Share(millionths: 1_000)
        (expected.network.upload, expected.network.download) = (20_000_000, 1_000_000_000)
        (expected.network.nat.restricted, expected.network.nat.symmetric) = (Share(percent: 30), Share(percent: 15))
        var churn = ChurnPlan(
            session: .weibull(shape: 0.52, scale: .seconds(6_984)),
            downtime: .exponential(mean: .seconds(3_600))
        )
        (churn.keepsIdentity, churn.stable) = (false, .share(Share(percent: 5)))
        expected.churn = churn
        expected.workload.providers = .count(12)
        expected.workload.offersPerProvider = 2
        expected.workload.publishWithin = .seconds(5)
        expected.workload.changeEvery = .seconds(21_600)
        expected.workload.segmentCount = 3
        expected.clocks.skew = .milliseconds(500)
        expected.faults = [
            PlannedFault(at: .seconds(1_200), fault: .partition(split: Share(percent: 50), for: .seconds(600))),
            PlannedFault(
                at: .seconds(2_700),
                fault: .crash(.share(Share(percent: 20)), losesUnsynced: true, down: .seconds(20))
            ),
            PlannedFault(at: .seconds(2_760), fault: .clockStep(.count(3), by: .seconds(-90))),
        ]
        expected.adversaries = [
            AdversaryPlan(role: .silent, quota: .share(Share(percent: 10))),
            AdversaryPlan(role: .spammer(perSecond: 50), quota: .count(2)),
            AdversaryPlan(role: .equivocator, quota: .count(2)),
        ]
        expected.always = [.bounded]
        expected.expectations = [
            .delivery(atLeast: Share(millionths: 999_000), within: .seconds(10)),
            .latency(percentile: 5_000, within: .seconds(1)), .latency(percentile: 9_990, within: .seconds(3)),
            .equalSets(within: .seconds(60)), .completeListings, .overhead(atMostHundredths: 350),
            .contained(atLeast: Share(percent: 90)), .conflictsKnown(within: .seconds(30)), .sometimes(.restart),
            .sometimes(.conflict),
        ]
        expected.seeds = [3, 4, 5]
        #expect(scenario == expected)
    }

    @Test func `bytes are changed where there are bytes`() throws {
        let text = smallest + "fidelity: bytes\nfaults: [{at: 5s, corrupt: {per-mille: 3, for: 30s}}]\n"
        let scenario = try ScenarioReader.read(text, path: "churn.yaml")
        #expect(
            scenario.faults == [PlannedFault(at: .seconds(5), fault: .corrupt(perMille: 3, for: .seconds(30)))]
        )
    }

    @Test func `what is left out is as usual`() throws {
        let scenario = try ScenarioReader.read(smallest, path: "churn.yaml")
        let usual = Scenario(
            name: "churn",
            purpose: "Nothing happens.",
            nodeCount: 10,
            buildUp: .seconds(10),
            measured: .seconds(60)
        )
        #expect(scenario == usual)
    }

    @Test(arguments: [
        ("nods: 3", "churn.yaml:4:1: unknown key 'nods'; did you mean 'nodes'?"),
        (
            "zebra: 3",
            "churn.yaml:4:1: unknown key 'zebra'; known: name, purpose, nodes, duration, fidelity, network, connections, discovery, "
                + "churn, workload, clocks, faults, adversaries, expect, seeds"
        ),
        ("fidelity: byte", "churn.yaml:4:11: 'fidelity' cannot be 'byte'; did you mean 'bytes'?"),
        ("network: {los: 1%}", "churn.yaml:4:11: unknown key 'los'; did you mean 'loss'?"),
        (
            "network: {loss: 0.1}",
            "churn.yaml:4:17: 'network.loss' takes a share from 0% to 100%, like 30% or 0.1%, not '0.1'"
        ),
        (
            "network: {upload: 20MB}",
            "churn.yaml:4:19: 'network.upload' takes a bit rate: a number and one of bit/s, kbit/s, Mbit/s, Gbit/s, like "
                + "20Mbit/s, not '20MB'"
        ),
        (
            "clocks: {skew: 5}",
            "churn.yaml:4:16: 'clocks.skew' takes a length: a number and one of us, ms, s, m, h, d, like 250ms or "
                + "1.94h, not '5'"
        ),
        (
            "network: {latency: region}",
            "churn.yaml:4:20: 'network.latency' cannot be 'region'; did you mean 'regions'?"
        ),
        (
            "network: {latency: constant}",
            "churn.yaml:4:20: 'network.latency' cannot be 'constant': it takes a value, like {constant: 50ms}"
        ),
        (
            "network: {nat: {open: 50%, restricted: 20%}}",
            "churn.yaml:4:16: the shares of 'network.nat' add up to 100%, open nodes included"
        ),
        (
            "churn: {session: {weibul: {shape: 1, scale: 1h}}, downtime: 1h}",
            "churn.yaml:4:19: unknown key 'weibul'; did you mean 'weibull'?"
        ),
        (
            "churn: {session: {weibull: {shape: 1}}, downtime: 1h}",
            "churn.yaml:4:28: 'scale' of 'churn.session.weibull' is missing"
        ),
        (
            "faults:\n  - {at: 2m, departure: 20%}",
            "churn.yaml:5:10: the fault begins at 2m, after the end of the measured time"
        ),
        (
            "faults: [{at: 2s, partitoin: {split: 50%, for: 1s}}]",
            "churn.yaml:4:19: unknown key 'partitoin'; did you mean 'partition'?"
        ),
        (
            "faults: [{at: 2s, corrupt: {per-mille: 3, for: 1s}}]",
            "churn.yaml:4:19: 'corrupt' changes bytes on the wire: it needs 'fidelity: bytes'"
        ),
        ("adversaries: {silnt: 40%}", "churn.yaml:4:15: unknown key 'silnt'; did you mean 'silent'?"),
        (
            "expect: {delivery: 99%}",
            "churn.yaml:4:20: 'expect.delivery' takes a share and a length, like '99.9% within 5s', not '99%'"
        ),
        (
            "expect: {conflicts-known: 3s}",
            "churn.yaml:4:27: 'conflicts-known' needs an 'equivocator' among the adversaries"
        ),
        (
            "expect: {always: [bouned]}",
            "churn.yaml:4:19: 'expect.always' cannot be 'bouned'; did you mean 'bounded'?"
        ),
        ("seeds: [1, 2, 1]", "churn.yaml:4:15: the seed 1 stands here twice"),
        (
            "seeds: 5..1",
            "churn.yaml:4:8: 'seeds' takes a list like [1, 2, 3] or a range like 1..5, of at most 10000 seeds, not '5..1'"
        ),
        (
            "workload: {change-every: 6h, changes-per-second: 2}",
            "churn.yaml:4:50: 'change-every' and 'changes-per-second' say the same: keep one"
        ),
        (
            "name: chrun",
            "churn.yaml:4:7: the file is called 'churn', not 'chrun': leave the name out, or make them one"
        ),
        ("nodes: 1", "churn.yaml: a mapping has two values for the key 'nodes'"),
        ("x: [1, 2", "churn.yaml:5:1: this is no YAML: did not find expected ',' or ']'"),
    ])
    func `a mistake is told with its place and what was meant`(line: String, expected: String) {
        #expect(problems(smallest + line + "\n") == expected)
    }

    /// Each line could be read; a run would pass over it.
    @Test(arguments: [
        (
            "fidelity: frames\nadversaries: {reflector: 2}",
            "churn.yaml:5:15: 'reflector': this role is about addresses or connections, which nobody looks at with "
                + "'fidelity: frames': take 'bytes'"
        ),
        (
            "connections: {low: 4, high: 8}",
            "churn.yaml:4:14: nobody counts connections with 'fidelity: messages': take 'bytes'"
        ),
        (
            "fidelity: bytes\nconnections: {low: 8, high: 4}",
            "churn.yaml:5:29: the high mark lies below the low one, 8: raise it"
        ),
        (
            "adversaries: {silent: 6, covert: {nodes: 5, at: 10s}}",
            "churn.yaml:4:26: 'covert': the roles up to here take 11 nodes, and there are 9 that may be hostile: deal fewer"
        ),
        (
            "adversaries: {covert: {nodes: 2, at: 1m}}",
            "churn.yaml:4:15: 'covert': it turns at 1m, when the 1m of measured time are over: let it turn earlier, or measure "
                + "longer"
        ),
        (
            "adversaries: {censor: 2}",
            "churn.yaml:4:15: 'censor': this role hides offers from whoever searches, and nobody does: add "
                + "'searches: {every: 60s}' to the workload"
        ),
        (
            "fidelity: bytes\nadversaries: {reflector: 2}",
            "churn.yaml:5:15: 'reflector': this role attacks the hash table, which nodes have with 'discovery': add "
                + "'discovery: {seeds: 1}'"
        ),
        (
            "adversaries: {poisoner: 20%}",
            "churn.yaml:4:15: 'poisoner': this role attacks the hash table, which nodes have with 'discovery': add "
                + "'discovery: {seeds: 1}'"
        ),
        (
            "workload: {providers: 90%, changes-per-second: 1}",
            "churn.yaml:4:11: 1 changes a second need 10 providers, for each may change a price every 10 s, and there are 9: "
                + "have more, or say 'change-every: 20s'"
        ),
        (
            "faults: [{at: 1s, crash: {nodes: 10, down: 1s}}]",
            "churn.yaml:4:10: 'crash' is to hit 10 nodes, and there are 9 that faults do not spare: name fewer, or a share like 30%"
        ),
        (
            "faults:\n  - {at: 1s, pause: {nodes: 1, for: 20s}}\n  - {at: 21s, pause: {nodes: 1, for: 1s}}",
            "churn.yaml:6:5: 'pause' from 21s to 22s overlaps with the one from 1s to 21s, whose end would end both: let one be over "
                + "before the other begins"
        ),
        ("expect: {equal-sets: 4s}", "churn.yaml:4:22: sets are compared as of 5s ago: 'equal-sets' takes 5s or more"),
    ])
    func `what no run could do is refused with what to do instead`(line: String, expected: String) {
        #expect(problems(smallest + line + "\n") == expected)
    }

    @Test func `the fidelity of the command line is held against the roles too`() {
        let text = smallest + "fidelity: bytes\ndiscovery: {seeds: 1}\nadversaries: {reflector: 2}\n"
        #expect(problems(text).isEmpty)
        #expect(throws: ScenarioProblems.self) {
            try ScenarioReader.read(
                text,
                path: "churn.yaml",
                changes: [ScenarioChange(path: "fidelity", value: "frames")]
            )
        }
    }

    @Test(arguments: [
        "- {at: 1s, partition: {split: 50%, for: 9s}}\n  - {at: 2s, partition: {split: 50%, for: 9s}}",
        "- {at: 1s, pause: {nodes: 1, for: 9s}}\n  - {at: 2s, disk-full: {nodes: 1, for: 9s}}",
        "- {at: 1s, crash: {nodes: 30%, down: 9s}}\n  - {at: 11s, crash: {nodes: 100%, down: 9s}}",
    ])
    func `faults that leave each other alone may be on at a time`(faults: String) {
        #expect(problems(smallest + "faults:\n  " + faults + "\n") == "")
    }

    @Test func `all mistakes are told at once, in the order of the lines`() {
        let text = """
            purpose: Wrong.
            nodes: many
            duration: {build-up: 10s}
            fidelity: fast
            expect: {delivery: soon}
            """
        #expect(
            problems(text).split(separator: "\n").map { $0.prefix { $0 != " " } } == [
                "churn.yaml:2:8:", "churn.yaml:3:11:", "churn.yaml:4:11:", "churn.yaml:5:20:",
            ]
        )
    }

    @Test(arguments: [
        "", "- 1", "3", "nodes: {a: 1}", "? [1]\n: 2", "faults: 3", "faults: [3]", "churn: 3", "expect: []",
    ])
    func `a text of another shape is a problem and no crash`(text: String) {
        #expect(!problems(text).isEmpty)
        #expect(!problems(smallest + text).isEmpty || text.isEmpty || text.hasPrefix("nodes"))
    }

    @Test func `a matrix and a trace come from files beside the scenario`() throws {
        let text =
            smallest + """
                network: {latency: {matrix: rtt.csv}}
                churn: {session: {trace: lengths.csv}, downtime: 1m}
                """
        let files = ["rtt.csv": "# from, to\n0, 80.5\n81,0\n", "lengths.csv": "90\n1.5h\n"]
        let scenario = try ScenarioReader.read(text, path: "churn.yaml", loadFile: { files[$0] })
        let matrix = LatencyMatrix(
            placeCount: 2,
            roundTrips: [.zero, .microseconds(80_500), .milliseconds(81), .zero]
        )
        #expect(scenario.network.latency == matrix.map { .matrix($0) })
        #expect(scenario.churn?.session == .trace([.seconds(90), .seconds(5_400)]))
        #expect(
            problems(text) == """
                churn.yaml:4:29: the file 'rtt.csv' cannot be read
                churn.yaml:5:26: the file 'lengths.csv' cannot be read
                """
        )
        #expect(
            problems(text, files: ["rtt.csv": "1,2\n", "lengths.csv": "soon"]) == """
                churn.yaml:4:29: a matrix has as many columns as rows, and at least one
                churn.yaml:5:26: line 1 of the trace: 'soon' is no number of seconds and no length
                """
        )
    }

    @Test func `a change takes the place of what the file says`() throws {
        let changes = ["nodes=20", "network.loss=1%", "churn={session: {exponential: 1h}, downtime: 1m}", "seeds=[9]"]
            .compactMap { ScenarioChange($0) }
        #expect(changes.count == 4)
        let scenario = try ScenarioReader.read(smallest, path: "churn.yaml", changes: changes)
        #expect(scenario.nodeCount == 20)
        #expect(scenario.network.loss == Share(percent: 1))
        #expect(scenario.churn?.session == .exponential(mean: .seconds(3_600)))
        #expect(scenario.seeds == [9])
        #expect(ScenarioChange("nodes") == nil)
        #expect(ScenarioChange("=3") == nil)
    }

    @Test func `a change of something unknown is told as in a file`() {
        #expect(throws: ScenarioProblems.self) {
            try ScenarioReader.read(
                smallest,
                path: "churn.yaml",
                changes: [ScenarioChange(path: "network.los", value: "1%")]
            )
        }
    }
}

@Suite struct `Quantities of a scenario` {
    @Test(arguments: [
        ("250ms", 250_000_000), ("10s", 10_000_000_000), ("5m", 300_000_000_000), ("1.94h", 6_984_000_000_000),
        ("2d", 172_800_000_000_000), ("7us", 7_000), ("0s", 0), ("1.5ms", 1_500_000),
    ])
    func `a length is read exactly and written back as it was`(text: String, nanoseconds: Int64) {
        #expect(Quantities.length(text) == .nanoseconds(nanoseconds))
        #expect(Quantities.text(.nanoseconds(nanoseconds)) == text)
    }

    @Test(arguments: ["", "s", "10", "1e3s", "-5s", "1..5s", "10 s", "10S", "9999999d", "0.0000001us", "٣s", "1.s"])
    func `what is no length is refused`(text: String) {
        #expect(Quantities.length(text) == nil)
    }

    @Test(arguments: [("0%", 0), ("0.1%", 1_000), ("30%", 300_000), ("100%", 1_000_000), ("99.9999%", 999_999)])
    func `a share is exact`(text: String, millionths: Int) {
        #expect(Quantities.share(text) == Share(millionths: millionths))
        #expect(Quantities.text(Share(millionths: millionths)) == text)
    }

    @Test(arguments: ["100.1%", "0.00001%", "5", "%", "-1%"])
    func `what is no share is refused`(text: String) {
        #expect(Quantities.share(text) == nil)
    }
}
