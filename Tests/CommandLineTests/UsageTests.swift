import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(1))) struct `Wrong usage` {
    @Test(arguments: [["status"], ["search"], ["down"], ["offer", "list"], ["key", "resume"]])
    func `a command without a running node says so and exits with 3`(arguments: [String]) async throws {
        let home = try TestHome()
        let (process, name) = try home.start(arguments)
        try await eventually("the end") { process.isRunning ? nil : () }
        #expect(process.terminationStatus == 3)
        let complaint = try String(contentsOfFile: name + ".err", encoding: .utf8)
        #expect(complaint == "error: no node is running in \(home.path); start one with: rialto up\n")
    }

    @Test(arguments: [
        (["sarch"], "Unexpected argument"), (["search", "--limit", "x"], "--limit"),
        (["offer", "publish", "--gpu", "rtx-4090", "--price", "1e3"], "--price '1e3' is no amount"),
        (["offer", "publish", "--gpu", "rtx-4090", "--price", "0.1234567"], "six digits"),
        (["offer", "publish", "--gpu", "rtx-4090", "--price", "-1"], "price"),
        (["offer", "publish", "--gpu", "rtx-4090:0", "--price", "1"], "the count is 1 to 32"),
        (["offer", "publish", "--gpu", "rtx-4090", "--price", "1", "--min", "1y"], "30m, 4h or 7d"),
        (["up", "--listen", "localhost:4180"], "/ip4/0.0.0.0/tcp/4180"),
        (["up", "--bootstrap", "/ip4/1.2.3.4/tcp/1"], "no peer"),
        (["up", "--api", "0.0.0.0:4181"], "loopback"),
        (["up", "--network", "Main Net"], "a-z"), (["book", "rtx-4090", "--limit", "-1"], "at least 1"),
        (["offer", "publish", "--gpu", "rtx-4090", "--price", "1", "--country", "Germany"], "two letters"),
        (["offer", "publish", "--gpu", "rtx-4090", "--price", "1", "--min", "2h", "--max", "1h"], "longer than --max"),
        (["offer", "publish", "--gpu", "rtx-4090", "--price", "1", "--lowest-bid", "2"], "above --price"),
        (["sim", "run", "/nonexistent"], "there is no file '/nonexistent'"),
        (["sim", "replay", "/nonexistent"], "or a recording of 'rialto up --record'"),
        (["lease", "show", ""], "is empty"), (["trust", ""], "is empty"),
    ])
    func `wrong words are explained and exit with 2`(arguments: [String], part: String) async throws {
        let home = try TestHome()
        let (process, name) = try home.start(arguments)
        try await eventually("the end") { process.isRunning ? nil : () }
        #expect(process.terminationStatus == 2)
        #expect(try String(contentsOfFile: name + ".err", encoding: .utf8).contains(part))
    }

    @Test func `unknown fields, sort keys, GPUs and offers name the nearest`() async throws {
        let home = try TestHome()
        let node = try await home.up()
        let field = try await home.run("search", "gpuu=rtx-4090")
        #expect(field.code == 2)
        #expect(field.complaint.contains("did you mean 'gpu'?"))
        let sort = try await home.run("search", "--sort", "prise")
        #expect(sort.code == 2)
        #expect(sort.complaint.contains("'price'"))
        let gpu = try await home.run("offer", "publish", "--gpu", "rtx-4091", "--price", "1")
        #expect(gpu.code == 2)
        #expect(gpu.complaint.contains("did you mean 'rtx-4090'?"))
        #expect(try await home.run("offer", "withdraw", "ab").code == 1)
        let near = try await home.run(
            "offer",
            "publish",
            "--gpu",
            "rtx-4090",
            "--price",
            "0.35",
            "--min",
            "7d",
            "--max",
            "1h"
        )
        #expect(near.code == 2, "a shortest lease longer than the longest")
        let explained = try await home.run("search", "gpu=rtx-4090 price<=0.1", "--explain")
        #expect(explained.output.contains("price<=0.1USD: 0 left"))
        _ = try await home.run("down")
        #expect(try await node.waitUntilEnded() == 0)
    }

    @Test func `a taken port and a taken home are named`() async throws {
        let (home, other) = (try TestHome(), try TestHome())
        let node = try await home.up()
        let port = try node.port
        let taken = try await other.run("up", "--listen", "/ip4/127.0.0.1/tcp/\(port)", "--api", "off")
        #expect(taken.code == 1)
        #expect(taken.complaint.contains("port \(port) is taken"))
        #expect(taken.complaint.contains("--listen"))
        let twice = try await home.run("up", "--listen", "/ip4/127.0.0.1/tcp/0", "--api", "off")
        #expect(twice.code == 1)
        #expect(twice.complaint.contains("another node uses \(home.path)"))
        #expect(try await home.run("status").code == 0, "the first node lives on")
        _ = try await home.run("down")
        #expect(try await node.waitUntilEnded() == 0)
    }

    @Test func `a key that others may read is refused`() async throws {
        let home = try TestHome()
        let made = try await home.run("key", "new")
        #expect(made.code == 0)
        #expect(try await home.run("key", "new").code == 1, "a key is never overwritten")
        #expect(try await home.run("key", "show").output == made.output)
        let backup = home.path + "/backup.key"
        #expect(try await home.run("key", "export", backup).code == 0)
        let other = try TestHome()
        #expect(try await other.run("key", "import", backup).output == made.output)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: home.path + "/identity.key")
        let refused = try await home.run("up", "--listen", "/ip4/127.0.0.1/tcp/0", "--api", "off")
        #expect(refused.code == 1)
        #expect(refused.complaint.contains("chmod 600"))
    }

    @Test func `settings show their origin, flags first, and an unknown key is an error`() async throws {
        let home = try TestHome()
        _ = try home.write("network: file\nlisten: [/ip4/127.0.0.1/tcp/1]\n", to: "config.yaml")
        let shown = try await home.run(
            "config",
            "show",
            "--json",
            environment: ["RIALTO_LISTEN": "/ip4/127.0.0.1/tcp/2"]
        )
        let rows = shown.objects.map { "\($0["key"] ?? "")=\($0["value"] as? [String] ?? []) \($0["origin"] ?? "")" }
        #expect(rows.contains("network=[\"file\"] file \(home.path)/config.yaml"))
        #expect(rows.contains("listen=[\"/ip4/127.0.0.1/tcp/2\"] environment RIALTO_LISTEN"))
        #expect(rows.contains("api=[\"127.0.0.1:4181\"] default"))
        let flag = try await home.run("config", "show", "--network", "flag")
        #expect(flag.output.contains("flag --network"))
        _ = try home.write("lisen: /ip4/127.0.0.1/tcp/1\n", to: "config.yaml")
        for command in ["check", "show"] {
            let wrong = try await home.run("config", command)
            #expect(wrong.code == 2)
            #expect(wrong.complaint.contains("unknown key 'lisen'"))
            #expect(wrong.complaint.contains("did you mean 'listen'?"))
        }
    }

    @Test func `help teaches with examples`() async throws {
        let home = try TestHome()
        for command in [["--help"], ["up", "--help"], ["search", "--help"], ["offer", "publish", "--help"]] {
            let (process, name) = try home.start(command)
            try await eventually("the end") { process.isRunning ? nil : () }
            #expect(process.terminationStatus == 0)
            #expect(try String(contentsOfFile: name + ".out", encoding: .utf8).contains("  rialto "))
        }
    }
}
