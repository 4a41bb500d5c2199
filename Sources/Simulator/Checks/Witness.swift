public import Identity
public import Market

/// What the checks ask of the machines themselves, so that the world's own word is never enough.
///
/// Its questions change nothing, and yet are mutating: a machine that is asked in a place that nobody can change is first copied,
/// tables and all.
public protocol Witness {
    /// Whether the node's book holds the record; `false` if the node is down.
    mutating func holds(_ id: RecordID, node: Int) -> Bool
    mutating func connectedPeers(of node: Int) -> [PeerID]
    /// What the node thinks of a peer (gossipsub 1.1, "Peer Scoring").
    mutating func score(of peer: PeerID, at node: Int) -> Double
    /// Everything that a node must keep within a limit.
    mutating func gauges(of node: Int, into gauges: inout [Gauge])
}

/// Something that a node keeps, how much of it, and how much it may be.
public struct Gauge: Hashable, Sendable {
    public let name: String
    public let value: Int
    public let limit: Int

    public init(_ name: String, _ value: Int, limit: Int) {
        (self.name, self.value, self.limit) = (name, value, limit)
    }
}
