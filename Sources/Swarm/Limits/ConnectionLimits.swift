internal import Identity
internal import Primitives

/// How many inbound connections strangers may hold and how fast they may come.
///
/// The defaults stay near go-libp2p's.
public struct ConnectionLimitsConfig: Hashable, Sendable {
    /// Inbound connections of one IPv4 /32 or IPv6 /56.
    public var perHostMax = 8
    /// Inbound connections of one IPv6 /48.
    public var perSiteMax = 64
    /// One new connection of a host per this interval, once its burst is spent.
    public var arrivalInterval: Duration = .seconds(5)
    public var arrivalBurst = 16
    /// Inbound connections that have not finished their upgrade: they cost us a handshake each.
    public var halfOpenMax = 64
    public var halfOpenPerHostMax = 8
    /// All inbound connections.
    public var inboundMax = 192
    /// Hosts whose rates are remembered at once: about 400 KiB.
    public var rememberedHostCountMax = 4096
    /// Whether loopback, private and link-local addresses escape the limits by host, site and rate: homes and
    /// laboratories.
    ///
    /// The caps on half-open connections and on all connections hold for them too.
    public var exemptsLocalAddresses = true

    public init() {}
}

/// Why an inbound connection was refused before a byte of it was read.
public enum ConnectionRefusal: Error, Hashable, Sendable {
    case tooManyFromHost
    case tooManyFromSite
    case tooFast
    case tooManyHalfOpen
    case tooManyHalfOpenFromHost
    case tooMany
}

/// Counts inbound connections by the network they come from.
struct ConnectionLimits: Sendable {
    private struct Admitted: Sendable {
        let address: IPAddress
        var isHalfOpen = true
    }

    private struct HostCount: Sendable {
        var all = 0
        var halfOpen = 0
    }

    let config: ConnectionLimitsConfig
    private var admitted: [ConnectionID: Admitted] = [:]
    private var hosts: [NetworkGroup: HostCount] = [:]
    private var sites: [NetworkGroup: Int] = [:]
    private var arrivals: ArrivalRate<NetworkGroup>
    private(set) var halfOpenCount = 0

    init(config: ConnectionLimitsConfig) {
        self.config = config
        arrivals = ArrivalRate(
            interval: config.arrivalInterval,
            burst: config.arrivalBurst,
            keyCountMax: config.rememberedHostCountMax
        )
    }

    var inboundCount: Int { admitted.count }

    /// Counts a new inbound connection, or says why it must be dropped; what is refused is not counted.
    mutating func admit(_ id: ConnectionID, from address: IPAddress, at now: Instant) -> ConnectionRefusal? {
        precondition(admitted[id] == nil, "connection \(id.rawValue) was accepted twice")
        guard admitted.count < config.inboundMax else { return .tooMany }
        guard halfOpenCount < config.halfOpenMax else { return .tooManyHalfOpen }
        if isCounted(address) {
            let host = hosts[.host(of: address)] ?? HostCount()
            guard host.all < config.perHostMax else { return .tooManyFromHost }
            guard host.halfOpen < config.halfOpenPerHostMax else { return .tooManyHalfOpenFromHost }
            guard sites[.site(of: address), default: 0] < config.perSiteMax else { return .tooManyFromSite }
            guard arrivals.count(.host(of: address), at: now) else { return .tooFast }
            hosts[.host(of: address), default: HostCount()].all += 1
            hosts[.host(of: address), default: HostCount()].halfOpen += 1
            sites[.site(of: address), default: 0] += 1
        }
        admitted[id] = Admitted(address: address)
        halfOpenCount += 1
        return nil
    }

    /// The connection proved who it is: it is no longer half open.
    ///
    /// Outbound and refused connections are unknown here: no effect.
    mutating func upgraded(_ id: ConnectionID) {
        guard let connection = admitted[id], connection.isHalfOpen else { return }
        admitted[id]?.isHalfOpen = false
        halfOpenCount -= 1
        if isCounted(connection.address) { hosts[.host(of: connection.address)]?.halfOpen -= 1 }
    }

    /// The connection is gone.
    mutating func closed(_ id: ConnectionID) {
        upgraded(id)
        guard let connection = admitted.removeValue(forKey: id), isCounted(connection.address) else { return }
        let (host, site) = (NetworkGroup.host(of: connection.address), NetworkGroup.site(of: connection.address))
        hosts[host]?.all -= 1
        if hosts[host]?.all == 0 { hosts[host] = nil }
        sites[site, default: 0] -= 1
        if sites[site] == 0 { sites[site] = nil }
    }

    func checkInvariants() {
        assert(halfOpenCount == admitted.values.count(where: \.isHalfOpen))
        let counted = admitted.values.count { isCounted($0.address) }
        assert(hosts.values.reduce(0) { $0 + $1.all } == counted && sites.values.reduce(0, +) == counted)
        assert(admitted.count <= config.inboundMax && halfOpenCount <= config.halfOpenMax)
        assert(arrivals.keyCount <= config.rememberedHostCountMax)
    }

    private func isCounted(_ address: IPAddress) -> Bool {
        !(config.exemptsLocalAddresses && address.isExemptFromNetworkLimits)
    }
}
