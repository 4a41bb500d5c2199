import Cryptography
import Foundation
import Identity
import Primitives
import Synchronization

/// A go-libp2p host in a process of its own: the daemon `p2pd`, driven over its control socket.
///
/// Control protocol: libp2p/go-libp2p-daemon, specs/CONTROL.md and pb/p2pd.proto. One control connection for each request;
/// behind STREAM_OPEN and SUBSCRIBE the connection is the stream.
final class GoPeer: Sendable {
    let peer: PeerID
    /// Where it listens, with its peer id.
    let address: Multiaddr
    private let process: PeerProcess
    private let folder: URL
    private let nextHandler = Atomic<Int>(1)

    /// Starts a daemon on the loopback interface and returns when it listens.
    init(_ number: UInt8 = 200, hasPubsub: Bool = true) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "rialto-go-\(UUID().uuidString.prefix(8))"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        let identity = folder.appendingPathComponent("identity")
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: number, count: 32))
        try Data(KeyCodec.encode(key)).write(to: identity)
        let control = folder.appendingPathComponent("control").path
        var arguments = [
            try ForeignPeers.script("guard"), try ForeignPeers.program("p2pd").path,
            "-listen", "/unix" + control, "-id", identity.path, "-hostAddrs", "/ip4/127.0.0.1/tcp/0",
            "-noise=true", "-tls=false", "-muxer", "yamux",
        ]
        if hasPubsub { arguments.append("-pubsub") }
        process = try PeerProcess(try ForeignPeers.program("venv/bin/python"), arguments)
        // It says where the control socket is once that is open.
        while !String(decoding: try process.readLine(), as: UTF8.self).hasPrefix("Control socket") {}
        let response = try Self.ask(Request(0), at: control).response
        guard let identify = response.identify else { throw PeerFailure.malformed("identity") }
        peer = try PeerID(bytes: identify.peer)
        let addresses = identify.addresses.compactMap { try? Multiaddr(bytes: $0) }
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

    private var control: String { folder.appendingPathComponent("control").path }

    // MARK: Requests

    func connect(to address: Multiaddr) throws {
        guard let peer = address.peerID else { throw PeerFailure.malformed("address") }
        var request = Request(1)
        request.message(2) { connect in
            connect.requiredBytes(1, peer.bytes)
            connect.requiredBytes(2, address.withoutPeer.bytes)
            connect.varint(3, 10)
        }
        _ = try Self.ask(request, at: control)
    }

    func disconnect(from peer: PeerID) throws {
        var request = Request(7)
        request.message(7) { $0.requiredBytes(1, peer.bytes) }
        _ = try Self.ask(request, at: control)
    }

    /// A stream to a connected peer: what is written to the socket is sent on it, what comes from it is read there.
    func openStream(to peer: PeerID, _ protocolName: String) throws -> Descriptor {
        var request = Request(2)
        request.message(3) { open in
            open.requiredBytes(1, peer.bytes)
            open.text(2, protocolName)
            open.varint(3, 10)
        }
        return try Self.ask(request, at: control).socket
    }

    /// From now on streams for this protocol come out of the socket that is returned.
    func handle(_ protocolName: String) throws -> GoStreams {
        let number = nextHandler.add(1, ordering: .relaxed).oldValue
        let path = folder.appendingPathComponent("handler\(number)").path
        let listener = try UnixSocket.listen(at: path)
        var request = Request(3)
        request.message(4) { handler in
            handler.requiredBytes(1, Self.unixAddress(path))
            handler.text(2, protocolName)
            handler.requiredVarint(3, 0)
        }
        _ = try Self.ask(request, at: control)
        return GoStreams(listener: listener)
    }

    func publish(_ data: [UInt8], in topic: String) throws {
        var request = Request(8)
        request.message(8) { publish in
            publish.requiredVarint(1, 2)
            publish.text(2, topic)
            publish.bytes(3, data)
        }
        _ = try Self.ask(request, at: control)
    }

    func subscribe(_ topic: String) throws -> GoSubscription {
        var request = Request(8)
        request.message(8) { subscribe in
            subscribe.requiredVarint(1, 3)
            subscribe.text(2, topic)
        }
        return GoSubscription(socket: try Self.ask(request, at: control).socket)
    }

    // MARK: The wire

    private typealias Request = ProtobufWriter

    private static func ask(
        _ request: ProtobufWriter,
        at path: String
    ) throws -> (response: GoResponse, socket: Descriptor) {
        let socket = try UnixSocket.connect(to: path)
        try socket.write(LengthPrefixedFrames.framed(request.bytes))
        let response = try GoResponse(parsing: try socket.readFrame(before: .within(.seconds(15))))
        if let words = response.error { throw PeerFailure.refused(words) }
        return (response, socket)
    }

    /// The binary multiaddr `/unix/…`: code 400 and the path behind its length.
    private static func unixAddress(_ path: String) -> [UInt8] {
        [0x90, 0x03] + LengthPrefixedFrames.framed(Array(path.utf8))
    }
}

extension ProtobufWriter {
    /// A `Request` of this type.
    fileprivate init(_ type: UInt64) {
        self.init()
        requiredVarint(1, type)
    }
}

/// A `Response`, as far as the tests need it.
private struct GoResponse {
    var error: String?
    var identify: (peer: [UInt8], addresses: [[UInt8]])?

    init(parsing bytes: [UInt8]) throws {
        var reader = ProtobufReader(bytes.span)
        while let field = try reader.next() {
            switch field.number {
            case 2: error = try Self.text(of: field.bytes(of: bytes.span, byteCountMax: 64 << 10))
            case 4: identify = try Self.identify(field.bytes(of: bytes.span, byteCountMax: 64 << 10))
            default: continue
            }
        }
    }

    private static func text(of bytes: [UInt8]) throws -> String {
        var reader = ProtobufReader(bytes.span)
        while let field = try reader.next() {
            if field.number == 1 { return try field.text(of: bytes.span, byteCountMax: 64 << 10) }
        }
        return ""
    }

    private static func identify(_ bytes: [UInt8]) throws -> (peer: [UInt8], addresses: [[UInt8]]) {
        var (peer, addresses): ([UInt8], [[UInt8]]) = ([], [])
        var reader = ProtobufReader(bytes.span)
        while let field = try reader.next() {
            switch field.number {
            case 1: peer = try field.bytes(of: bytes.span, byteCountMax: 64)
            case 2: addresses.append(try field.bytes(of: bytes.span, byteCountMax: 512))
            default: continue
            }
        }
        return (peer, addresses)
    }
}

/// The streams that peers open to a daemon for one protocol.
struct GoStreams: Sendable {
    fileprivate let listener: Descriptor

    /// The next stream, and who opened it; the daemon says so in front.
    func next() throws -> (stream: Descriptor, peer: PeerID) {
        let stream = try UnixSocket.accept(on: listener)
        let info = try stream.readFrame()
        var reader = ProtobufReader(info.span)
        while let field = try reader.next() {
            if field.number == 1 { return (stream, try PeerID(bytes: field.bytes(of: info.span, byteCountMax: 64))) }
        }
        throw PeerFailure.malformed("stream information")
    }
}

/// What a daemon delivers of one topic.
struct GoSubscription: Sendable {
    fileprivate let socket: Descriptor

    func next() throws -> (data: [UInt8], author: [UInt8]) {
        let message = try socket.readFrame()
        var (data, author): ([UInt8], [UInt8]) = ([], [])
        var reader = ProtobufReader(message.span)
        while let field = try reader.next() {
            switch field.number {
            case 1: author = try field.bytes(of: message.span, byteCountMax: 64)
            case 2: data = try field.bytes(of: message.span, byteCountMax: 2 << 20)
            default: continue
            }
        }
        return (data, author)
    }
}
