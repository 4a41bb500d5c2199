import Foundation
import Glibc
import Inventory
import Testing

@testable import rialto

@Suite(.serialized, .timeLimit(.minutes(1))) struct `The process of a hook` {
    /// How many files this process has open.
    private var openFileCount: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    }

    private func run(_ script: String, timeout: Duration = .seconds(20)) async throws -> HookProcess.Result {
        let arguments = ["/bin/sh", "-c", script]
        let environment = ["PATH": "/usr/bin:/bin"]
        return try await HookProcess.run(
            arguments,
            input: Array("in\n".utf8),
            environment: environment,
            timeout: timeout
        )
    }

    @Test func `reads the document and is heard`() async throws {
        let result = try await run("cat; echo complaint >&2; exit 3")
        #expect(result.exitCode == 3 && !result.timedOut)
        #expect(result.output == "in" && result.complaint == "complaint")
    }

    /// A provider runs some for every lease, for months.
    @Test func `leaves no file open, however it ends`() async throws {
        let before = openFileCount
        for script in ["exit 0", "exit 1", "kill -9 $$"] { _ = try await run(script) }
        #expect(try await run("sleep 600", timeout: .milliseconds(50)).timedOut)
        for program in ["/nowhere", try notExecutable()] { #expect(await refusal(of: program) != nil) }
        #expect(openFileCount == before)
    }

    /// An executable file that no system runs: it has no first line with `#!`, and is no program.
    private func notExecutable() throws -> String {
        let path = FileManager.default.temporaryDirectory.path + "/rialto-\(UUID().uuidString)"
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
        #expect(FileManager.default.createFile(atPath: path, contents: Data("echo\n".utf8), attributes: attributes))
        return path
    }

    private func refusal(of program: String) async -> String? {
        do {
            _ = try await HookProcess.run([program], input: [], environment: [:], timeout: .seconds(1))
            return nil
        } catch { return error.description }
    }

    @Test func `that cannot be started says why`() async throws {
        #expect(await refusal(of: "/nowhere") == "is not installed")
        let path = try notExecutable()
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(
            await refusal(of: path)
                == "is no program of this machine; a script begins with #! and the path of what reads it"
        )
    }

    @Test func `is over when the program is, whatever it leaves running`() async throws {
        let began = ContinuousClock.now
        let result = try await run("setsid sleep 50 </dev/null & echo $!")
        #expect(result.exitCode == 0 && !result.timedOut)
        #expect(ContinuousClock.now - began < .seconds(15))
        let left = try #require(Int32(result.output))
        #expect(kill(left, 0) == 0, "what it leaves running is its own affair")
        kill(left, SIGKILL)
    }

    /// The threads of a node block the signals that end it; a workload must not inherit that.
    @Test func `can be ended, and so can what it starts`() async throws {
        let result = try await run("sleep 50 & kill $!; wait $!; echo $?")
        #expect(result.output == "143", "128 and the number of SIGTERM")
    }

    @Test func `is asked to end when its time is over, and then ended with all of its group`() async throws {
        let polite = try await run("trap 'echo bye; exit 0' TERM; sleep 600 & wait", timeout: .seconds(2))
        #expect(polite.timedOut && polite.output == "bye" && polite.exitCode == 0)
        let deaf = "sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' &"
        for script in ["\(deaf) exec sleep 600", "trap '' TERM; \(deaf) while :; do sleep 1; done"] {
            let result = try await run(script, timeout: .seconds(2))
            #expect(result.timedOut && result.exitCode == nil)
            let member = try #require(Int32(result.output))
            try await eventually("the end of a member that does not hear") { kill(member, 0) == 0 ? nil : () }
        }
    }

    @Test func `sees no file of ours but its own three`() async throws {
        // As libraries open them: a program would inherit it.
        let inherited = unsafe open("/dev/null", O_RDONLY)
        defer { _ = close(inherited) }
        let result = try await run("ls /proc/self/fd | wc -l")
        // Its three, and the folder that is being read.
        #expect(result.output == "4")
    }

    @Test func `places are few, and what ends a workload comes first`() async {
        let places = HookPlaces(count: 1)
        await places.enter(isOwed: false)
        let order = Order()
        let begin = Task { await enter(places, "begin", isOwed: false, order) }
        while await places.waitingCount < 1 { await Task.yield() }
        let end = Task { await enter(places, "end", isOwed: true, order) }
        while await places.waitingCount < 2 { await Task.yield() }
        await places.leave()
        await begin.value
        await end.value
        #expect(await order.names == ["end", "begin"])
    }

    private actor Order {
        var names: [String] = []

        func add(_ name: String) { names.append(name) }
    }

    private func enter(_ places: HookPlaces, _ name: String, isOwed: Bool, _ order: Order) async {
        await places.enter(isOwed: isOwed)
        await order.add(name)
        await places.leave()
    }
}
