import Foundation
import FoundationNetworking
import Glibc
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct `A node as a service` {
    @Test func `tells systemd that it is ready, that it lives, and that it stops`() async throws {
        let home = try TestHome()
        let socket = try NotifySocket(path: home.path + "/n")
        let node = try await home.operate(environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "100000"])
        try await eventually("READY") { socket.has("READY=1") ? () : nil }
        try await eventually("two signs of life") {
            socket.has("WATCHDOG=1") && socket.count("WATCHDOG=1") > 1 ? () : nil
        }
        #expect(!socket.has("STOPPING=1"))
        node.node.process.terminate()
        #expect(try await node.node.waitUntilEnded() == 0)
        #expect(socket.has("STOPPING=1"))
    }

    @Test(arguments: ["/nowhere/at/all", "relative", "", "@rialto-test-nobody", String(repeating: "/x", count: 100)])
    func `goes on where nobody listens`(path: String) async throws {
        let home = try TestHome()
        let node = try await home.operate(environment: ["NOTIFY_SOCKET": path])
        #expect(try await home.run("down").code == 0)
        #expect(try await node.node.waitUntilEnded() == 0)
    }

    @Test func `a watchdog that is meant for another process is not fed`() async throws {
        let home = try TestHome()
        let socket = try NotifySocket(path: home.path + "/n")
        let variables = ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"]
        let node = try await home.operate(environment: variables)
        try await eventually("READY") { socket.has("READY=1") ? () : nil }
        #expect(try await home.run("down").code == 0)
        #expect(try await node.node.waitUntilEnded() == 0)
        #expect(!socket.has("WATCHDOG=1"))
    }

    @Test func `writes its log as JSON, one object a line, from the level that was asked for`() async throws {
        let home = try TestHome()
        let variables = ["RIALTO_LISTN": "x"]
        let node = try await home.operate(["--log", "json", "--log-level", "info"], environment: variables)
        try await eventually("the first lines") {
            Set(node.codes).isSuperset(of: ["unknown_variable", "listening", "no_peers"]) ? () : nil
        }
        let lines = node.log.split(separator: "\n")
        #expect(node.logLines.count == lines.count, "every line is an object")
        for line in node.logLines {
            #expect(Set(line.keys).isSuperset(of: ["time", "level", "component", "code", "message"]))
            #expect(["info", "warning"].contains(line["level"] as? String))
        }
        #expect(try await home.run("down").code == 0)
        #expect(try await node.node.waitUntilEnded() == 0)
        #expect(node.codes.last == "stopping")
    }

    @Test
    func
        `reads its settings anew at a signal, names what waits for a restart, and keeps what it had when they make no sense`()
        async throws
    {
        let home = try TestHome()
        _ = try home.write("log: json\nlog_level: warning\nready_peers: 0\n", to: "config.yaml")
        let node = try await home.operate()
        #expect(
            try await home.run("status", "--json").objects.first.flatMap { $0["health"] as? [String: Any] }?["ready"]
                as? Bool == true
        )
        _ = try home.write("log: json\nlog_level: info\nready_peers: 2\nnetwork: other\n", to: "config.yaml")
        kill(node.node.process.processIdentifier, SIGHUP)
        try await eventually("the reload") { node.codes.contains("needs_restart") ? () : nil }
        let told = node.logLines.compactMap { $0["message"] as? String }
        #expect(told.contains("changed: log_level ready_peers"))
        #expect(told.contains("these settings wait for a restart: network"))
        let health = try await home.run("status", "--json").objects.first.flatMap { $0["health"] as? [String: Any] }
        #expect(health?["ready"] as? Bool == false)

        _ = try home.write("log_level: loud\n", to: "config.yaml")
        let wrong = try await home.run("config", "reload")
        #expect(wrong.code == 2)
        #expect(wrong.complaint.contains("nothing has changed: log_level 'loud'"))
        kill(node.node.process.processIdentifier, SIGHUP)
        try await eventually("the complaint") { node.codes.contains("reload_failed") ? () : nil }
        #expect(try await home.run("down").code == 0)
        #expect(try await node.node.waitUntilEnded() == 0)
    }

    @Test func `ends in good order when its terminal is closed`() async throws {
        let home = try TestHome()
        let terminal = try PseudoTerminal()
        let output = home.path + "/terminal.out"
        #expect(FileManager.default.createFile(atPath: output, contents: nil))
        let process = Process()
        process.executableURL = TestHome.program
        process.arguments = ["up", "--json", "--listen", "/ip4/127.0.0.1/tcp/0", "--api", "off"]
        process.environment = ["RIALTO_HOME": home.path, "RIALTO_MDNS": "off"]
        let screen = try #require(FileHandle(forUpdatingAtPath: terminal.path))
        process.standardInput = screen
        let told = try #require(FileHandle(forWritingAtPath: output))
        defer { try? told.close() }
        process.standardOutput = told
        process.standardError = FileHandle.nullDevice
        try process.run()
        let node = TestNode(process: process, outputPath: output)
        try await eventually("a node that is ready") { node.events.contains { $0["event"] == "ready" } ? () : nil }
        kill(process.processIdentifier, SIGHUP)
        #expect(try await home.run("status").code == 0, "with its terminal there, the signal means new settings")
        try screen.close()
        terminal.hangUp()
        kill(process.processIdentifier, SIGHUP)
        #expect(try await node.waitUntilEnded() == 0)
        #expect(node.events.last?["event"] == "stopped")
    }

    @Test func `numbers and health are served on loopback to whoever collects them`() async throws {
        let home = try TestHome()
        let node = try await home.operate(["--api", "127.0.0.1:0"])
        let address = try #require(node.node.events.first { $0["event"] == "api" }?["address"])
        func get(_ path: String) async throws -> (Int, String) {
            let (data, response) = try await URLSession.shared.data(from: try #require(URL(string: address + path)))
            return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
        }
        let (live, alive) = try await get("/livez")
        #expect(live == 200 && alive == "live\n")
        let (ready, reasons) = try await get("/readyz")
        #expect(ready == 503)
        #expect(reasons.contains("0 outbound peers of 4"))
        let (code, metrics) = try await get("/metrics")
        #expect(code == 200)
        #expect(metrics.contains("\nrialto_signing 1\n"))
        #expect(metrics.contains("# TYPE libp2p_swarm_handshake_latency_seconds histogram\n"))
        #expect(try await home.run("down").code == 0)
        #expect(try await node.node.waitUntilEnded() == 0)
    }
}
