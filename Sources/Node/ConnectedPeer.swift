internal import Primitives
internal import Swarm

/// What the node itself knows of a connected peer, whoever keeps the connection.
struct ConnectedPeer: Sendable {
    /// The first connection.
    let connection: ConnectionInfo
    /// `nil` until identify is through.
    var description: PeerDescription?
    /// With what it opened its stream of gossip; all that is known of its protocols until identify is through.
    var gossipProtocol: String?
    var roundTrip: Duration?
    /// What its mesh links are worth.
    var value = 0
}
