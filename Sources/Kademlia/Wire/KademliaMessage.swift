public import Primitives

/// Why bytes are no message of the protocol.
public enum KademliaMessageError: Error, Hashable, Sendable {
    case malformed(ProtobufError)
    case unknownKind
    /// More bytes than a message may have.
    case tooLong
}

/// A value with the key under which it is stored (libp2p/specs, kad-dht, `Record`).
///
/// The time at which a holder received it, field 5, is the holder's own business: it is neither read nor written.
public struct KademliaValue: Hashable, Sendable {
    public let key: [UInt8]
    public let value: [UInt8]

    public init(key: [UInt8], value: [UInt8]) {
        self.key = key
        self.value = value
    }
}

/// One request or answer of `/ipfs/kad/1.0.0`, without the length that precedes it on a stream (libp2p/specs, kad-dht).
public struct KademliaMessage: Hashable, Sendable {
    /// The numbers are the specification's; the first is what an absent field means.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case putValue = 0
        case getValue = 1
        case addProvider = 2
        case getProviders = 3
        case findNode = 4
        case ping = 5
    }

    /// Twenty peers with all the addresses that they may have, and room for providers.
    public static let byteCountMax = 64 << 10
    /// A namespace and a peer id, or a content id; go-libp2p-kad-dht takes 80 bytes.
    public static let keyByteCountMax = 128
    /// The longest value that foreign networks define: a naming record.
    public static let valueByteCountMax = 10 << 10
    /// Nearer peers that are read from one answer: the replication parameter.
    public static let closerPeerCountMax = 20
    /// Providers that are read from one answer.
    public static let providerCountMax = 512

    public var kind: Kind
    public var key: [UInt8]
    public var record: KademliaValue?
    public var closerPeers: [KademliaPeer]
    public var providerPeers: [KademliaPeer]

    public init(
        kind: Kind,
        key: [UInt8] = [],
        record: KademliaValue? = nil,
        closerPeers: [KademliaPeer] = [],
        providerPeers: [KademliaPeer] = []
    ) {
        self.kind = kind
        self.key = key
        self.record = record
        self.closerPeers = closerPeers
        self.providerPeers = providerPeers
    }

    /// Reads one message; peers beyond the limits and ids of no known form are left out.
    public init(parsing source: Span<UInt8>) throws(KademliaMessageError) {
        guard source.count <= Self.byteCountMax else { throw .tooLong }
        self.init(kind: .putValue)
        var kindNumber = 0
        do throws(ProtobufError) {
            var reader = ProtobufReader(source)
            while let field = try reader.next() {
                switch field.number {
                case 1: kindNumber = try field.varint().int(clampedTo: 255)
                case 2: key = try field.bytes(of: source, byteCountMax: Self.keyByteCountMax)
                case 3: record = try Self.record(in: source.extracting(try field.range(byteCountMax: source.count)))
                case 8:
                    let range = try field.range(byteCountMax: source.count)
                    guard closerPeers.count < Self.closerPeerCountMax else { continue }
                    if let peer = try KademliaPeer(parsing: source.extracting(range)) { closerPeers.append(peer) }
                case 9:
                    let range = try field.range(byteCountMax: source.count)
                    guard providerPeers.count < Self.providerCountMax else { continue }
                    if let peer = try KademliaPeer(parsing: source.extracting(range)) { providerPeers.append(peer) }
                default: break
                }
            }
        } catch {
            throw .malformed(error)
        }
        guard let kind = Kind(rawValue: UInt8(kindNumber)) else { throw .unknownKind }
        self.kind = kind
    }

    /// The message as bytes; peers that no longer fit are left out, providers before nearer peers.
    public var encoded: [UInt8] {
        precondition(key.count <= Self.keyByteCountMax, "a key has at most \(Self.keyByteCountMax) bytes")
        var writer = ProtobufWriter()
        writer.varint(1, UInt64(kind.rawValue))
        writer.bytes(2, key)
        if let record {
            precondition(record.value.count <= Self.valueByteCountMax && record.key.count <= Self.keyByteCountMax)
            writer.message(3) {
                $0.bytes(1, record.key)
                $0.bytes(2, record.value)
            }
        }
        for (number, peers) in [(8, closerPeers), (9, providerPeers)] {
            for peer in peers {
                let bytes = peer.encoded
                // A tag of one byte and a length of at most three.
                guard writer.bytes.count + bytes.count + 4 <= Self.byteCountMax else { break }
                writer.requiredBytes(number, bytes)
            }
        }
        return writer.bytes
    }

    private static func record(in source: Span<UInt8>) throws(ProtobufError) -> KademliaValue {
        var (key, value): ([UInt8], [UInt8]) = ([], [])
        var reader = ProtobufReader(source)
        while let field = try reader.next() {
            switch field.number {
            case 1: key = try field.bytes(of: source, byteCountMax: keyByteCountMax)
            case 2: value = try field.bytes(of: source, byteCountMax: valueByteCountMax)
            default: break
            }
        }
        return KademliaValue(key: key, value: value)
    }
}
