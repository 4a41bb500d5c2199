public import Multistream
public import Noise
public import Yamux

/// Why a connection is over, as far as its protocols can tell.
public enum ConnectionEnd: Error, Hashable, Sendable {
    /// We closed it.
    case closed
    /// The upgrade took longer than `ConnectionConfig.upgradeTimeout`.
    case upgradeTimedOut
    /// No agreement on how to secure the connection.
    case security(MultistreamFailure)
    /// The handshake failed, or the secured bytes were changed on the way.
    case noise(NoiseFailure)
    /// No agreement on how to divide the connection into streams.
    case muxer(MultistreamFailure)
    case session(YamuxEnd)
}

/// Why a stream could not be opened.
public enum StreamFailure: Error, Hashable, Sendable {
    case notConnected
    /// One of our own limits.
    case limited(ResourceRefusal)
    /// The session has no room for another stream.
    case refused(YamuxOpenRefusal)
    /// No agreement on a protocol; `noCommonProtocol` is the ordinary "no".
    case negotiation(MultistreamFailure)
    case timedOut
    /// The peer reset or ended the stream before it agreed on a protocol.
    case reset
    /// The connection ended meanwhile.
    case connectionEnded
}

/// Why a stream is no more.
enum StreamEnd: Hashable, Sendable {
    /// Both sides closed.
    case finished
    /// The peer reset it, or a limit of the session did.
    case reset
    /// We reset it.
    case resetLocally
    /// There was no agreement on its protocol.
    case failed(StreamFailure)
}

/// The limits of one connection.
public struct ConnectionConfig: Hashable, Sendable {
    /// How long the whole upgrade may take, inbound and outbound alike; go-libp2p's value.
    public var upgradeTimeout: Duration = .seconds(15)
    /// How long the agreement on a stream's protocol may take; go-libp2p's value.
    public var negotiationTimeout: Duration = .seconds(10)
    /// Whether the muxer is named inside the handshake; without, multistream is asked, which costs a round trip.
    public var offersEarlyMuxer = true
    /// Bytes that are read of a peer that does not read ours; beyond, it is not read from until it does.
    ///
    /// More than a driver and two kernels buffer, so that two honest peers that are both busy sending never wait for
    /// each other.
    public var readWhileCongestedMax = 8 << 20
    public var yamux = YamuxConfig()

    public init() {}
}
