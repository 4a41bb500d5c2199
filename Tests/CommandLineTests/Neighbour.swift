import Foundation
import TestSupport
import Testing

/// A py-libp2p host in a process of its own (`Peers/neighbour.py`), which ends with its input, also if the tests die.
final class Neighbour {
    private let process = Process()
    private let input = Pipe()
    private let outputPath: String

    init(listen: String, in home: TestHome, wrapper: [String]) throws {
        let found = Bundle.module.url(forResource: "neighbour", withExtension: "py", subdirectory: "Peers")
        let script = try #require(found)
        let command = wrapper + [try ForeignPeers.program("venv/bin/python").path, "-u", script.path, listen]
        outputPath = home.path + "/neighbour.out"
        #expect(FileManager.default.createFile(atPath: outputPath, contents: nil))
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.standardInput = input
        let output = try #require(FileHandle(forWritingAtPath: outputPath))
        defer { try? output.close() }
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit { stop() }

    /// What it has said so far.
    var lines: [[String: Any]] {
        let text = (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }

    func stop() { try? input.fileHandleForWriting.close() }
}
