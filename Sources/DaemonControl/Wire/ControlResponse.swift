package import Identity
internal import Primitives

/// What the daemon answers (libp2p/go-libp2p-daemon, pb/p2pd.proto, `Response`).
package enum ControlResponse: Hashable, Sendable {
    case ok
    case failed(String)
    case identity(PeerEntry)
    case stream(StreamInfo)
    case peers([PeerEntry])
    case topics([String])
    case subscribers([PeerID])
    case dht(DHTResponse)

    /// A peer and addresses of it, as they stand on the wire: others know kinds of addresses that we do not.
    package struct PeerEntry: Hashable, Sendable {
        package let peer: PeerID
        package let addresses: [[UInt8]]

        package init(peer: PeerID, addresses: [[UInt8]]) {
            (self.peer, self.addresses) = (peer, addresses)
        }
    }

    // MARK: Writing

    package var encoded: [UInt8] {
        var writer = ProtobufWriter()
        writer.requiredVarint(1, isFailure ? 1 : 0)
        switch self {
        case .ok: break
        case .failed(let words): writer.message(2) { $0.requiredBytes(1, words.utf8) }
        case .stream(let info): writer.requiredBytes(3, info.encoded)
        case .identity(let entry): writer.requiredBytes(4, entry.encoded)
        case .dht(let response): writer.requiredBytes(5, response.encoded)
        case .peers(let entries): for entry in entries { writer.requiredBytes(6, entry.encoded) }
        case .topics(let topics):
            writer.message(7) { pubsub in for topic in topics { pubsub.requiredBytes(1, topic.utf8) } }
        case .subscribers(let peers):
            writer.message(7) { pubsub in for peer in peers { pubsub.requiredBytes(2, peer.bytes) } }
        }
        return writer.bytes
    }

    private var isFailure: Bool {
        if case .failed = self { true } else { false }
    }

    // MARK: Reading

    /// Reads an answer; an answer without anything in it may be an empty list, which the program that asked knows.
    package init(parsing bytes: [UInt8]) throws(ControlError) {
        let fields = try ControlFields(bytes)
        if let failure = try fields.message(2) {
            self = .failed(try failure.text(1) ?? "")
        } else if fields.number(1) != 0 {
            self = .failed("")
        } else if let info = fields.bytes(3) {
            self = .stream(try StreamInfo(parsing: info))
        } else if let identity = fields.bytes(4) {
            self = .identity(try PeerEntry(parsing: identity))
        } else if let response = fields.bytes(5) {
            self = .dht(try DHTResponse(parsing: response))
        } else if let pubsub = try fields.message(7) {
            let peers = pubsub.list(2)
            self = peers.isEmpty ? .topics(try pubsub.texts(1)) : .subscribers(try peers.map(Self.peer))
        } else if !fields.list(6).isEmpty {
            self = .peers(try fields.list(6).map { bytes throws(ControlError) in try PeerEntry(parsing: bytes) })
        } else {
            self = .ok
        }
    }

    private static func peer(_ bytes: [UInt8]) throws(ControlError) -> PeerID {
        do throws(PeerIDError) {
            return try PeerID(bytes: bytes)
        } catch {
            throw .malformed
        }
    }
}

extension ControlResponse.PeerEntry {
    var encoded: [UInt8] {
        var writer = ProtobufWriter()
        writer.requiredBytes(1, peer.bytes)
        for address in addresses { writer.requiredBytes(2, address) }
        return writer.bytes
    }

    init(parsing bytes: [UInt8]) throws(ControlError) {
        let fields = try ControlFields(bytes)
        self.init(peer: try fields.peer(1), addresses: fields.list(2))
    }
}

/// Whose stream a program gets, and for which protocol: in front of every stream that a handler is given, and in the answer to a
/// request for one.
package struct StreamInfo: Hashable, Sendable {
    package let peer: PeerID
    /// Where the peer's connection ends, as a binary multiaddr.
    package let address: [UInt8]
    package let protocolName: String

    package init(peer: PeerID, address: [UInt8], protocolName: String) {
        (self.peer, self.address, self.protocolName) = (peer, address, protocolName)
    }

    package var encoded: [UInt8] {
        var writer = ProtobufWriter()
        writer.requiredBytes(1, peer.bytes)
        writer.requiredBytes(2, address)
        writer.requiredBytes(3, protocolName.utf8)
        return writer.bytes
    }

    package init(parsing bytes: [UInt8]) throws(ControlError) {
        let fields = try ControlFields(bytes)
        guard let name = try fields.text(3) else { throw .malformed }
        self.init(peer: try fields.peer(1), address: fields.bytes(2) ?? [], protocolName: name)
    }
}

/// One message of a topic, as a subscriber gets it (`PSMessage`).
///
/// Without the author's signature, which is verified here and not kept.
package struct TopicMessage: Hashable, Sendable {
    /// The author's peer id.
    package let author: [UInt8]
    package let data: [UInt8]
    /// Eight bytes, big-endian.
    package let sequence: [UInt8]
    package let topic: String

    package init(author: [UInt8], data: [UInt8], sequence: [UInt8], topic: String) {
        (self.author, self.data, self.sequence, self.topic) = (author, data, sequence, topic)
    }

    package var encoded: [UInt8] {
        var writer = ProtobufWriter()
        writer.requiredBytes(1, author)
        writer.requiredBytes(2, data)
        writer.requiredBytes(3, sequence)
        writer.requiredBytes(4, topic.utf8)
        return writer.bytes
    }

    package init(parsing bytes: [UInt8]) throws(ControlError) {
        let fields = try ControlFields(bytes)
        self.init(
            author: fields.bytes(1) ?? [],
            data: fields.bytes(2) ?? [],
            sequence: fields.bytes(3) ?? [],
            topic: try fields.text(4) ?? ""
        )
    }
}
