public import Identity
public import Ping
internal import Primitives

/// Everything about a swarm that a node or a test may choose.
public struct SwarmConfig: Hashable, Sendable {
    /// What identify says of us; empty as in other application networks.
    public var protocolVersion = ""
    public var agentVersion = "rialto"
    /// Addresses that the operator knows to lead here (a forwarded port), beside those that are listened on.
    public var announcedAddresses: [Multiaddr] = []
    public var connection = ConnectionConfig()
    public var connectionLimits = ConnectionLimitsConfig()
    public var resources = ResourceLimits()
    public var trimming = ConnectionTrimmingConfig()
    public var dial = DialConfig()
    public var addressBook = AddressBookConfig()
    public var identify = IdentifyConfig()
    /// Whether one ping per peer is kept going.
    public var pings = true
    public var ping = PingConfig()
    public var pingResponder = PingResponderConfig()
    /// How long an orderly end may take before connections are dropped.
    public var shutdownTimeout: Duration = .seconds(5)
    /// How long a closed connection may take to send what it has queued before it is dropped.
    public var closeTimeout: Duration = .seconds(10)

    public init() {}
}

/// How identify is spoken, and when its word about our own address is taken.
public struct IdentifyConfig: Hashable, Sendable {
    /// How long one exchange may take; go-libp2p's is 60 s for what comes in.
    public var timeout: Duration = .seconds(30)
    /// How long changes are gathered before they are pushed.
    public var pushDelay: Duration = .milliseconds(100)
    /// The shortest time between two pushes to all peers.
    public var pushInterval: Duration = .seconds(1)
    /// Pushes that one peer may send at once, and afterwards one per `inboundPushInterval`.
    public var inboundPushBurst = 8
    public var inboundPushInterval: Duration = .seconds(5)
    /// Independent networks that must see us at an address before we believe them.
    public var observersMin = 4
    /// Addresses that anybody sees us at: one honest NAT gives us a few.
    public var observedAddressCountMax = 64
    /// How long a witness counts after its connection ended.
    public var observationLifetime: Duration = .seconds(30 * 60)

    public init() {}
}
