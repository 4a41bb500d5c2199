import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct `The doctor` {
    private func state(_ finding: [String: Any]?) -> String? { finding?["state"] as? String }
    private func message(_ finding: [String: Any]?) -> String { finding?["message"] as? String ?? "" }
    private func remedy(_ finding: [String: Any]?) -> String { finding?["remedy"] as? String ?? "" }

    @Test func `finds nothing wrong where nothing is yet, and changes nothing`() async throws {
        let home = try TestHome()
        _ = try home.write("listen: [/ip4/127.0.0.1/tcp/0]\napi: off\n", to: "config.yaml")
        let (code, findings) = try await home.doctor()
        #expect(code == 0)
        #expect(state(findings["key"]) == "note")
        #expect(state(findings["store"]) == "note")
        #expect(state(findings["descriptors"]) == "good")
        let names = try FileManager.default.contentsOfDirectory(atPath: home.path).filter {
            !$0.contains(".err") && !$0.contains(".out")
        }
        #expect(names == ["config.yaml"])
    }

    @Test func `names a key that others may read, with the command that mends it`() async throws {
        let home = try TestHome()
        #expect(try await home.run("key", "new").code == 0)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: home.path + "/identity.key")
        let (code, findings) = try await home.doctor()
        #expect(code == 1)
        #expect(state(findings["key"]) == "wrong")
        #expect(remedy(findings["key"]) == "chmod 600 '\(home.path)/identity.key'")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: home.path)
        let (_, open) = try await home.doctor()
        #expect(remedy(open["home"]) == "chmod 700 '\(home.path)'")
    }

    @Test func `names unknown settings and variables with the nearest that there are`() async throws {
        let home = try TestHome()
        _ = try home.write("lisen: /ip4/127.0.0.1/tcp/1\n", to: "config.yaml")
        let (code, findings) = try await home.doctor(environment: ["RIALTO_BOOTSRAP": "x", "RIALTO_LOG_LEVEL": "info"])
        #expect(code == 1)
        #expect(remedy(findings["settings"]) == "did you mean 'listen'?")
        let variable = findings["variables"]?["message"] as? String ?? ""
        #expect(variable == "the variable RIALTO_BOOTSRAP means nothing; did you mean RIALTO_BOOTSTRAP?")
        let checked = try await home.run("config", "check", environment: ["RIALTO_NETWROK": "x"])
        #expect(checked.complaint.contains("did you mean RIALTO_NETWORK?"))
    }

    @Test func `names a taken port and damaged own state`() async throws {
        let (home, other) = (try TestHome(), try TestHome())
        let node = try await other.operate()
        _ = try home.write("listen: [/ip4/127.0.0.1/tcp/\(try node.node.port)]\napi: off\n", to: "config.yaml")
        let (code, findings) = try await home.doctor()
        #expect(code == 1)
        #expect(
            findings["ports"]?["message"] as? String == "127.0.0.1:\(try node.node.port) is taken by another program"
        )
        #expect(try await other.run("down").code == 0)
        #expect(try await node.node.waitUntilEnded() == 0)

        // A backup is one file with everything in it; beside a log, damage of the file itself may not count.
        let path = other.path + "/node.sqlite"
        #expect(try await other.run("backup", path + ".copy").code == 0)
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        try FileManager.default.moveItem(atPath: path + ".copy", toPath: path)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes.replaceSubrange(4_096..., with: Data(repeating: 0x5A, count: bytes.count - 4_096))
        try bytes.write(to: URL(fileURLWithPath: path))
        let (_, damaged) = try await other.doctor()
        #expect(state(damaged["store"]) == "wrong")
        #expect(remedy(damaged["store"]).contains("backup"))
        let up = try await other.run("up", "--listen", "/ip4/127.0.0.1/tcp/0", "--api", "off")
        #expect(up.code == 1)
        #expect(up.complaint.contains("is damaged"))
    }

    @Test func `judges a running node by its peers`() async throws {
        let (home, other) = (try TestHome(), try TestHome())
        let first = try await home.operate()
        let (alone, lonely) = try await home.doctor()
        #expect(alone == 1)
        #expect(state(lonely["peers"]) == "wrong")
        #expect(remedy(lonely["peers"]).contains("bootstrap"))
        #expect(lonely["ports"] == nil, "a running node holds its own ports")

        let second = try await other.operate(["--bootstrap", try first.node.address])
        try await eventually("a connection") { try await home.peerCount() == 1 ? () : nil }
        let (inbound, visited) = try await home.doctor()
        #expect(inbound == 0)
        #expect(message(visited["direction"]).contains("came by themselves"))
        let (outbound, visitor) = try await other.doctor()
        #expect(outbound == 0)
        #expect(message(visitor["direction"]).contains("from outside"))

        second.node.process.terminate()
        #expect(try await second.node.waitUntilEnded() == 0)
        #expect(try await home.run("down").code == 0)
        #expect(try await first.node.waitUntilEnded() == 0)
    }

    /// Two nodes with one key: whoever hears itself speak from elsewhere stops, and says what to do.
    @Test func `finds that a copied home stopped the signing, until the operator resumes it`() async throws {
        let (home, copy) = (try TestHome(), try TestHome())
        let (between, beyond) = (try TestHome(), try TestHome())
        let middle = try await between.operate()
        // The two meet through different peers, as they do in the world: one peer would take them for one node with two connections.
        let far = try await beyond.operate(["--bootstrap", try middle.node.address])
        let first = try await home.operate(["--bootstrap", try middle.node.address])
        let idle = try await home.run("key", "resume")
        #expect(idle.output.hasPrefix("nothing to resume"))
        #expect(try await home.run("down").code == 0)
        #expect(try await first.node.waitUntilEnded() == 0)
        try copy.copy(["identity.key", "node.sqlite"], from: home)

        let original = try await home.operate(["--bootstrap", try middle.node.address])
        let double = try await copy.operate(["--bootstrap", try far.node.address])
        func signing(_ home: TestHome) async throws -> String? {
            try await home.run("status", "--json").objects.first?["signing_state"] as? String
        }
        let stopped = try await eventually("one that hears the other") {
            _ = try await home.run("offer", "publish", "--gpu", "rtx-4090", "--price", "0.35")
            for home in [home, copy] where try await signing(home) == "stopped" { return home }
            return TestHome?.none
        }
        let (code, findings) = try await stopped.doctor()
        #expect(code == 1)
        #expect(remedy(findings["signing"]).contains("rialto key resume"))
        let node = stopped === home ? original : double
        #expect(node.log.contains("signing_stopped"))
        let resumed = try await stopped.run("key", "resume")
        #expect(resumed.output == "the node signs again\n")
        for (home, node) in [(home, original), (copy, double), (beyond, far), (between, middle)] {
            #expect(try await home.run("down").code == 0)
            #expect(try await node.node.waitUntilEnded() == 0)
        }
    }
}
