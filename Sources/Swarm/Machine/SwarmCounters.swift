public import Primitives

/// What a swarm has done since it began; for metrics.
public struct SwarmCounters: Hashable, Sendable {
    /// Connections by who opened them and over which family.
    public struct ByWay: Hashable, Sendable {
        public private(set) var inboundIPv4: UInt64 = 0
        public private(set) var inboundIPv6: UInt64 = 0
        public private(set) var outboundIPv4: UInt64 = 0
        public private(set) var outboundIPv6: UInt64 = 0

        mutating func count(_ direction: Direction, _ address: IPAddress) {
            switch (direction, address.unmapped.isIPv4) {
            case (.inbound, true): inboundIPv4 += 1
            case (.inbound, false): inboundIPv6 += 1
            case (.outbound, true): outboundIPv4 += 1
            case (.outbound, false): outboundIPv6 += 1
            }
        }
    }

    /// Identify messages by who told whom.
    public struct Told: Hashable, Sendable {
        public internal(set) var inbound: UInt64 = 0
        public internal(set) var outbound: UInt64 = 0
    }

    /// Descriptions that were asked for.
    public internal(set) var identified = Told()
    /// Descriptions that were told unasked, because they had changed.
    public internal(set) var pushed = Told()
    /// Connections whose peer was proven.
    public internal(set) var opened = ByWay()
    public internal(set) var closed = ByWay()
    /// From the accepted or dialled socket to the proven peer; go-libp2p's bounds.
    public internal(set) var handshakes = Histogram(
        bounds: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15]
    )
    /// Dials that came to nothing, by kind; go-libp2p's words where it has one.
    public internal(set) var dialErrors: [DialError: UInt64] = [:]

    /// Kinds of `ConnectFailure`: few, so that they may be labels.
    public enum DialError: String, Hashable, Sendable, CaseIterable {
        case timeout
        case refused = "connection refused"
        case unreachable = "no route to host"
        case reset
        case noAddress = "no_address"
        case wrongPeer = "wrong_peer"
        case upgrade
        case limited
        case banned
        case cancelled
        case other
    }

    public init() {}
}

extension SwarmCounters.DialError {
    init(_ failure: ConnectFailure) {
        self =
            switch failure {
            case .timedOut, .transport(.timedOut): .timeout
            case .transport(.refused): .refused
            case .transport(.unreachable): .unreachable
            case .transport(.reset): .reset
            case .noAddresses, .relayUnsupported, .noDialableAddress, .resolution: .noAddress
            case .wrongPeer, .selfDial: .wrongPeer
            case .upgrade: .upgrade
            case .limited, .queueFull, .backoff: .limited
            case .banned: .banned
            case .shuttingDown: .cancelled
            case .transport: .other
            }
    }
}
