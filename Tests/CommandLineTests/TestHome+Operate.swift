import Foundation
import Glibc
import Testing

/// A node with its log, for the tests of whoever operates one.
struct OperatedNode {
    let node: TestNode
    let logPath: String

    var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    /// The JSON objects of the log so far.
    var logLines: [[String: Any]] {
        log.split(separator: "\n").compactMap { line in
            try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        }
    }

    var codes: [String] { logLines.compactMap { $0["code"] as? String } }
}

extension TestHome {
    /// Starts a node on a free loopback port, with flags and variables of the test's own, and waits until it is ready.
    func operate(_ more: [String] = [], environment: [String: String] = [:]) async throws -> OperatedNode {
        let flags = ["up", "--json", "--listen", "/ip4/127.0.0.1/tcp/0", "--api", "off"] + more
        let (process, name) = try start(flags, environment: environment)
        let operated = OperatedNode(
            node: TestNode(process: process, outputPath: name + ".out"),
            logPath: name + ".err"
        )
        try await eventually("a node that is ready") {
            guard process.isRunning else { throw TestFailure("the node ended: \(operated.log)") }
            return operated.node.events.contains { $0["event"] == "ready" } ? () : nil
        }
        return operated
    }

    /// Takes over what another home holds, as a copy of a disk would.
    func copy(_ names: [String], from other: TestHome) throws {
        for name in names {
            let target = "\(path)/\(name)"
            try? FileManager.default.removeItem(atPath: target)
            try FileManager.default.copyItem(atPath: "\(other.path)/\(name)", toPath: target)
        }
    }

    func peerCount() async throws -> Int { try await run("peers", "--json").objects.count }

    /// What the doctor says, by check.
    func doctor(environment: [String: String] = [:]) async throws -> (code: Int32, findings: [String: [String: Any]]) {
        let result = try await run("doctor", "--json", environment: environment)
        let pairs = result.objects.compactMap { object in (object["check"] as? String).map { ($0, object) } }
        return (result.code, Dictionary(pairs) { first, _ in first })
    }
}

/// A socket as systemd listens on (sd_notify(3)).
final class NotifySocket {
    let path: String
    private let descriptor: Int32
    private(set) var messages: [String] = []

    init(path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        let isBound = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(isBound)
    }

    deinit {
        _ = close(descriptor)
    }

    /// Reads what has come, and says whether a message holds this line.
    func has(_ line: String) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            messages.append(String(decoding: buffer.prefix(count), as: UTF8.self))
        }
        return messages.contains { $0.split(separator: "\n").contains { $0 == line } }
    }

    func count(_ line: String) -> Int { messages.count { $0 == line } }
}

/// A terminal without a person: a keyboard here, a screen at `path` for a program (pty(7)).
final class PseudoTerminal {
    /// Linux's numbers for "which terminal is it" and "unlock it" (asm-generic/ioctls.h).
    private static let numberRequest: UInt = 0x8004_5430
    private static let lockRequest: UInt = 0x4004_5431

    let path: String
    private let keyboard: Int32

    init() throws {
        keyboard = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var (number, locked): (Int32, Int32) = (0, 0)
        let isOpen =
            unsafe ioctl(keyboard, Self.numberRequest, &number) == 0
            && ioctl(keyboard, Self.lockRequest, &locked) == 0
        path = "/dev/pts/\(number)"
        try #require(isOpen)
    }

    /// What a window does when it is closed.
    func hangUp() {
        _ = close(keyboard)
    }
}
