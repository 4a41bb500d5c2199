import Cryptography
import DaemonControl
import Foundation
import Identity
import Primitives

/// One daemon under measurement, in a process of its own.
final class BenchDaemon {
    let client: DaemonClient
    let peer: PeerID
    /// Where it listens, with its peer id.
    let address: Multiaddr
    private let process: Process
    private let folder: URL
    private var handlerCount = 0

    /// Starts a daemon on the loopback interface and returns when it listens; `number` makes its identity.
    init(_ side: Side, _ programs: DaemonPrograms, number: Int, hasPubsub: Bool = false) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("rialto-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        let identity = folder.appendingPathComponent("identity")
        let key = Ed25519.PrivateKey(seed: SHA256.hash(Array("bench \(number)".utf8)))
        try Data(KeyCodec.encode(key)).write(to: identity)
        client = DaemonClient(control: folder.appendingPathComponent("control").path)
        var arguments = [
            try programs.path(of: side), "-listen", "/unix" + client.control, "-id", identity.path, "-hostAddrs",
            "/ip4/127.0.0.1/tcp/0", "-noise=true", "-tls=false", "-muxer", "yamux",
        ]
        if hasPubsub { arguments.append("-pubsub") }
        let (process, output) = (Process(), Pipe())
        // The daemon must not outlive a measurement that is killed.
        let launcher = "/usr/bin/setpriv"
        if FileManager.default.isExecutableFile(atPath: launcher) {
            process.executableURL = URL(fileURLWithPath: launcher)
            process.arguments = ["--pdeathsig", "KILL", "--"] + arguments
        } else {
            process.executableURL = URL(fileURLWithPath: arguments[0])
            process.arguments = Array(arguments.dropFirst())
        }
        process.environment = ["HOME": folder.path, "PATH": "/usr/bin:/bin"]
        (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        self.process = process
        var text = ""
        while !text.contains("Control socket") {
            let piece = output.fileHandleForReading.availableData
            guard !piece.isEmpty else { throw BenchFailure("the \(side.rawValue) daemon ended at its start") }
            text += String(decoding: piece, as: UTF8.self)
        }
        let identified = try client.identify()
        peer = identified.peer
        guard
            let address = identified.addresses.lazy.compactMap({ try? Multiaddr(bytes: $0) })
                .first(where: { $0.tcpEndpoint != nil })
        else { throw BenchFailure("the \(side.rawValue) daemon listens nowhere") }
        self.address = address.withoutPeer.with(peer: peer)
    }

    deinit { stop() }

    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        let end = Date(timeIntervalSinceNow: 2)
        while process.isRunning, Date() < end { usleep(5_000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    func handle(_ protocolName: String) throws -> HandledStreams {
        handlerCount += 1
        return try client.handle(protocolName, at: folder.appendingPathComponent("handler\(handlerCount)").path)
    }

    // MARK: What the system knows of the process

    /// Processor time so far, of all threads, in seconds; the system counts hundredths.
    func processorSeconds() throws -> Double {
        let stat = try text(of: "stat")
        // The name in parentheses may hold spaces; behind it, utime and stime are the 12th and 13th.
        guard let end = stat.lastIndex(of: ")") else { throw BenchFailure("/proc/…/stat cannot be read") }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
            throw BenchFailure("/proc/…/stat cannot be read")
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Resident memory in MiB.
    func residentMebibytes() throws -> Double {
        for line in try text(of: "status").split(separator: "\n") where line.hasPrefix("VmRSS:") {
            if let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) }) {
                return kibibytes / 1024
            }
        }
        throw BenchFailure("/proc/…/status cannot be read")
    }

    private func text(of name: String) throws -> String {
        try String(contentsOfFile: "/proc/\(process.processIdentifier)/\(name)", encoding: .utf8)
    }
}
