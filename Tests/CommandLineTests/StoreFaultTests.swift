import Foundation
import Testing

/// The disk of a running node fills up: what cannot be written is not published, and nothing that was is lost.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `A node whose disk is full` {
    /// Starts a node whose files may grow to so many KiB (setrlimit(2), RLIMIT_FSIZE).
    private func operate(_ home: TestHome, fileKibibyteMax: Int) async throws -> (process: Process, log: String) {
        let name = "\(home.path)/limited"
        for suffix in [".out", ".err"] { #expect(FileManager.default.createFile(atPath: name + suffix, contents: nil)) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        let words =
            "ulimit -f \(fileKibibyteMax); exec '\(TestHome.program.path)' up --json --log json --listen /ip4/127.0.0.1/tcp/0 --api off"
        process.arguments = ["-c", words]
        process.environment = ["RIALTO_HOME": home.path, "RIALTO_MDNS": "off", "PATH": "/usr/bin:/bin"]
        process.standardInput = FileHandle.nullDevice
        let files = [".out", ".err"].compactMap { FileHandle(forWritingAtPath: name + $0) }
        defer { for file in files { try? file.close() } }
        (process.standardOutput, process.standardError) = (files[0], files[1])
        try process.run()
        try await eventually("a node that is ready") {
            let text = try String(contentsOfFile: name + ".out", encoding: .utf8)
            guard process.isRunning else {
                throw TestFailure(try String(contentsOfFile: name + ".err", encoding: .utf8))
            }
            return text.contains("\"ready\"") ? () : nil
        }
        return (process, name + ".err")
    }

    @Test func `says so everywhere, keeps what it has, and goes on with room`() async throws {
        let home = try TestHome()
        let node = try await operate(home, fileKibibyteMax: 160)
        var published: [String] = []
        let refused = try await eventually("an offer that the disk does not take") {
            let result = try await home.run("offer", "publish", "--gpu", "rtx-4090", "--price", "0.35", "--json")
            guard result.code == 0 else { return result }
            published += result.objects.compactMap { $0["offer_id"] as? String }
            return TestHome.Result?.none
        }
        #expect(refused.code == 1)
        #expect(refused.complaint.contains("the disk did not take it, so it was not published"), "\(refused.complaint)")
        #expect(!published.isEmpty)
        let (code, findings) = try await home.doctor()
        #expect(code == 1)
        #expect(findings["store_failing"]?["state"] as? String == "wrong")
        #expect(try String(contentsOfFile: node.log, encoding: .utf8).contains("store_failed"))
        node.process.terminate()
        try await eventually("the end of the node") { node.process.isRunning ? nil : () }

        let again = try await home.operate()
        let offers = try await home.run("offer", "list", "--json").objects.compactMap { $0["offer_id"] as? String }
        #expect(Set(offers) == Set(published), "all that was told to be published, and nothing else")
        let more = try await home.run("offer", "publish", "--gpu", "rtx-3090", "--price", "0.2")
        #expect(more.code == 0, "\(more.complaint)")
        #expect(try await home.run("down").code == 0)
        #expect(try await again.node.waitUntilEnded() == 0)
    }
}
