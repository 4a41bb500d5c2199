internal import Foundation
internal import Glibc
internal import Synchronization

/// Runs this program again, several at a time, each with its own arguments.
final class ChildRunner: Sendable {
    struct Child: Sendable {
        let name: String
        let arguments: [String]
        /// Takes what the child says; it is made, with its directory.
        let logPath: String
    }

    private struct State: Sendable {
        var running: Set<Int32> = []
        var isStopping = false
        var doneCount = 0
    }

    private let count: Int
    private let state = Mutex(State())

    init(count: Int) {
        self.count = count
    }

    /// Exit codes in the order of the children; a child that a signal ended has 128 and its number, and was tried twice.
    func run(_ children: [Child]) async throws -> [Int32] {
        let signals = StopSignals { [self] in stop() }
        defer { withExtendedLifetime(signals) {} }
        let codes = try await withThrowingTaskGroup(of: (Int, Int32).self) { group in
            var codes = [Int32](repeating: 0, count: children.count)
            var next = 0
            while next < min(count, children.count) {
                let index = next
                group.addTask { [self] in (index, try await runTwiceIfNeeded(children[index], of: children.count)) }
                next += 1
            }
            while let (index, code) = try await group.next() {
                codes[index] = code
                if next < children.count, !state.withLock(\.isStopping) {
                    let index = next
                    group.addTask { [self] in (index, try await runTwiceIfNeeded(children[index], of: children.count)) }
                    next += 1
                }
            }
            return codes
        }
        if state.withLock(\.isStopping) { throw CommandFailure(.failed, "stopped", hint: "go on with --resume") }
        return codes
    }

    private func runTwiceIfNeeded(_ child: Child, of total: Int) async throws -> Int32 {
        let start = ContinuousClock.now
        var code = try await run(child)
        // A result is never tried again; a crash may be the machine's.
        if code > 128, !state.withLock(\.isStopping) { code = try await run(child) }
        let done = state.withLock { state in
            state.doneCount += 1
            return state.doneCount
        }
        let seconds = String(format: "%.1f", (ContinuousClock.now - start) / .seconds(1))
        let words = ["passed", "failed", "bad scenario", "stopped by a limit", "not deterministic"]
        let word = words.indices.contains(Int(code)) ? words[Int(code)] : "crashed with \(code)"
        Terminal.complain("[\(done)/\(total)] \(child.name): \(word) (\(seconds) s)")
        return code
    }

    private func run(_ child: Child) async throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = child.arguments
        let log = URL(fileURLWithPath: child.logPath)
        try FileManager.default.createDirectory(at: log.deletingLastPathComponent(), withIntermediateDirectories: true)
        guard FileManager.default.createFile(atPath: log.path, contents: nil),
            let file = FileHandle(forWritingAtPath: log.path)
        else { throw CommandFailure(.failed, "\(log.path) cannot be written") }
        // The process has its own by then, and Foundation would keep this one.
        defer { try? file.close() }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = file
        process.standardError = file
        let code: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { process in
                let isSignal = process.terminationReason == .uncaughtSignal
                continuation.resume(returning: process.terminationStatus + (isSignal ? 128 : 0))
            }
            do {
                try process.run()
                state.withLock { state in _ = state.running.insert(process.processIdentifier) }
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
        state.withLock { state in _ = state.running.remove(process.processIdentifier) }
        return code
    }

    /// Ends what runs and begins nothing more.
    private func stop() {
        let running = state.withLock { state in
            state.isStopping = true
            return state.running
        }
        for identifier in running { kill(identifier, SIGTERM) }
    }
}
