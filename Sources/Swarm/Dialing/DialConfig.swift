public import Identity
internal import Primitives

/// One wish to be connected, numbered by whoever asks.
public struct ConnectRequestID: Hashable, Comparable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: ConnectRequestID, right: ConnectRequestID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Why a wish to be connected was not fulfilled.
public enum ConnectFailure: Error, Hashable, Sendable {
    /// The peer is ourselves.
    case selfDial
    /// Neither the request nor the address book has an address.
    case noAddresses
    /// Every address needs a relay, which we do not use.
    case relayUnsupported
    /// No address is of a kind that we dial: TCP, or a name for it.
    case noDialableAddress
    /// The addresses that remain failed a short while ago.
    case backoff
    /// Too many peers wait to be dialled.
    case queueFull
    /// Another peer answered, with this id.
    case wrongPeer(PeerID)
    /// No name led to an address.
    case resolution(String)
    case transport(TransportFailure)
    /// The connection came to be, but not the session on it.
    case upgrade(ConnectionEnd)
    /// One of our own limits.
    case limited(ResourceRefusal)
    /// The operator shut out the peer or its address.
    case banned
    case timedOut
    case shuttingDown

    /// Whether the failure is our own doing: nobody was dialled, and nothing is known of the peer that was not known before.
    public var saysNothingOfPeer: Bool {
        switch self {
        case .backoff, .queueFull, .limited, .banned, .shuttingDown: true
        case .selfDial, .noAddresses, .relayUnsupported, .noDialableAddress, .wrongPeer, .resolution, .transport,
            .upgrade, .timedOut:
            false
        }
    }
}

/// How dials are done.
public struct DialConfig: Hashable, Sendable {
    /// Dials at once, over all peers.
    public var parallelMax = 8
    /// Peers that wait for their first dial; those of whom only strangers speak get half of the places.
    public var queueMax = 128
    /// Requests that wait for one peer.
    public var requestsPerPeerMax = 64
    /// How long one address has before the next is tried beside it (RFC 8305 §5).
    public var nextAddressDelay: Duration = .milliseconds(250)
    /// How long a TCP connection to a loopback, private or link-local address may take: go-libp2p's value.
    public var nearTimeout: Duration = .seconds(5)
    /// How long a TCP connection to any other address may take.
    public var farTimeout: Duration = .seconds(15)
    /// How long it may take where nobody but strangers say that the peer is: two black holes leave time for the truth.
    public var strangeTimeout: Duration = .seconds(5)
    /// How long names may take, all together.
    public var resolutionTimeout: Duration = .seconds(10)
    /// How long a whole request may take, waiting in the queue included.
    public var requestTimeout: Duration = .seconds(60)
    /// How often a `dnsaddr` may lead to another.
    public var resolutionDepthMax = 4
    /// Names looked up for one peer.
    public var resolutionsPerPeerMax = 16
    /// Addresses taken from one answer.
    public var addressesPerAnswerMax = 16
    /// Endpoints tried for one peer.
    public var endpointsPerPeerMax = 32
    public var backoff = DialBackoffConfig()

    public init() {}
}
