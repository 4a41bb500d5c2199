import Foundation
import Glibc

/// A program that runs beside this one and does not outlive it.
final class ChildProcess {
    private let process = Process()
    private let output = Pipe()

    /// Starts a program; what it complains of goes to the file at `complaints`, or nowhere.
    init(_ arguments: [String], environment: [String: String], complaints: String? = nil) throws {
        // Whoever kills a measurement kills its processes.
        let launcher = "/usr/bin/setpriv"
        if FileManager.default.isExecutableFile(atPath: launcher) {
            process.executableURL = URL(fileURLWithPath: launcher)
            process.arguments = ["--pdeathsig", "KILL", "--"] + arguments
        } else {
            process.executableURL = URL(fileURLWithPath: arguments[0])
            process.arguments = Array(arguments.dropFirst())
        }
        process.environment = environment.merging(["PATH": "/usr/bin:/bin"]) { own, _ in own }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        var complaintFile: FileHandle?
        // Foundation keeps a process and its files for ever.
        defer { try? complaintFile?.close() }
        if let complaints {
            // One file over all restarts.
            if !FileManager.default.fileExists(atPath: complaints) {
                try Data().write(to: URL(fileURLWithPath: complaints))
            }
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: complaints))
            try file.seekToEnd()
            process.standardError = file
            complaintFile = file
        }
        try process.run()
    }

    deinit { stop(within: .seconds(2)) }

    var isRunning: Bool { process.isRunning }

    /// What it has said since the last call; waits for the next words, `nil` at its end.
    func moreOutput() -> String? {
        let piece = output.fileHandleForReading.availableData
        return piece.isEmpty ? nil : String(decoding: piece, as: UTF8.self)
    }

    /// Asks it to end, and ends it if it does not.
    func stop(within patience: Duration) {
        guard process.isRunning else { return }
        process.terminate()
        let end = ContinuousClock.now + patience
        while process.isRunning, ContinuousClock.now < end { usleep(5_000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    /// What the kernel knows of a process (proc(5)).
    struct Facts {
        var residentByteCount = 0
        var descriptorCount = 0
        var threadCount = 0
        /// Of all its threads, in user and kernel mode; counted in hundredths.
        var processorSeconds = 0.0
    }

    func facts() throws -> Facts {
        let folder = "/proc/\(process.processIdentifier)"
        let stat = try String(contentsOfFile: folder + "/stat", encoding: .utf8)
        // The name in parentheses may hold spaces; the state behind it is the third field of the manual.
        guard let end = stat.lastIndex(of: ")") else { throw BenchFailure("\(folder)/stat cannot be read") }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        func number(_ field: Int) throws -> Int {
            guard fields.count > field - 3, let value = Int(fields[field - 3]) else {
                throw BenchFailure("\(folder)/stat cannot be read")
            }
            return value
        }
        var facts = Facts()
        facts.processorSeconds = Double(try number(14) + number(15)) / Double(sysconf(Int32(_SC_CLK_TCK)))
        facts.threadCount = try number(20)
        facts.residentByteCount = try number(24) * Int(getpagesize())
        facts.descriptorCount = try FileManager.default.contentsOfDirectory(atPath: folder + "/fd").count
        return facts
    }
}
