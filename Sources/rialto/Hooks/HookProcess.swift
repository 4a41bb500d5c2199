internal import Foundation
internal import Glibc
internal import Inventory

/// A program of the operator's that runs in a process group of its own, with one document on standard input, for a bounded time.
enum HookProcess {
    /// What is left of a program's complaints for the log.
    static let complaintByteCountMax = 2_048
    /// What is read of its output.
    static let outputByteCountMax = 4_096
    /// While somebody writes the program's file, it is waited for.
    private static let busyTime = Duration.seconds(1)
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

    /// Runs it to its end.
    ///
    /// Standard input, output and error are files without a name: nobody waits for a reader or a writer. What a program leaves running when
    /// it ends in time is its own affair; when its time is over, its whole process group goes with it.
    static func run(
        _ arguments: [String],
        input: [UInt8],
        environment: [String: String],
        timeout: Duration
    ) async throws(SpawnedProgram.Failure) -> Result {
        guard let program = arguments.first else { throw SpawnedProgram.Failure(code: ENOENT) }
        let source = try nameless(input)
        defer { try? source.close() }
        let output = try nameless([])
        defer { try? output.close() }
        let sink = try nameless([])
        defer { try? sink.close() }
        let process = try SpawnedProgram.start(
            path: program,
            arguments: Array(arguments.dropFirst()),
            environment: environment,
            files: SpawnedProgram.Files(
                input: source.fileDescriptor,
                output: output.fileDescriptor,
                complaints: sink.fileDescriptor
            ),
            until: .now + Self.busyTime
        ).get()
        let (exitCode, timedOut) = await end(of: process, within: timeout)
        return Result(exitCode: exitCode, timedOut: timedOut, output: head(of: output), complaint: tail(of: sink))
    }

    /// Takes the status of the program itself, whatever it has left running, and ends it with its group when its time is over.
    private static func end(of process: pid_t, within timeout: Duration) async -> (exitCode: Int32?, timedOut: Bool) {
        let deadline = ContinuousClock.now + timeout
        var pause = Self.shortestPause
        // When it is ended, after it was asked to.
        var killAt: ContinuousClock.Instant?
        while true {
            var status: Int32 = 0
            let ended = unsafe waitpid(process, &status, WNOHANG)
            if ended == process || (ended < 0 && errno != EINTR) {
                if ended == process, killAt != nil { kill(-process, SIGKILL) }
                // The low seven bits are the signal that ended it (wait(2)); one that somebody else took the status of has no code.
                return (ended == process && status & 0x7f == 0 ? status >> 8 & 0xff : nil, killAt != nil)
            }
            let now = ContinuousClock.now
            if Task.isCancelled || killAt.map({ now >= $0 }) == true {
                kill(-process, SIGKILL)
                usleep(Self.killMicroseconds)
            } else if killAt == nil, now >= deadline {
                killAt = now + grace
                kill(-process, SIGTERM)
                pause = Self.shortestPause
            }
            try? await Task.sleep(for: killAt == nil ? min(pause, deadline - now) : pause)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// How often it is looked at whether a program has ended: soon at first, then as a person would not notice.
    private static let (shortestPause, longestPause) = (Duration.milliseconds(2), Duration.milliseconds(100))
    /// What ending takes, where nobody may sleep any more.
    private static let killMicroseconds: UInt32 = 1_000

    /// An open file that no directory shows any more, at its beginning.
    private static func nameless(_ bytes: [UInt8]) throws(SpawnedProgram.Failure) -> FileHandle {
        let path = FileManager.default.temporaryDirectory.path + "/rialto-hook-\(UUID().uuidString)"
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            let failure = SpawnedProgram.Failure(code: errno)
            throw failure.isTemporary ? failure : SpawnedProgram.Failure(code: EIO)
        }
        _ = unsafe unlink(path)
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try file.write(contentsOf: bytes)
            try file.seek(toOffset: 0)
        } catch {
            try? file.close()
            throw SpawnedProgram.Failure(code: ENOSPC)
        }
        return file
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
