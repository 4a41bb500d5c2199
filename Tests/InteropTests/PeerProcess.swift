import DaemonControl
import Foundation
import Synchronization

/// A foreign peer's process: it ends with `stop`, and also if the test process dies, because it watches its standard input.
final class PeerProcess: Sendable {
    // `@unchecked`: the process is used by `stop` alone, which takes it out under the lock.
    private struct Running: @unchecked Sendable {
        let process: Process
        let input: Descriptor
    }

    private let running: Mutex<Running?>
    private let ended = DispatchSemaphore(value: 0)
    private let output: Descriptor
    private let unread = Mutex<[UInt8]>([])

    init(_ program: URL, _ arguments: [String]) throws {
        let (process, input, output) = (Process(), Pipe(), Pipe())
        (process.executableURL, process.arguments) = (program, arguments)
        (process.standardInput, process.standardOutput) = (input, output)
        process.standardError = FileHandle.nullDevice
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
        let name = program.lastPathComponent
        let written = fcntl(input.fileHandleForWriting.fileDescriptor, F_DUPFD_CLOEXEC, 0)
        running = Mutex(Running(process: process, input: Descriptor(owning: written, name: name)))
        try input.fileHandleForWriting.close()
        let read = fcntl(output.fileHandleForReading.fileDescriptor, F_DUPFD_CLOEXEC, 0)
        self.output = Descriptor(owning: read, name: name)
        try output.fileHandleForReading.close()
    }

    deinit { stop() }

    func writeLine(_ line: [UInt8]) throws {
        guard let input = running.withLock({ $0?.input }) else { throw PeerFailure.ended("the peer") }
        try input.write(line + [UInt8(ascii: "\n")])
    }

    /// The next line that the peer writes, without its end.
    func readLine(before deadline: Deadline = .within()) throws -> [UInt8] {
        while true {
            let line = unread.withLock { unread -> [UInt8]? in
                guard let end = unread.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                defer { unread.removeSubrange(...end) }
                return Array(unread[..<end])
            }
            if let line { return line }
            let piece = try output.read(before: deadline)
            guard !piece.isEmpty else { throw PeerFailure.ended("the peer") }
            unread.withLock { $0 += piece }
        }
    }

    /// Ends the process: by the end of its input, else by signals to it alone.
    func stop() {
        guard let process = takeProcess() else { return }
        if ended.wait(timeout: .now() + 3) == .success { return }
        _ = kill(process.processIdentifier, SIGTERM)
        if ended.wait(timeout: .now() + 2) == .success { return }
        _ = kill(process.processIdentifier, SIGKILL)
    }

    /// Closes the input, too.
    private func takeProcess() -> Process? {
        running.withLock { running in
            defer { running = nil }
            return running?.process
        }
    }
}
