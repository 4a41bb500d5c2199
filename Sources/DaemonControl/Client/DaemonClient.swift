package import Gossipsub
package import Identity
internal import Primitives
internal import Sockets

/// Drives a daemon over its control socket, ours as well as go-libp2p's: for tests and measurements, so it blocks.
///
/// One connection for each request, as the daemons' own clients do; behind a stream or a subscription the connection is the
/// stream.
package struct DaemonClient: Sendable {
    /// The path of the control socket.
    package let control: String
    static let timeoutSeconds = 10

    package init(control: String) {
        self.control = control
    }

    package func identify() throws -> ControlResponse.PeerEntry {
        guard case .identity(let entry) = try ask(.identify).response else { throw PeerFailure.malformed("identity") }
        return entry
    }

    package func connect(to address: Multiaddr) throws {
        guard let peer = address.peerID else { throw PeerFailure.malformed("address") }
        _ = try ask(.connect(peer, [address.withoutPeer], timeoutSeconds: Self.timeoutSeconds))
    }

    package func disconnect(from peer: PeerID) throws {
        _ = try ask(.disconnect(peer))
    }

    /// The connected peers, once for each connection.
    package func peers() throws -> [ControlResponse.PeerEntry] {
        switch try ask(.listPeers).response {
        case .peers(let peers): return peers
        case .ok: return []
        default: throw PeerFailure.malformed("list of peers")
        }
    }

    /// A stream to a peer: what is written to the socket is sent on it, what comes from it is read there.
    package func openStream(to peer: PeerID, _ names: String...) throws -> Descriptor {
        try ask(.openStream(peer, names, timeoutSeconds: Self.timeoutSeconds)).socket
    }

    /// From now on streams for this protocol come out of a socket that is made at `path`.
    package func handle(_ name: String, at path: String) throws -> HandledStreams {
        let streams = HandledStreams(listener: try UnixSocket.listen(at: path))
        _ = try ask(.handleStreams([name], at: .path(path), .refuse))
        return streams
    }

    package func stopHandling(_ name: String, at path: String) throws {
        _ = try ask(.stopHandling([name], at: .path(path)))
    }

    package func publish(_ data: [UInt8], in topic: Topic) throws {
        _ = try ask(.publish(topic, data))
    }

    package func subscribe(_ topic: Topic) throws -> TopicSubscription {
        TopicSubscription(socket: try ask(.subscribe(topic)).socket)
    }

    /// The topics that the daemon is subscribed to.
    package func topics() throws -> [String] {
        switch try ask(.listTopics).response {
        case .topics(let topics): return topics
        case .ok: return []
        default: throw PeerFailure.malformed("list of topics")
        }
    }

    /// The connected peers that are subscribed to a topic.
    package func subscribers(of topic: Topic) throws -> [PeerID] {
        switch try ask(.listSubscribers(topic)).response {
        case .subscribers(let peers): return peers
        case .topics, .ok: return []
        default: throw PeerFailure.malformed("list of subscribers")
        }
    }

    /// Asks and waits; throws what the daemon refuses.
    package func ask(_ request: ControlRequest) throws -> (response: ControlResponse, socket: Descriptor) {
        let socket = try UnixSocket.connect(to: control)
        try socket.write(LengthPrefixedFrames.framed(request.encoded))
        let response = try ControlResponse(parsing: try socket.readFrame(before: .within(.seconds(15))))
        if case .failed(let words) = response { throw PeerFailure.refused(words) }
        return (response, socket)
    }
}

/// The streams that peers open to a daemon for one protocol.
package struct HandledStreams: Sendable {
    let listener: Descriptor

    /// The next stream, and what it is; the daemon says so in front.
    package func next() throws -> (stream: Descriptor, info: StreamInfo) {
        let stream = try UnixSocket.accept(on: listener)
        return (stream, try StreamInfo(parsing: try stream.readFrame()))
    }
}

/// What a daemon delivers of one topic.
package final class TopicSubscription {
    private let socket: Descriptor
    private var frames = LengthPrefixedFrames(byteCountMax: 2 << 20)

    init(socket: Descriptor) {
        self.socket = socket
    }

    package func next(before deadline: Deadline = .within()) throws -> TopicMessage {
        while true {
            if let message = try takeNext() { return message }
            try fill(before: deadline)
        }
    }

    /// The next message that was read already.
    package func takeNext() throws -> TopicMessage? {
        try frames.next().map { message in try TopicMessage(parsing: message) }
    }

    /// Reads what is there, or waits for something.
    package func fill(before deadline: Deadline = .within()) throws {
        let bytes = try socket.read(before: deadline)
        guard !bytes.isEmpty else { throw PeerFailure.ended("the subscription") }
        frames.append(bytes)
    }

    /// Drops messages until none has come for so long.
    package func drop(within pause: Duration) throws {
        while (try? next(before: .within(pause))) != nil {}
    }

    /// Those that have something to read; waits for the first.
    package static func readable(
        _ subscriptions: [TopicSubscription],
        before deadline: Deadline
    ) throws -> [TopicSubscription] {
        let ready = try Descriptor.readable(subscriptions.map(\.socket), before: deadline)
        return subscriptions.filter { ready.contains($0.socket.number) }
    }
}

/// One connection for many requests, which may be sent before the answers to those before them are read.
package final class ControlSession {
    private let socket: Descriptor
    private var frames = LengthPrefixedFrames(byteCountMax: 2 << 20)

    package init(control: String) throws {
        socket = try UnixSocket.connect(to: control)
    }

    package func send(_ request: ControlRequest) throws {
        try socket.write(LengthPrefixedFrames.framed(request.encoded))
    }

    /// The answer to the oldest request that has none; throws what the daemon refused.
    @discardableResult
    package func answer(before deadline: Deadline = .within()) throws -> ControlResponse {
        while true {
            if let message = try frames.next() {
                let response = try ControlResponse(parsing: message)
                if case .failed(let words) = response { throw PeerFailure.refused(words) }
                return response
            }
            let bytes = try socket.read(before: deadline)
            guard !bytes.isEmpty else { throw PeerFailure.ended("the daemon's connection") }
            frames.append(bytes)
        }
    }

    /// Drops the answers that have come so far.
    package func dropAnswers() throws {
        while try !Descriptor.readable([socket], before: .now).isEmpty {
            guard try !socket.read().isEmpty else { throw PeerFailure.ended("the daemon's connection") }
        }
    }
}
