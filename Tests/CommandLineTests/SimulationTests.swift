import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct `Simulation from the command line` {
    private static let calm = """
        purpose: Eight nodes hear each other.
        nodes: 8
        duration: {build-up: 4s, measure: 12s}
        network: {latency: {constant: 20ms}}
        workload: {providers: 2, publish-within: 6s, change-every: 10s}
        expect: {delivery: 50% within 5s}
        seeds: [1, 2]

        """

    /// The same, with an expectation that no network holds.
    private static let hopeless = calm.replacingOccurrences(of: "50% within 5s", with: "100% within 1ms")

    private func file(_ home: TestHome, _ text: String = calm, named name: String = "calm.yaml") throws -> String {
        try home.write(text, to: name)
    }

    @Test func `a run that holds exits with 0, and says one line for each seed`() async throws {
        let home = try TestHome()
        let path = try file(home)
        let result = try await home.run("sim", "run", path, "--json", "--out", "\(home.path)/out", "--csv", "--html")
        #expect(result.code == 0, "\(result.output)\(result.complaint)")
        #expect(result.objects.map { $0["seed"] as? Int } == [1, 2])
        #expect(result.objects.allSatisfy { $0["verdict"] as? String == "passed" })
        #expect(Set(result.objects.compactMap { $0["trace_hash"] as? String }).count == 2)
        #expect(try String(contentsOfFile: "\(home.path)/out/result.jsonl", encoding: .utf8) == result.output)
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(home.path)/out").sorted()
        #expect(
            names == [
                "messages.csv", "publications.csv", "report-1.html", "report-2.html", "result.jsonl", "seconds.csv",
                "trace.csv",
            ]
        )
        // One page where there were two: those of the run before do not stay.
        let one = try await home.run("sim", "run", path, "--seed", "2", "--out", "\(home.path)/out", "--html")
        #expect(one.code == 0)
        let fewer = try FileManager.default.contentsOfDirectory(atPath: "\(home.path)/out").sorted()
        #expect(fewer == ["report.html", "result.jsonl"])
        let again = try await home.run("sim", "run", path, "--seed", "2", "--check-determinism")
        #expect(again.code == 0, "\(again.output)")
        #expect(again.output.hasSuffix("both runs of every seed were the same\n"))
    }

    @Test func `what cannot be written is said before the run`() async throws {
        let home = try TestHome()
        let path = try file(home)
        let out = try await home.run("sim", "run", path, "--out", "/proc/x")
        let work = try await home.run("sim", "run", path, "--out", "\(home.path)/out", "--work", "/proc/x")
        for (result, flag) in [(out, "--out"), (work, "--work")] {
            #expect(result.code == 2 && result.output.isEmpty)
            #expect(
                result.complaint
                    == """
                    error: \(flag) '/proc/x': nothing can be written there
                      name a directory of yours; it is made if there is none

                    """
            )
        }
    }

    @Test func `a check that fails exits with 1 and names the command that looks closer`() async throws {
        let home = try TestHome()
        let path = try file(home, Self.hopeless)
        let result = try await home.run("sim", "run", path, "--seed", "1")
        #expect(result.code == 1, "\(result.output)")
        #expect(result.output.contains("✗ delivery"))
        #expect(result.output.contains("look closer: rialto sim replay \(path) --seed 1 --from"))
        let replay = try await home.run("sim", "replay", path, "--seed", "1", "--from", "4s", "--until", "5s")
        #expect(replay.code == 0)
        #expect(!replay.lines.isEmpty)
        #expect(replay.lines.allSatisfy { $0.hasPrefix("4.") || $0.hasPrefix("5.000000") }, "\(replay.lines)")
        let node = try await home.run(
            "sim",
            "replay",
            path,
            "--seed",
            "1",
            "--from",
            "0s",
            "--until",
            "5s",
            "--node",
            "3"
        )
        #expect(node.lines.allSatisfy { $0.contains(" node 3") }, "\(node.lines)")
        #expect(node.lines.contains { $0.hasSuffix(" world: starts node 3") }, "\(node.lines)")
        let nobody = try await home.run("sim", "replay", path, "--seed", "1", "--node", "8")
        #expect(nobody.code == 2)
        #expect(nobody.complaint.contains("from 0 to 7 with --node"), "\(nobody.complaint)")
    }

    @Test(arguments: [
        (["--set", "network.los=1%"], 2, "unknown key 'los'; did you mean 'loss'?"),
        (["--set", "network.loss"], 2, "--set network.loss=1%"), (["--nodes", "1"], 2, "'nodes' takes a whole number"),
        (["--fidelity", "byte"], 2, "did you mean 'bytes'?"), (["--csv"], 2, "--out DIR"),
        (["--max-wall", "10"], 2, "no length"), (["--max-rss", "lots"], 2, "no size"),
        (["--seed", "1", "--max-virtual", "2s"], 3, ""), (["--seed", "1", "--max-rss", "1MB"], 3, ""),
    ])
    func `bad scenarios exit with 2, limits with 3`(more: [String], code: Int, part: String) async throws {
        let home = try TestHome()
        let (process, name) = try home.start(["sim", "run", try file(home)] + more)
        try await eventually("the end of \(more)") { process.isRunning ? nil : () }
        #expect(Int(process.terminationStatus) == code)
        let complaint = try String(contentsOfFile: name + ".err", encoding: .utf8)
        #expect(part.isEmpty || complaint.contains(part), "\(complaint)")
    }

    @Test func `a file that makes no sense is told with its lines`() async throws {
        let home = try TestHome()
        let path = try file(home, "purpose: Wrong.\nnodes: many\nfidelty: bytes\n")
        let result = try await home.run("sim", "run", path)
        #expect(result.code == 2)
        #expect(result.complaint.contains("error: \(path):2:8: 'nodes' takes a whole number from 2"))
        #expect(result.complaint.contains("error: \(path):3:1: unknown key 'fidelty'; did you mean 'fidelity'?"))
        #expect(result.complaint.contains("'duration' is missing"))
        let list = try await home.run("sim", "list", home.path)
        #expect(list.code == 2)
    }

    @Test func `a sweep runs what is not there yet, and comparing it with itself finds nothing`() async throws {
        let home = try TestHome()
        _ = try file(home)
        let sweep = try file(home, "scenario: calm.yaml\nseeds: 1..3\ngrid: {nodes: [6, 8]}\n", named: "sweep.yaml")
        let list = try await home.run("sim", "list", home.path)
        #expect(list.code == 0, "\(list.complaint)")
        #expect(list.lines.count == 2, "the sweep is no scenario: \(list.lines)")

        let out = "\(home.path)/out"
        let lines = try await home.run("sim", "sweep", sweep, "--list", "--out", out).lines
        #expect(lines.count == 6)
        #expect(lines.allSatisfy { $0.hasPrefix("rialto sim run \(home.path)/calm.yaml --seed ") })
        let first = try await home.run("sim", "sweep", sweep, "--out", out, "--shard", "0/2", "--jobs", "2")
        #expect(first.code == 0, "\(first.complaint)")
        let second = try await home.run("sim", "sweep", sweep, "--out", out, "--resume", "--jobs", "2")
        #expect(second.code == 0, "\(second.complaint)")
        #expect(second.output.contains("were done already"))
        let merged = try String(contentsOfFile: out + "/result.jsonl", encoding: .utf8).split(separator: "\n")
        #expect(merged.count == 6)
        let third = try await home.run("sim", "sweep", sweep, "--out", out, "--resume")
        #expect(third.output == "6 were done already\n")

        // What another build found is no result of this one.
        let stale = try String(contentsOfFile: out + "/result.jsonl", encoding: .utf8)
        #expect(stale.contains("\"program_version\":\"rialto 0.1.0+"), "\(stale.prefix(400))")
        let folder = try #require(
            try FileManager.default.contentsOfDirectory(atPath: out).first { $0.hasPrefix("calm-1") }
        )
        let line = try String(contentsOfFile: "\(out)/\(folder)/result.jsonl", encoding: .utf8)
        let older = line.replacingOccurrences(of: "\"rialto 0.1.0+", with: "\"rialto 0.1.0+0")
        _ = try home.write(older, to: "out/\(folder)/result.jsonl")
        let fourth = try await home.run("sim", "sweep", sweep, "--out", out, "--resume")
        #expect(fourth.output == "1 passed, 5 were done already\n")

        let same = try await home.run("sim", "compare", out, out)
        #expect(same.code == 0, "\(same.output)")
        let worse = merged.map { $0.replacingOccurrences(of: "\"bytes_total\":", with: "\"bytes_total\":9") }
        let path = try home.write(worse.joined(separator: "\n") + "\n", to: "worse.jsonl")
        let compared = try await home.run("sim", "compare", out, path)
        #expect(compared.code == 1)
        #expect(compared.output.contains("bytes_total"))
        #expect(try await home.run("sim", "compare", out, "\(home.path)/nowhere").code == 2)
    }

    @Test func `a failing scenario is made smaller and still fails`() async throws {
        let home = try TestHome()
        let path = try file(home, Self.hopeless + "faults: [{at: 2s, disconnect: 1}, {at: 3s, departure: 1}]\n")
        let small = "\(home.path)/small.yaml"
        let result = try await home.run("sim", "shrink", path, "--seed", "1", "--out", small, "--max-runs", "25")
        #expect(result.code == 0, "\(result.complaint)")
        #expect(result.complaint.contains("still fails: "))
        let text = try String(contentsOfFile: small, encoding: .utf8)
        #expect(!text.contains("faults"), "\(text)")
        let run = try await home.run("sim", "run", small)
        #expect(run.code == 1)
        #expect(run.output.contains("✗ delivery: 100 % within 1 ms: 0 % of"), "\(run.output)")
    }

    @Test(arguments: ["kad", "cast"])
    func `a bench prints one line with stable names`(workload: String) async throws {
        let home = try TestHome()
        let result = try await home.run("sim", "bench", workload, "--nodes", "200")
        #expect(result.code == 0, "\(result.complaint)")
        let object = try #require(result.objects.first)
        let names = ["latency_ms_p50", "latency_ms_p99", "messages", "messages_per_second", "trace_hash"]
        for name in names + (workload == "kad" ? ["hops_mean", "requests_per_lookup"] : []) {
            #expect(object[name] != nil, "\(name)")
        }
        #expect(try await home.run("sim", "bench", workload, "--nodes", "1").code == 2)
    }

    @Test func `a recorded node does the same again, and a changed recording is found out`() async throws {
        let (home, other) = (try TestHome(), try TestHome())
        let path = "\(home.path)/node.recording"
        let node = try await home.up("--record", path)
        let second = try await other.up("--bootstrap", try node.address)
        #expect(try await home.run("offer", "publish", "--gpu", "rtx-4090", "--price", "0.35").code == 0)
        try await eventually("the offer at the other node") {
            try await other.run("search", "gpu=rtx-4090", "--json").objects.isEmpty ? nil : ()
        }
        #expect(try await home.run("down").code == 0)
        #expect(try await node.waitUntilEnded() == 0)
        _ = try await other.run("down")
        #expect(try await second.waitUntilEnded() == 0)

        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let replay = try await home.run("sim", "replay", path)
        #expect(replay.code == 0, "\(replay.complaint)")
        #expect(replay.output.contains("publish an offer of 1"))
        #expect(replay.complaint.hasSuffix(" steps went the same way\n"))
        let stranger = try await other.run("sim", "replay", path)
        #expect(stranger.code == 1)
        #expect(stranger.complaint.contains("--identity"))
        let named = try await other.run("sim", "replay", path, "--identity", home.path, "--quiet")
        #expect(named.code == 0 && named.output.isEmpty, "\(named.complaint)")

        // The digest of the third entry but one from the end is no longer what it was.
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let key = try Data(contentsOf: URL(fileURLWithPath: home.path + "/identity.key"))
        // The file ends with the secret seed and the public key (libp2p peer-ids specification).
        #expect(Data(bytes).range(of: key.suffix(64).prefix(32)) == nil, "the key is not in it")
        var (offset, starts) = (0, [Int]())
        while offset < bytes.count {
            starts.append(offset)
            offset += 4 + bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        bytes[starts[starts.count - 3] + 12] ^= 1
        let changed = try home.write("", to: "changed.recording")
        try Data(bytes).write(to: URL(fileURLWithPath: changed))
        #expect(try await home.run("sim", "replay", changed, "--quiet").code != 0)
    }
}
