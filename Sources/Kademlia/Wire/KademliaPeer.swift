public import Identity
internal import Primitives

/// A peer as messages name it: its id and where it may be reached.
public struct KademliaPeer: Hashable, Sendable {
    /// What the sender knows of its way to the peer; the numbers are the specification's.
    public enum Connection: UInt8, Hashable, Sendable {
        case notConnected = 0
        case connected = 1
        case canConnect = 2
        case cannotConnect = 3
    }

    /// As many addresses of a peer are kept and told: more serve only whoever wants us to dial strangers.
    public static let addressCountMax = 8
    /// So many are read to choose them from: others also name what only their own network can follow, or what we do not speak.
    static let readAddressCountMax = 4 * addressCountMax
    /// What the addresses of one peer may take in a message, together.
    public static let addressesByteCountMax = 2 << 10

    public let id: PeerID
    public let addresses: [Multiaddr]
    public let connection: Connection

    /// Keeps the addresses that anybody can follow, then the others, as far as the limits go, and takes the peer's own id off their ends.
    public init(id: PeerID, addresses: [Multiaddr], connection: Connection = .notConnected) {
        self.id = id
        self.connection = connection
        var kept: [Multiaddr] = []
        var byteCount = 0
        for address in addresses.widest(Self.addressCountMax) {
            let address = address.peerID == id ? address.withoutPeer : address
            guard byteCount + address.bytes.count <= Self.addressesByteCountMax else { break }
            byteCount += address.bytes.count
            kept.append(address)
        }
        self.addresses = kept
    }

    /// Reads one peer of a message; `nil` for ids of no known form.
    ///
    /// Addresses that do not parse, or that lead to another peer, are left out, as are those beyond the limits: other nodes may
    /// have more to tell than we want to know.
    init?(parsing source: Span<UInt8>) throws(ProtobufError) {
        var (id, addresses, connection): (PeerID?, [Multiaddr], Connection) = (nil, [], .notConnected)
        var reader = ProtobufReader(source)
        while let field = try reader.next() {
            switch field.number {
            case 1:
                let range = try field.range(byteCountMax: source.count)
                guard range.count <= PeerID.byteCountMax else { return nil }
                id = try? PeerID(bytes: Array(copying: source.extracting(range)))
            case 2:
                let range = try field.range(byteCountMax: source.count)
                guard addresses.count < Self.readAddressCountMax, range.count <= Multiaddr.byteCountMax else {
                    continue
                }
                if let address = try? Multiaddr(bytes: Array(copying: source.extracting(range))) {
                    addresses.append(address)
                }
            case 3:
                connection = Connection(rawValue: UInt8(try field.varint().int(clampedTo: 255))) ?? .notConnected
            default: break
            }
        }
        guard let id else { return nil }
        let own = addresses.filter { $0.peerID == nil || $0.peerID == id }
        self.init(id: id, addresses: own, connection: connection)
    }

    var encoded: [UInt8] {
        var writer = ProtobufWriter()
        writer.bytes(1, id.bytes)
        for address in addresses { writer.bytes(2, address.bytes) }
        writer.varint(3, UInt64(connection.rawValue))
        return writer.bytes
    }
}
