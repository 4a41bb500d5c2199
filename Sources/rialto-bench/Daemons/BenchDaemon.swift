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
    private let process: ChildProcess
    private let folder: URL
    private var handlerCount = 0

    /// Starts a daemon on the loopback interface and returns when it listens; `number` makes its identity.
    init(_ side: Side, _ programs: DaemonPrograms, number: Int, hasPubsub: Bool = false, hasDHT: Bool = false) throws {
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
        if hasDHT { arguments.append("-dhtServer") }
        process = try ChildProcess(arguments, environment: ["HOME": folder.path])
        var text = ""
        while !text.contains("Control socket") {
            guard let piece = process.moreOutput() else {
                throw BenchFailure("the \(side.rawValue) daemon ended at its start")
            }
            text += piece
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
        process.stop(within: .seconds(2))
        try? FileManager.default.removeItem(at: folder)
    }

    func handle(_ protocolName: String) throws -> HandledStreams {
        handlerCount += 1
        return try client.handle(protocolName, at: folder.appendingPathComponent("handler\(handlerCount)").path)
    }

    /// Processor time so far, of all threads, in seconds; the system counts hundredths.
    func processorSeconds() throws -> Double { try process.facts().processorSeconds }

    /// Resident memory in MiB.
    func residentMebibytes() throws -> Double { Double(try process.facts().residentByteCount) / Double(1 << 20) }
}
