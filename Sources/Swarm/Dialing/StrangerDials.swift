internal import OrderedCollections
internal import Primitives

/// How often hosts are dialled that nobody but strangers told us of.
///
/// Many nodes that are told of one address and dial it are a weapon against whoever lives there: so a host is dialled at most once a
/// minute, however many peers are said to be there (discv4 lets itself be used so, sixteenfold). A peer that we have met at an address
/// is dialled there without this limit: nobody keeps us from it by naming others at its door.
struct StrangerDials: Sendable {
    static let interval = Duration.seconds(60)
    /// Hosts in a minute; beyond, nobody else is dialled.
    static let hostCountMax = 4_096
    /// Whom we have met where; the longest unseen is forgotten first.
    static let provenCountMax = 4_096

    private var dialledAt: OrderedDictionary<IPAddress, Instant> = [:]
    private var proven: OrderedSet<DialBackoff.Target> = []

    /// Whether the limit concerns this peer at this endpoint: homes and laboratories are exempt, as is whom we have met there.
    func limits(_ target: DialBackoff.Target) -> Bool {
        !target.endpoint.address.isExemptFromNetworkLimits && !proven.contains(target)
    }

    /// When the host may be dialled; any past instant means now.
    func opening(of endpoint: Endpoint) -> Instant {
        if let last = dialledAt[endpoint.address.unmapped] { return last.advanced(by: Self.interval) }
        guard dialledAt.count >= Self.hostCountMax, let first = dialledAt.values.first else { return .zero }
        return first.advanced(by: Self.interval)
    }

    /// Notes a dial.
    mutating func dialled(_ endpoint: Endpoint, at now: Instant) {
        while let first = dialledAt.elements.first, first.value.advanced(by: Self.interval) <= now {
            dialledAt.removeFirst()
        }
        dialledAt[endpoint.address.unmapped] = now
    }

    /// The peer has proved that it lives there, whether or not it was the one that we looked for.
    mutating func met(_ target: DialBackoff.Target) {
        proven.remove(target)
        if proven.count >= Self.provenCountMax { proven.removeFirst() }
        proven.append(target)
    }

    func checkInvariants() {
        assert(dialledAt.count <= Self.hostCountMax && proven.count <= Self.provenCountMax)
    }
}
