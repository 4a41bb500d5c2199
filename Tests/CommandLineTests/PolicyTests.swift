import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct `A provider's policy and hooks` {
    @Test(arguments: [
        ("flor: 0.25 USD\n", "unknown key 'flor'", "did you mean 'floor'?"),
        ("floor: cheap\n", "'floor' 'cheap' is no price", "write '0.25 USD'"),
        ("floor: [0.25 USD, 300]\n", "'floor' '300' is no price", "one for each unit"),
        ("award: best\n", "'award' is 'best'", "'best 30s'"),
        ("hold: 2m\n", "is no time from 1 s to 60 s", "write 30s"),
        ("blocked: [nobody]\n", "'nobody' is no peer id", "12D3Koo"),
        ("await_ready: maybe\n", "neither true nor false", "write true or false"),
        ("lease_started: start.sh\n", "is no absolute path", "/usr/local/bin/start"),
        ("lease_started: /no/such/program\n", "cannot be run", "chmod +x"),
        ("lease_started: [/bin/true]\nhook_timeout: 0s\n", "'hook_timeout' '0s'", "write 30s"),
    ])
    func `a policy that makes no sense is refused whole, with what to do`(
        text: String,
        reason: String,
        hint: String
    ) async throws {
        let home = try TestHome()
        _ = try home.write(text, to: "policy.yaml")
        let checked = try await home.run("config", "check")
        #expect(checked.code == 2)
        #expect(checked.complaint.contains(reason) && checked.complaint.contains(hint), "\(checked.complaint)")
        #expect(checked.complaint.contains("\(home.path)/policy.yaml"))
    }

    @Test func `a policy is read anew while the node runs, and a bad one changes nothing`() async throws {
        let home = try TestHome()
        let node = try await home.up()
        _ = try home.write("floor: [0.25 USD, 300 sat]\naward: best 30s\nbid_on_requests: false\n", to: "policy.yaml")
        #expect(try await home.run("config", "reload").output == "changed: policy\n")
        _ = try home.write("floor: [0.25 USD]\nmeters: 60s\n", to: "policy.yaml")
        let refused = try await home.run("config", "reload")
        #expect(refused.code == 2 && refused.complaint.contains("nothing has changed"))
        #expect(refused.complaint.contains("did you mean 'meter'?"))
        try FileManager.default.removeItem(atPath: home.path + "/policy.yaml")
        #expect(try await home.run("config", "reload").output == "changed: policy\n")
        #expect(try await home.run("down").code == 0)
        #expect(try await node.waitUntilEnded() == 0)
    }

    @Test func `nothing is offered below the floor, and each GPU that is named in its unit`() async throws {
        let home = try TestHome()
        _ = try home.write("floor: [0.25 USD]\n", to: "policy.yaml")
        let node = try await home.up()
        let low = try await home.run("offer", "publish", "--gpu", "rtx-3090", "--price", "0.20")
        #expect(low.code == 2 && low.complaint.contains("below the floor") && low.complaint.contains("0.25 USD"))
        #expect(try await home.run("offer", "list", "--json").objects.isEmpty)
        let offers = try await home.run(
            "offer",
            "publish",
            "--gpu",
            "rtx-3090",
            "--gpu",
            "rtx-4090:2",
            "--price",
            "0.30",
            "--unit",
            "usd",
            "--json"
        ).objects
        #expect(offers.map { $0["unit"] as? String } == ["USD", "USD"])
        #expect(offers.map { $0["count"] as? Int } == [1, 2])
        let offer = try #require(offers.first?["offer_id"] as? String)
        let lowered = try await home.run("offer", "update", offer, "--price", "0.2")
        #expect(lowered.code == 2 && lowered.complaint.contains("below the floor"))
        let unpriced = try await home.run("offer", "update", offer, "--unit", "sat")
        #expect(unpriced.code == 2 && unpriced.complaint.contains("another unit needs another price"))
        #expect(try await home.run("offer", "update", offer, "--unit", "SAT", "--price", "300").code == 0)
        #expect(try await home.run("down").code == 0)
        #expect(try await node.waitUntilEnded() == 0)
    }

    @Test func `a watch runs its program with each change, in order, and says how it ended`() async throws {
        let home = try TestHome()
        let node = try await home.up()
        let seen = home.path + "/seen.txt"
        let watch = try home.start([
            "watch", "gpu=rtx-4090 price<=0.30", "--json", "--run", "/bin/sh", "--", "-c",
            "cat >> '\(seen)'; echo >> '\(seen)'; exit 7",
        ])
        defer { watch.0.terminate() }
        func lines() -> [[String: Any]] {
            let text = (try? String(contentsOfFile: seen, encoding: .utf8)) ?? ""
            return text.split(separator: "\n").compactMap {
                try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            }
        }
        #expect(try await home.run("offer", "publish", "--gpu", "rtx-4090", "--price", "0.35").code == 0)
        #expect(try await home.run("offer", "publish", "--gpu", "rtx-4090", "--price", "0.30").code == 0)
        try await eventually("the first change") { lines().isEmpty ? nil : () }
        let first = try #require(lines().first)
        #expect(first["change"] as? String == "appeared")
        #expect((first["row"] as? [String: Any])?["price_micros"] as? Int == 300_000)
        let offer = try #require(first["offer_id"] as? String)
        #expect(try await home.run("offer", "withdraw", offer).code == 0)
        try await eventually("its end") { lines().last?["change"] as? String == "gone" ? () : nil }
        try await eventually("two lines") {
            let text = try String(contentsOfFile: watch.output + ".out", encoding: .utf8)
            let said = text.split(separator: "\n").filter { $0.contains("\"exit_code\":7") }
            return said.count == 2 ? () : nil
        }
        #expect(try await home.run("down").code == 0)
        #expect(try await node.waitUntilEnded() == 0)
    }

    /// What a program leaves behind in its process group goes with it.
    @Test func `a program that takes too long is ended with everything that it started`() async throws {
        let home = try TestHome()
        let node = try await home.up()
        let marks = home.path + "/child"
        let script = "trap '' TERM; sleep 300 & echo $! > '\(marks)'; wait; sleep 300"
        #expect(try await home.run("offer", "publish", "--gpu", "rtx-4090", "--price", "0.35").code == 0)
        let watch = try await home.run(
            "watch",
            "gpu=rtx-4090",
            "--once",
            "--timeout",
            "1s",
            "--run",
            "/bin/sh",
            "--",
            "-c",
            script
        )
        #expect(watch.code == 1)
        #expect(watch.output.contains("took too long"), "\(watch.output)")
        let child = try #require(
            Int32(try String(contentsOfFile: marks, encoding: .utf8).trimmingCharacters(in: .newlines))
        )
        try await eventually("the end of the grandchild") { isRunning(child) ? nil : () }
        #expect(try await home.run("down").code == 0)
        #expect(try await node.waitUntilEnded() == 0)
    }

    /// A zombie that nobody waits for is no longer running.
    private func isRunning(_ process: Int32) -> Bool {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return false }
        return text[text.index(end, offsetBy: 2)] != "Z"
    }
}
