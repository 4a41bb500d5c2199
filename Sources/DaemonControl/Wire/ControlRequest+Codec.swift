internal import Gossipsub
internal import Identity
internal import Primitives
internal import Sockets

extension ControlRequest {
    /// The longest request that is read: a publication of a mebibyte fits with room to spare.
    package static let byteCountMax = 4 << 20
    private static let addressCountMax = 64
    private static let protocolCountMax = 256
    /// What multistream-select lets a protocol's name have.
    private static let protocolByteCountMax = 1024

    /// `Request.Type`; the later daemons' additions have 9 and 10.
    private enum Kind: Int {
        case identify, connect, openStream, handleStreams, dht, listPeers, connectionManager, disconnect, pubsub
        case persistentConnection, stopHandling

        /// In which field of `Request` the parameters stand.
        var body: Int {
            switch self {
            case .connect: 2
            case .openStream: 3
            case .handleStreams: 4
            case .dht: 5
            case .connectionManager: 6
            case .disconnect: 7
            case .pubsub: 8
            case .stopHandling: 9
            case .identify, .listPeers, .persistentConnection: 0
            }
        }
    }

    // MARK: Reading

    package init(parsing bytes: [UInt8]) throws(ControlError) {
        let request = try ControlFields(bytes)
        guard let number = request.number(1), let kind = Int(exactly: number).flatMap(Kind.init(rawValue:)) else {
            throw .malformed
        }
        switch kind {
        case .identify:
            self = .identify
            return
        case .listPeers:
            self = .listPeers
            return
        case .persistentConnection: throw .refused("this daemon has no persistent connections")
        case .connect, .openStream, .handleStreams, .dht, .connectionManager, .disconnect, .pubsub, .stopHandling: break
        }
        guard let body = try request.message(kind.body) else { throw .refused("the request has no parameters") }
        switch kind {
        case .connect:
            let addresses = try body.addresses(2)
            guard addresses.count <= Self.addressCountMax else { throw .refused("too many addresses") }
            self = .connect(try body.peer(1), addresses, timeoutSeconds: Self.timeout(body))
        case .openStream:
            self = .openStream(try body.peer(1), try Self.protocols(body), timeoutSeconds: Self.timeout(body))
        case .handleStreams:
            let rule: HandlerRule = body.number(3).map { $0 == 0 ? .refuse : .takeTurns } ?? .replace
            self = .handleStreams(try Self.protocols(body), at: try Self.handler(body), rule)
        case .stopHandling:
            self = .stopHandling(try Self.protocols(body), at: try Self.handler(body))
        case .disconnect:
            self = .disconnect(try body.peer(1))
        case .connectionManager: self = try Self.connectionManager(body)
        case .pubsub: self = try Self.pubsub(body)
        case .dht: self = .dht(try DHTRequest(body), timeoutSeconds: Self.timeout(body, in: 7))
        case .identify, .listPeers, .persistentConnection: throw .malformed
        }
    }

    private static func connectionManager(_ body: ControlFields) throws(ControlError) -> ControlRequest {
        let type = body.number(1)
        if type == 2 { return .trim }
        guard type == 0 || type == 1 else { throw .refused("no such request of the connection manager") }
        let peer = try body.peer(2)
        guard let tag = try body.text(3), !tag.isEmpty else { throw .refused("the request names no tag") }
        guard tag.utf8.count <= protocolByteCountMax else { throw .refused("the tag is too long") }
        if type == 1 { return .untag(peer, tag) }
        // A negative weight is the two's complement; all are cut so that sums cannot overflow.
        let weight = Int64(bitPattern: body.number(4) ?? 0)
        return .tag(peer, tag, weight: Int(max(-weightMax, min(weight, weightMax))))
    }

    private static let weightMax: Int64 = 1 << 30

    private static func pubsub(_ body: ControlFields) throws(ControlError) -> ControlRequest {
        switch body.number(1) {
        case 0: return .listTopics
        case 1: return .listSubscribers(try body.topic(2))
        case 2: return .publish(try body.topic(2), body.bytes(3) ?? [])
        case 3: return .subscribe(try body.topic(2))
        default: throw .refused("no such request of pubsub")
        }
    }

    private static func protocols(_ body: ControlFields) throws(ControlError) -> [String] {
        let protocols = try body.texts(2)
        guard (1...protocolCountMax).contains(protocols.count) else {
            throw .refused("a request names 1 to \(protocolCountMax) protocols")
        }
        guard protocols.allSatisfy({ (1...protocolByteCountMax).contains($0.utf8.count) }) else {
            throw .refused("a protocol has 1 to \(protocolByteCountMax) bytes")
        }
        return protocols
    }

    private static func handler(_ body: ControlFields) throws(ControlError) -> LocalAddress {
        guard let address = body.bytes(1) else { throw .refused("the request names no handler") }
        return try LocalAddress(multiaddr: address)
    }

    private static func timeout(_ body: ControlFields, in field: Int = 3) -> Int? {
        guard let value = body.number(field), Int64(bitPattern: value) > 0 else { return nil }
        return WireInteger(value).int(clampedTo: timeoutSecondsMax)
    }

    // MARK: Writing

    package var encoded: [UInt8] {
        var writer = ProtobufWriter()
        writer.requiredVarint(1, UInt64(kind.rawValue))
        if kind.body > 0 { writer.message(kind.body) { writeBody(into: &$0) } }
        return writer.bytes
    }

    private var kind: Kind {
        switch self {
        case .identify: .identify
        case .connect: .connect
        case .disconnect: .disconnect
        case .listPeers: .listPeers
        case .openStream: .openStream
        case .handleStreams: .handleStreams
        case .stopHandling: .stopHandling
        case .tag, .untag, .trim: .connectionManager
        case .listTopics, .listSubscribers, .publish, .subscribe: .pubsub
        case .dht: .dht
        }
    }

    private func writeBody(into body: inout ProtobufWriter) {
        switch self {
        case .identify, .listPeers: break
        case .connect(let peer, let addresses, let timeout):
            body.requiredBytes(1, peer.bytes)
            for address in addresses { body.requiredBytes(2, address.bytes) }
            body.varint(3, UInt64(timeout ?? 0))
        case .openStream(let peer, let protocols, let timeout):
            body.requiredBytes(1, peer.bytes)
            for name in protocols { body.requiredBytes(2, name.utf8) }
            body.varint(3, UInt64(timeout ?? 0))
        case .handleStreams(let protocols, let address, let rule):
            body.requiredBytes(1, address.multiaddrBytes)
            for name in protocols { body.requiredBytes(2, name.utf8) }
            if rule != .replace { body.requiredVarint(3, rule == .takeTurns ? 1 : 0) }
        case .stopHandling(let protocols, let address):
            body.requiredBytes(1, address.multiaddrBytes)
            for name in protocols { body.requiredBytes(2, name.utf8) }
        case .disconnect(let peer): body.requiredBytes(1, peer.bytes)
        case .tag(let peer, let tag, let weight):
            body.requiredVarint(1, 0)
            body.requiredBytes(2, peer.bytes)
            body.text(3, tag)
            body.varint(4, UInt64(bitPattern: Int64(weight)))
        case .untag(let peer, let tag):
            body.requiredVarint(1, 1)
            body.requiredBytes(2, peer.bytes)
            body.text(3, tag)
        case .trim: body.requiredVarint(1, 2)
        case .listTopics: body.requiredVarint(1, 0)
        case .listSubscribers(let topic):
            body.requiredVarint(1, 1)
            body.text(2, topic.text)
        case .publish(let topic, let data):
            body.requiredVarint(1, 2)
            body.text(2, topic.text)
            body.bytes(3, data)
        case .subscribe(let topic):
            body.requiredVarint(1, 3)
            body.text(2, topic.text)
        case .dht(let request, let timeout):
            request.write(into: &body)
            body.varint(7, UInt64(timeout ?? 0))
        }
    }
}
