public import Identity
public import Primitives

/// One wish to have a stream, numbered by whoever asks.
public struct StreamRequestID: Hashable, Comparable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: StreamRequestID, right: StreamRequestID) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension SwarmMachine {
    /// What happened.
    public enum Input: Sendable {
        /// First of all inputs, behind one `clock`; port 0 lets the system choose.
        case started(listen: [Endpoint])
        case transport(TransportInput)
        /// Connects with a peer, at these addresses (which may lead into our own network) or at those of the address book.
        ///
        /// Without a peer, whoever answers is welcome. Answered by `connectAnswered`, at once if there is a connection.
        case connect(ConnectRequestID, PeerID?, [Multiaddr])
        /// Nobody waits for this wish any more: it gets no answer, and a dial that nobody else waits for ends.
        case cancelConnect(ConnectRequestID)
        /// Closes every connection with the peer.
        case disconnect(PeerID)
        /// The application protocols that peers may open streams for; identify and ping are always there.
        case setProtocols([String])
        /// Opens a stream for the first of these protocols that the peer speaks.
        ///
        /// Answered by `streamOpened` or `streamFailed`; if the peer is known to speak one, at once and without waiting for its
        /// word: should it refuse after all, `streamReset` follows.
        case openStream(StreamRequestID, PeerID, [String])
        case write(StreamHandle, [UInt8])
        case closeWrite(StreamHandle)
        case reset(StreamHandle)
        /// The application has taken that many bytes of the stream's `data`: the peer may send as many more.
        ///
        /// Of all that it took it keeps so many, because the rest of their message is still to come: they count as the stream's.
        case consumed(StreamHandle, Int, kept: Int = 0)
        /// A protected peer is not trimmed.
        case protect(PeerID, Bool)
        /// Who is trimmed first: the lowest value. 0 for everybody who comes; who is not there has none.
        case setPeerValue(PeerID, Int)
        /// Addresses of a peer that somebody told us; `from` is the address of who told, `nil` for the operator.
        ///
        /// A dial that is under way tries them too.
        case learned(PeerID, [Multiaddr], from: IPAddress?)
        /// A signed peer record that somebody passed on.
        case learnedRecord([UInt8], from: IPAddress?)
        /// Wall time: at start, every ten seconds, and when it steps.
        case clock(unixMilliseconds: Int64)
        /// Whom to shut out from now on; connections with them are closed.
        case setBans(BanList)
        /// The water marks from now on, the low one not above the high one.
        case setWaterMarks(low: Int, high: Int)
        /// Closes everything; `stopped` follows.
        case shutdown
        case deadlineReached
    }

    /// What the driver must do, or what is worth telling.
    public enum Output: Hashable, Sendable {
        case transport(TransportOutput)
        /// A socket listens; a wildcard is told as it was bound, `addressesChanged` has what it stands for.
        case listening(Multiaddr)
        case listenFailed(Endpoint, TransportFailure)
        /// The first connection with this peer.
        case connected(PeerID, ConnectionInfo)
        /// The last one is gone.
        case disconnected(PeerID, DisconnectReason)
        case connectAnswered(ConnectRequestID, Result<PeerID, ConnectFailure>)
        /// What the peer says of itself, new or changed.
        case identified(PeerID, PeerDescription)
        case streamOpened(StreamRequestID, StreamHandle, String)
        case streamFailed(StreamRequestID, StreamFailure)
        case inboundStream(StreamHandle, PeerID, String)
        case data(StreamHandle, [UInt8])
        /// The peer sends no more; we still may.
        case remoteClosedWrite(StreamHandle)
        /// The stream is gone without the owner's doing; a stream that both sides closed ends without a word.
        case streamReset(StreamHandle)
        /// Write no more until `streamDrained`.
        case streamCongested(StreamHandle)
        case streamDrained(StreamHandle)
        case roundTrip(PeerID, Duration)
        /// Where we can be reached, whole, without our peer id.
        case addressesChanged([Multiaddr])
        case refused(Endpoint, RefusalReason)
        /// The last output.
        case stopped
    }
}

/// Why an inbound connection was dropped before it was read.
public enum RefusalReason: Hashable, Sendable {
    case limit(ConnectionRefusal)
    case resources(ResourceRefusal)
    /// The operator shut it out; a peer that is banned by its id is known only behind the handshake.
    case banned
    case shuttingDown
}

/// Why the last connection with a peer ended.
public enum DisconnectReason: Hashable, Sendable {
    /// The socket closed, by the peer or the network.
    case transport(TransportFailure?)
    /// The connection's protocols ended it.
    case connection(ConnectionEnd)
    /// We were asked to.
    case requested
    /// There were too many connections.
    case trimmed
    /// It answered no ping, or wrongly.
    case unresponsive
    /// One of our own limits.
    case limited(ResourceRefusal)
    /// The operator shut it out.
    case banned
    case shutdown
}

/// What a peer says of itself (identify), cut to our limits.
public struct PeerDescription: Hashable, Sendable {
    public let protocolVersion: String
    /// At most 64 bytes: it ends up in logs.
    public let agentVersion: String
    /// What the peer accepts streams for.
    public let protocols: [String]
    public let listenAddresses: [Multiaddr]
    /// Where the peer says that we are.
    public let observedAddress: Multiaddr?
    /// Its signed peer record, verified; for passing on.
    public let signedPeerRecord: [UInt8]?

    /// For whoever plays the swarm.
    public init(
        protocolVersion: String,
        agentVersion: String,
        protocols: [String],
        listenAddresses: [Multiaddr],
        observedAddress: Multiaddr?,
        signedPeerRecord: [UInt8]?
    ) {
        (self.protocolVersion, self.agentVersion, self.protocols) = (protocolVersion, agentVersion, protocols)
        (self.listenAddresses, self.observedAddress) = (listenAddresses, observedAddress)
        self.signedPeerRecord = signedPeerRecord
    }
}

/// One connected peer, as a snapshot.
public struct PeerSummary: Hashable, Sendable {
    public let peer: PeerID
    /// The oldest first.
    public let connections: [ConnectionInfo]
    /// `nil` until identify is through.
    public let description: PeerDescription?
    public let roundTrip: Duration?
    public let value: Int
    public let isProtected: Bool

    public init(
        peer: PeerID,
        connections: [ConnectionInfo],
        description: PeerDescription?,
        roundTrip: Duration?,
        value: Int,
        isProtected: Bool
    ) {
        (self.peer, self.connections, self.description) = (peer, connections, description)
        (self.roundTrip, self.value, self.isProtected) = (roundTrip, value, isProtected)
    }
}
