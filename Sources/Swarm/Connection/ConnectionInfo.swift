public import Identity
public import Primitives

/// Who opened a connection or a stream.
public enum Direction: Hashable, Sendable {
    case inbound
    case outbound
}

/// One stream of one connection, as the application names it.
public struct StreamHandle: Hashable, Comparable, Sendable {
    public let connection: ConnectionID
    public let stream: UInt32

    public init(connection: ConnectionID, stream: UInt32) {
        self.connection = connection
        self.stream = stream
    }

    public static func < (left: StreamHandle, right: StreamHandle) -> Bool {
        (left.connection, left.stream) < (right.connection, right.stream)
    }
}

/// A connection whose peer is proven.
public struct ConnectionInfo: Hashable, Sendable {
    public let id: ConnectionID
    public let peer: PeerID
    public let direction: Direction
    public let local: Endpoint
    public let remote: Endpoint
    /// When the TCP connection came to be.
    public let openedAt: Instant

    /// For whoever plays the swarm.
    public init(
        id: ConnectionID,
        peer: PeerID,
        direction: Direction,
        local: Endpoint,
        remote: Endpoint,
        openedAt: Instant
    ) {
        (self.id, self.peer, self.direction) = (id, peer, direction)
        (self.local, self.remote, self.openedAt) = (local, remote, openedAt)
    }
}
