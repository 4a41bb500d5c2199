/// The protocols that this router speaks, from the poorest to the richest.
public enum GossipsubVersion: Int, Hashable, Comparable, Sendable, CaseIterable {
    case floodsub, meshsub10, meshsub11, meshsub12, meshsub13

    /// `nil` for a protocol that is not ours.
    public init?(protocolName: String) {
        guard let version = Self.allCases.first(where: { $0.protocolName == protocolName }) else { return nil }
        self = version
    }

    public var protocolName: String {
        switch self {
        case .floodsub: "/floodsub/1.0.0"
        case .meshsub10: "/meshsub/1.0.0"
        case .meshsub11: "/meshsub/1.1.0"
        case .meshsub12: "/meshsub/1.2.0"
        case .meshsub13: "/meshsub/1.3.0"
        }
    }

    /// All names, the preferred one first: what a node offers and proposes.
    public static let protocolNames = allCases.reversed().map(\.protocolName)

    /// Whether the peer knows GRAFT, PRUNE and gossip; a floodsub peer simply gets every message of its topics.
    var hasMesh: Bool { self != .floodsub }

    /// Whether PRUNE may carry a backoff and peers.
    var hasBackoff: Bool { self >= .meshsub11 }

    /// Whether the first RPC of a stream may list extensions, and what they bring may be said.
    var hasExtensions: Bool { self >= .meshsub13 }

    public static func < (left: GossipsubVersion, right: GossipsubVersion) -> Bool {
        left.rawValue < right.rawValue
    }
}
