internal import Foundation
internal import Glibc

/// A program of the operator's that runs in a process group of its own, with one document on standard input, for a bounded time.
enum HookProcess {
    /// What is left of a program's complaints for the log.
    static let complaintByteCountMax = 2_048
    /// What is read of its output.
    static let outputByteCountMax = 4_096
    /// Between asking a program to end and ending it.
    private static let grace = Duration.seconds(3)

    struct Result: Sendable {
        /// 0…255; `nil` if a signal ended it.
        let exitCode: Int32?
        let timedOut: Bool
        /// The beginning of what it wrote on standard output.
        let output: String
        /// The end of what it wrote on standard error.
        let complaint: String
    }

    /// Runs it to its end; `nil` if it could not be started.
    ///
    /// Standard input, output and error are files without a name: nobody waits for a reader or a writer. What a program leaves running when
    /// it ends in time is its own affair; when its time is over, its whole process group goes with it.
    static func run(
        _ arguments: [String],
        input: [UInt8],
        environment: [String: String],
        timeout: Duration
    ) async -> Result? {
        guard let program = arguments.first, let source = nameless(input), let sink = nameless([]),
            let output = nameless([])
        else { return nil }
        // Foundation never lets go of a process that a task waits for, nor of its files: a node that runs for months would have none left.
        defer { for file in [source, sink, output] { try? file.close() } }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = Array(arguments.dropFirst())
        process.environment = environment
        process.standardInput = source
        process.standardOutput = output
        process.standardError = sink
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in end.finish() }
        do { try process.run() } catch { return nil }
        // Foundation starts every child in a process group of its own on Linux, numbered as the child.
        let group = process.processIdentifier
        let clock = Task { () -> Bool in
            do { try await Task.sleep(for: timeout) } catch { return false }
            _ = kill(-group, SIGTERM)
            try? await Task.sleep(for: grace)
            _ = kill(-group, SIGKILL)
            return true
        }
        for await _ in ends {}
        if process.isRunning {
            // Nobody waits for it any more.
            _ = kill(-group, SIGKILL)
            process.waitUntilExit()
        }
        clock.cancel()
        return Result(
            exitCode: process.terminationReason == .exit ? process.terminationStatus : nil,
            timedOut: await clock.value,
            output: head(of: output),
            complaint: tail(of: sink)
        )
    }

    /// An open file that no directory shows any more, at its beginning.
    private static func nameless(_ bytes: [UInt8]) -> FileHandle? {
        let path = FileManager.default.temporaryDirectory.path + "/rialto-hook-\(UUID().uuidString)"
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o600]
        guard FileManager.default.createFile(atPath: path, contents: Data(bytes), attributes: attributes) else {
            return nil
        }
        defer { try? FileManager.default.removeItem(atPath: path) }
        return FileHandle(forUpdatingAtPath: path)
    }

    private static func head(of sink: FileHandle) -> String {
        guard (try? sink.seek(toOffset: 0)) != nil, let data = try? sink.read(upToCount: outputByteCountMax) else {
            return ""
        }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func tail(of sink: FileHandle) -> String {
        guard let length = try? sink.seekToEnd(), length > 0 else { return "" }
        let start = length > UInt64(complaintByteCountMax) ? length - UInt64(complaintByteCountMax) : 0
        guard (try? sink.seek(toOffset: start)) != nil, let data = try? sink.readToEnd() else { return "" }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
