import Foundation
import Testing

/// A home directory of its own, and the built program to run in it.
final class TestHome: Sendable {
    struct Result {
        let code: Int32
        let output: String
        let complaint: String

        var lines: [String] { output.split(separator: "\n").map(String.init) }

        /// The JSON objects of the output, one a line.
        var objects: [[String: Any]] {
            lines.compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        }
    }

    /// What waits longer than this waits in vain.
    static let patience = Duration.seconds(25)

    let path: String

    init() throws {
        // A socket's path is short, so the home's must be.
        path = FileManager.default.temporaryDirectory.path + "/rialto-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The program that was built beside the tests.
    static var program: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("rialto")
    }

    func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
        let file = "\(path)/\(name)"
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: mode]
        #expect(FileManager.default.createFile(atPath: file, contents: Data(text.utf8), attributes: attributes))
        return file
    }

    /// Starts the program in this home; its output goes to files, which no reader can block.
    ///
    /// The words of `wrapper`, if there are any, are those of the command that runs it.
    func start(
        _ arguments: [String],
        environment: [String: String] = [:],
        wrapper: [String] = []
    ) throws -> (Process, output: String) {
        let name = "\(path)/\(UUID().uuidString.prefix(8))"
        for suffix in [".out", ".err"] {
            #expect(FileManager.default.createFile(atPath: name + suffix, contents: nil))
        }
        let process = Process()
        let command = wrapper + [Self.program.path] + arguments
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        // Nodes of other tests, and of the machine's network, are none of a test's business.
        let usual = ["RIALTO_HOME": path, "RIALTO_MDNS": "off", "PATH": "/usr/bin:/bin"]
        process.environment = usual.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let files = [".out", ".err"].compactMap { FileHandle(forWritingAtPath: name + $0) }
        // Foundation never lets go of a process that a task waits for, nor of its files.
        defer { for file in files { try? file.close() } }
        (process.standardOutput, process.standardError) = (files[0], files[1])
        try process.run()
        return (process, name)
    }

    /// Runs the program to its end.
    func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> Result {
        try await run(arguments, environment: environment)
    }

    func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> Result {
        let (process, name) = try start(arguments, environment: environment)
        try await eventually("the end of \(arguments)") { process.isRunning ? nil : () }
        return Result(
            code: process.terminationStatus,
            output: try String(contentsOfFile: name + ".out", encoding: .utf8),
            complaint: try String(contentsOfFile: name + ".err", encoding: .utf8)
        )
    }

    /// Starts a node on a free loopback port and waits until it is ready.
    func up(_ more: String...) async throws -> TestNode {
        try await ready(["up", "--json", "--listen", "/ip4/127.0.0.1/tcp/0", "--api", "off"] + more)
    }

    /// Starts a node and waits until it is ready.
    func ready(_ flags: [String], wrapper: [String] = []) async throws -> TestNode {
        let (process, name) = try start(flags, wrapper: wrapper)
        let node = TestNode(process: process, outputPath: name + ".out")
        try await eventually("a node that is ready") {
            guard process.isRunning else {
                throw TestFailure(
                    "the node ended: \((try? String(contentsOfFile: name + ".err", encoding: .utf8)) ?? "")"
                )
            }
            return node.events.contains { $0["event"] == "ready" } ? () : nil
        }
        return node
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Asks again until there is an answer, but not for ever.
@discardableResult
func eventually<Value>(_ what: String, _ answer: () async throws -> Value?) async throws -> Value {
    let deadline = ContinuousClock.now.advanced(by: TestHome.patience)
    while ContinuousClock.now < deadline {
        if let value = try await answer() { return value }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw TestFailure("waited in vain for \(what)")
}

/// A node that runs as a process of its own.
final class TestNode {
    let process: Process
    private let outputPath: String

    init(process: Process, outputPath: String) {
        (self.process, self.outputPath) = (process, outputPath)
    }

    deinit {
        if process.isRunning { process.terminate() }
    }

    /// The lines of its output so far.
    var events: [[String: String]] {
        let text = (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap {
            try? JSONDecoder().decode([String: String].self, from: Data($0.utf8))
        }
    }

    var address: String {
        get throws {
            guard let address = events.first(where: { $0["event"] == "listening" })?["address"] else {
                throw TestFailure("the node did not say where it listens")
            }
            return address
        }
    }

    var port: String {
        get throws {
            let parts = try address.split(separator: "/")
            guard let index = parts.firstIndex(of: "tcp"), index + 1 < parts.count else { throw TestFailure("no port") }
            return String(parts[index + 1])
        }
    }

    func waitUntilEnded() async throws -> Int32 {
        try await eventually("the end of a node") { process.isRunning ? nil : () }
        return process.terminationStatus
    }
}
