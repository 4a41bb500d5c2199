import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct `Bans at the command line` {
    private func peer(_ home: TestHome) async throws -> String { try #require(try await home.run("id").lines.first) }

    @Test func `a ban ends the connection at once, holds over a restart, and is lifted`() async throws {
        let (home, other) = (try TestHome(), try TestHome())
        let first = try await home.operate()
        let second = try await other.operate(["--bootstrap", try first.node.address])
        try await eventually("a connection") { try await home.peerCount() == 1 ? () : nil }
        let stranger = try await peer(other)

        let banned = try await home.run("ban", "add", stranger, "--for", "24h", "--reason", "says \"no\"")
        #expect(banned.code == 0, "\(banned.complaint)")
        #expect(banned.output == "banned \(stranger)\n")
        try await eventually("the end of the connection") {
            let counts = [try await home.peerCount(), try await other.peerCount()]
            return counts == [0, 0] ? () : nil
        }
        let refused = try await home.run("peers", "connect", try second.node.address)
        #expect(refused.code == 1)
        #expect(refused.complaint.contains("banned"))

        #expect(try await home.run("down").code == 0)
        #expect(try await first.node.waitUntilEnded() == 0)
        let again = try await home.operate()
        let listed = try await home.run("ban", "list", "--json").objects
        #expect(listed.map { $0["target"] as? String } == [stranger])
        #expect(listed.first?["reason"] as? String == "says \"no\"")
        #expect(listed.first?["until_unix_ms"] is Int)
        #expect(try await home.run("peers", "connect", try second.node.address).code == 1)

        #expect(try await home.run("ban", "del", stranger).code == 0)
        #expect(try await home.run("ban", "del", stranger).code == 1, "it is gone already")
        #expect(try await home.run("ban", "list").output == "no bans\n")
        let back = try await home.run("peers", "connect", try second.node.address)
        #expect(back.code == 0, "\(back.complaint)")
        for (home, node) in [(home, again.node), (other, second.node)] {
            #expect(try await home.run("down").code == 0)
            #expect(try await node.waitUntilEnded() == 0)
        }
    }

    @Test func `a ban of the settings is in force, and what they allow wins over it`() async throws {
        let (home, other) = (try TestHome(), try TestHome())
        _ = try home.write("ban: [127.0.0.0/8]\n", to: "config.yaml")
        let first = try await home.operate()
        let second = try await other.operate()
        let connect = try await other.run("peers", "connect", try first.node.address)
        #expect(connect.code == 1)
        #expect(try await home.peerCount() == 0)
        let listed = try await home.run("ban", "list", "--json").objects
        #expect(listed.map { $0["origin"] as? String } == ["settings"])

        _ = try home.write("ban: [127.0.0.0/8]\nallow: [127.0.0.1]\n", to: "config.yaml")
        let reloaded = try await home.run("config", "reload", "--json").objects.first
        #expect(reloaded?["changed"] as? [String] == ["allow"])
        #expect(reloaded?["needs_restart"] as? [String] == [])
        let allowed = try await home.run("peers", "connect", try second.node.address)
        #expect(allowed.code == 0, "\(allowed.complaint)")
        for (home, node) in [(home, first.node), (other, second.node)] {
            #expect(try await home.run("down").code == 0)
            #expect(try await node.waitUntilEnded() == 0)
        }
    }

    @Test(
        arguments: [
            (["ban", "add", "nobody"], 3), (["ban", "add", "203.0.113.7", "--for", "soon"], 2),
            (["ban", "list"], 3), (["ban", "del", "203.0.113.7"], 3),
        ] as [([String], Int32)]
    )
    func `without a node, or with words that make no sense, nothing is banned`(
        words: [String],
        code: Int32
    ) async throws {
        let home = try TestHome()
        let (process, _) = try home.start(words)
        try await eventually("the end") { process.isRunning ? nil : () }
        #expect(process.terminationStatus == code)
    }
}
