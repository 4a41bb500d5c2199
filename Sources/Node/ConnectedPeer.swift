internal import Primitives
internal import Swarm

/// What the node itself knows of a connected peer, whoever keeps the connection.
struct ConnectedPeer: Sendable {
    /// The first connection.
    let connection: ConnectionInfo
    /// `nil` until identify is through.
    var description: PeerDescription?
    var roundTrip: Duration?
    /// What its mesh links are worth.
    var value = 0
}
