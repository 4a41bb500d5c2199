package import Identity
internal import Primitives

/// What a program wants from the hash table (libp2p/go-libp2p-daemon, pb/p2pd.proto, `DHTRequest`).
package enum DHTRequest: Hashable, Sendable {
    case findPeer(PeerID)
    /// Providers of a content id's multihash; no more than so many.
    case findProviders(multihash: [UInt8], count: Int)
    case closestPeers(key: [UInt8])
    case publicKey(of: PeerID)
    case value(key: [UInt8])
    /// As `value`, told as a list.
    case searchValue(key: [UInt8])
    case putValue(key: [UInt8], [UInt8])
    case provide(multihash: [UInt8])

    /// Providers that are told if the request does not say (as go-libp2p-daemon).
    private static let providerCountDefault = 20
    private static let providerCountMax = 4096
    /// What a key may have on the wire (`KademliaMessage.keyByteCountMax`), and a value.
    private static let keyByteCountMax = 128
    private static let valueByteCountMax = 10 << 10

    // MARK: Reading

    init(_ body: ControlFields) throws(ControlError) {
        switch body.number(1) {
        case 0: self = .findPeer(try body.peer(2))
        case 1: throw .refused("the DHT cannot tell who is connected with a peer")
        case 2:
            let count = body.number(6).map { Int64(bitPattern: $0) } ?? 0
            let bound = count > 0 ? Int(min(count, Int64(Self.providerCountMax))) : Self.providerCountDefault
            self = .findProviders(multihash: try Self.multihash(body), count: bound)
        case 3: self = .closestPeers(key: try Self.key(body))
        case 4: self = .publicKey(of: try body.peer(2))
        case 5: self = .value(key: try Self.key(body))
        case 6: self = .searchValue(key: try Self.key(body))
        case 7:
            let value = body.bytes(5) ?? []
            guard value.count <= Self.valueByteCountMax else { throw .refused("the value is too long") }
            self = .putValue(key: try Self.key(body), value)
        case 8: self = .provide(multihash: try Self.multihash(body))
        default: throw .refused("no such request of the DHT")
        }
    }

    private static func key(_ body: ControlFields) throws(ControlError) -> [UInt8] {
        guard let key = body.bytes(4), (1...keyByteCountMax).contains(key.count) else {
            throw .refused("a key has 1 to \(keyByteCountMax) bytes")
        }
        return key
    }

    /// The multihash of the content id in the request: the key under which providers stand.
    ///
    /// Version 0 is a bare SHA-256 multihash, version 1 has its version and its content type in front (multiformats/cid,
    /// "Decoding Algorithm").
    private static func multihash(_ body: ControlFields) throws(ControlError) -> [UInt8] {
        guard let id = body.bytes(3) else { throw .refused("the request names no content id") }
        if id.count == 34, id.starts(with: [0x12, 0x20]) { return id }
        var offset = 0
        guard let version = try? UnsignedVarint.read(from: id.span, at: &offset), version.opaque == 1,
            (try? UnsignedVarint.read(from: id.span, at: &offset)) != nil,
            let hash = try? Multihash(bytes: Array(id[offset...])), hash.bytes.count <= keyByteCountMax
        else { throw .refused("the content id is malformed") }
        return hash.bytes
    }

    // MARK: Writing

    private var kind: UInt64 {
        switch self {
        case .findPeer: 0
        case .findProviders: 2
        case .closestPeers: 3
        case .publicKey: 4
        case .value: 5
        case .searchValue: 6
        case .putValue: 7
        case .provide: 8
        }
    }

    func write(into body: inout ProtobufWriter) {
        body.requiredVarint(1, kind)
        switch self {
        case .findPeer(let peer), .publicKey(let peer): body.requiredBytes(2, peer.bytes)
        case .findProviders(let multihash, let count):
            body.requiredBytes(3, Self.contentID(multihash))
            body.varint(6, UInt64(count))
        case .provide(let multihash): body.requiredBytes(3, Self.contentID(multihash))
        case .closestPeers(let key), .value(let key), .searchValue(let key): body.requiredBytes(4, key)
        case .putValue(let key, let value):
            body.requiredBytes(4, key)
            body.requiredBytes(5, value)
        }
    }

    /// Version 1, raw bytes (multiformats/multicodec: 0x55).
    private static func contentID(_ multihash: [UInt8]) -> [UInt8] { [0x01, 0x55] + multihash }
}
