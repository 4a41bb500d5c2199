import Foundation
import Testing

@testable import rialto

@Suite(.serialized, .timeLimit(.minutes(1))) struct `The process of a hook` {
    /// The files of hooks that this process has open.
    private var openFiles: [String] {
        let folder = "/proc/self/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
            .filter { $0.contains("rialto-hook-") }
    }

    private func run(_ script: String, timeout: Duration = .seconds(20)) async throws -> HookProcess.Result {
        let arguments = ["/bin/sh", "-c", script]
        let environment = ["PATH": "/usr/bin:/bin"]
        return try #require(
            await HookProcess.run(arguments, input: Array("in\n".utf8), environment: environment, timeout: timeout)
        )
    }

    @Test func `reads the document and is heard`() async throws {
        let result = try await run("cat; echo complaint >&2; exit 3")
        #expect(result.exitCode == 3 && !result.timedOut)
        #expect(result.output == "in" && result.complaint == "complaint")
    }

    /// A provider runs some for every lease, for months.
    @Test func `leaves no file open, however it ends`() async throws {
        for script in ["exit 0", "exit 1", "kill -9 $$"] { _ = try await run(script) }
        #expect(try await run("sleep 600", timeout: .milliseconds(50)).timedOut)
        #expect(openFiles.isEmpty)
    }

    @Test func `that cannot be started leaves none either`() async {
        #expect(await HookProcess.run(["/nowhere"], input: [], environment: [:], timeout: .seconds(1)) == nil)
        #expect(openFiles.isEmpty)
    }
}
