internal import Identity
internal import Kademlia
internal import Market
internal import Node

/// The node's part in the distributed hash table.
public struct TableView: Codable, Hashable, Sendable {
    /// `server`: others can reach the node and ask it; `client`: it only asks.
    public let mode: String
    /// Peers in the routing table.
    public let servers: Int
    /// Provider records and values that others left here.
    public let records: Int

    init(_ table: NodeTable) {
        (mode, servers, records) = (table.isServer ? "server" : "client", table.serverCount, table.heldRecordCount)
    }
}

/// A peer as the table tells of it.
public struct FoundPeerView: Codable, Hashable, Sendable {
    public let peer: String
    /// May be empty: who provides something is remembered longer than where it was.
    public let addresses: [String]

    init(_ peer: KademliaPeer) {
        self.peer = peer.id.description
        addresses = peer.addresses.map { $0.with(peer: peer.id).description }
    }
}

/// Where a provider says that it is and what it has, signed by itself.
public struct StorefrontView: Codable, Hashable, Sendable {
    public let peer: String
    /// Classes with their sub-shards, as in `nvidia-consumer/2`.
    public let segments: [String]
    public let addresses: [String]
    /// Unix time in milliseconds.
    public let issuedAt: Int64
    public let expiresAt: Int64

    init(_ body: StorefrontBody, of peer: PeerID, in record: SignedRecord) {
        self.peer = peer.description
        segments = body.segments.map { "\($0.marketClass.name)/\($0.shard)" }
        addresses = body.addresses.compactMap { try? Multiaddr(bytes: $0) }.map { $0.with(peer: peer).description }
        (issuedAt, expiresAt) = (record.record.issuedAt, record.record.expiresAt)
    }
}

/// What a provider says that it provides.
public struct ProvideRequest: Codable, Hashable, Sendable {
    public let key: String

    public init(key: String) {
        self.key = key
    }
}

/// How many peers remember it now.
public struct ProvidedView: Codable, Hashable, Sendable {
    public let key: String
    public let holders: Int
}
