import Cryptography
import DaemonControl
import Foundation
import Gossipsub
import Identity
import Primitives
import Synchronization
import TestSupport
import Testing

/// Whose libp2p host answers to the control protocol of go-libp2p-daemon; the same tests are for all of them.
enum DaemonKind: String, CaseIterable, CustomTestStringConvertible {
    /// `p2pd`, which others wrote.
    case go
    /// `libp2pd`, the same stack as the host under test, and a process of its own.
    case rialto

    var agentVersion: String {
        switch self {
        case .go: "p2pd/0.1"
        case .rialto: "libp2pd/0.1"
        }
    }

    var testDescription: String { rawValue }

    fileprivate func program() throws -> String {
        switch self {
        case .go: try ForeignPeers.program("p2pd").path
        case .rialto:
            URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
                .appendingPathComponent("libp2pd").path
        }
    }
}

/// A libp2p host in a process of its own, driven over its control socket.
final class DaemonPeer: Sendable {
    let kind: DaemonKind
    let peer: PeerID
    /// Where it listens, with its peer id.
    let address: Multiaddr
    let client: DaemonClient
    private let process: PeerProcess
    private let folder: URL
    private let nextHandler = Atomic<Int>(1)

    /// Starts a daemon on the loopback interface and returns when it listens; `number` makes its identity.
    init(_ kind: DaemonKind, _ number: UInt8 = 200, hasPubsub: Bool = true, hasDHT: Bool = false) throws {
        self.kind = kind
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "rialto-daemon-\(UUID().uuidString.prefix(8))"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        let identity = folder.appendingPathComponent("identity")
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: number, count: 32))
        try Data(KeyCodec.encode(key)).write(to: identity)
        client = DaemonClient(control: folder.appendingPathComponent("control").path)
        var arguments = [
            try ForeignPeers.script("guard"), try kind.program(),
            "-listen", "/unix" + client.control, "-id", identity.path, "-hostAddrs", "/ip4/127.0.0.1/tcp/0",
            "-noise=true", "-tls=false", "-muxer", "yamux",
        ]
        if hasPubsub { arguments.append("-pubsub") }
        if hasDHT { arguments.append("-dhtServer") }
        process = try PeerProcess(try ForeignPeers.program("venv/bin/python"), arguments)
        // It says where the control socket is once that is open.
        while !String(decoding: try process.readLine(), as: UTF8.self).hasPrefix("Control socket") {}
        let identified = try client.identify()
        peer = identified.peer
        let addresses = identified.addresses.compactMap { try? Multiaddr(bytes: $0) }
        guard let address = addresses.first(where: { $0.tcpEndpoint != nil }) else {
            throw PeerFailure.malformed("addresses")
        }
        self.address = address.withoutPeer.with(peer: peer)
    }

    deinit {
        stop()
    }

    func stop() {
        process.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// From now on streams for this protocol come out of what is returned.
    func handle(_ protocolName: String) throws -> HandledStreams {
        let number = nextHandler.add(1, ordering: .relaxed).oldValue
        return try client.handle(protocolName, at: folder.appendingPathComponent("handler\(number)").path)
    }
}
