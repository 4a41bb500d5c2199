internal import DequeModule
internal import Identify
internal import Identity
internal import Ping
internal import Primitives

/// What the swarm knows of one socket, from the dial or the accept to the driver's last word about it.
struct SwarmConnection: Sendable {
    let direction: Direction
    var local: Endpoint
    let remote: Endpoint
    var openedAt: Instant
    let expectedPeer: PeerID?
    /// `nil` while TCP is on its way and after the connection has ended.
    var machine: ConnectionMachine?
    /// Whether we are done with it and wait for the driver to say the same.
    var isClosing = false
    /// Once the upgrade has proven it.
    var peer: PeerID?
    /// Why we closed it, where the connection itself has no better reason.
    var closeReason: DisconnectReason?
    var streams: [UInt32: SwarmStream] = [:]
    /// What the application asked for while too many of our streams were unacknowledged, first come first served.
    var waiting = Deque<StreamWish>()

    /// As many wait as may be unacknowledged (yamux, "ACK backlog"): the next one is refused.
    static let waitingCountMax = 256

    func info(_ id: ConnectionID) -> ConnectionInfo? {
        peer.map {
            ConnectionInfo(id: id, peer: $0, direction: direction, local: local, remote: remote, openedAt: openedAt)
        }
    }
}

/// A stream that the application asked for.
struct StreamWish: Sendable {
    let request: StreamRequestID
    let protocols: [String]
    /// The protocol that the peer is known to speak, so that its word need not be waited for.
    let known: String?
}

/// One stream and what it is for.
struct SwarmStream: Sendable {
    enum Use: Sendable {
        /// The peer opened it; the protocol is not agreed on.
        case undecided
        /// We open it for the application, which does not know of it yet.
        case opening(StreamRequestID)
        case application
        /// We ask the peer who it is.
        case asking(IdentifyReader)
        /// The peer tells what has changed.
        case hearingPush(IdentifyReader)
        /// We tell what has changed.
        case pushing
        /// We have answered and closed; the peer has still to.
        case answered
        case pinging(PingMachine)
        case answeringPings(PingResponder)
    }

    let direction: Direction
    var use: Use
    /// Bytes that the application was told and has not taken, and those that it took and keeps.
    var unread = 0
    var kept = 0

    var memoryByteCount: Int { unread + kept }
}

/// What the swarm knows of a connected peer.
struct SwarmPeer: Sendable {
    /// Upgraded connections, the oldest first: new streams go to the first.
    var connections: [ConnectionID] = []
    var description: PeerDescription?
    var identifyMessage: IdentifyMessage?
    var roundTrip: Duration?
    /// Where our pings go.
    var pingStream: StreamHandle?
    /// Which version of our own description the peer was last told.
    var toldRevision = 0
    var pushes: TokenBucket
}
