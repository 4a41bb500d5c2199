package import Gossipsub
package import Identity
package import Sockets

/// What a program asks of the daemon (libp2p/go-libp2p-daemon, pb/p2pd.proto, `Request`), without what we refuse anyway.
package enum ControlRequest: Hashable, Sendable {
    case identify
    case connect(PeerID, [Multiaddr], timeoutSeconds: Int?)
    case disconnect(PeerID)
    case listPeers
    /// The first of these protocols that the peer speaks.
    case openStream(PeerID, [String], timeoutSeconds: Int?)
    case handleStreams([String], at: LocalAddress, HandlerRule)
    case stopHandling([String], at: LocalAddress)
    case tag(PeerID, String, weight: Int)
    case untag(PeerID, String)
    case trim
    case listTopics
    case listSubscribers(Topic)
    case publish(Topic, [UInt8])
    case subscribe(Topic)
    case dht(DHTRequest, timeoutSeconds: Int?)

    /// What happens to a handler that a protocol has already.
    package enum HandlerRule: Hashable, Sendable {
        /// The new one takes its place (libp2p's daemon, whose requests do not say).
        case replace
        /// The request is refused (`balanced: false` of later daemons).
        case refuse
        /// Streams go to all of them in turn (`balanced: true`).
        case takeTurns
    }

    /// The longest time that a request may wait, in seconds; longer ones are cut to it.
    static let timeoutSecondsMax = 3600
    /// How long a request waits if it does not say.
    static let timeoutSecondsDefault = 60
}
