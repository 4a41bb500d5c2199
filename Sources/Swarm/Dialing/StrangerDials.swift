internal import OrderedCollections
internal import Primitives

/// How often hosts are dialled that nobody but strangers told us of.
///
/// Many nodes that are told of one address and dial it are a weapon against whoever lives there: so a host that we have never reached
/// is dialled at most once a minute, however many peers are said to be there (discv4 lets itself be used so, sixteenfold).
struct StrangerDials: Sendable {
    static let interval = Duration.seconds(60)
    /// Hosts in a minute; beyond, nobody else is dialled.
    static let hostCountMax = 4_096
    /// Where we have reached somebody; the longest unseen is forgotten first.
    static let provenCountMax = 4_096

    private var dialledAt: OrderedDictionary<IPAddress, Instant> = [:]
    private var proven: OrderedSet<Endpoint> = []

    /// Whether the limit concerns this endpoint at all: homes and laboratories are exempt, as is where we have been.
    func limits(_ endpoint: Endpoint) -> Bool {
        !endpoint.address.isExemptFromNetworkLimits && !proven.contains(endpoint)
    }

    /// Notes a dial, unless it comes too soon after the last one.
    mutating func take(_ endpoint: Endpoint, at now: Instant) -> Bool {
        while let first = dialledAt.elements.first, first.value.advanced(by: Self.interval) <= now {
            dialledAt.removeFirst()
        }
        let host = endpoint.address.unmapped
        guard dialledAt[host] == nil, dialledAt.count < Self.hostCountMax else { return false }
        dialledAt[host] = now
        return true
    }

    mutating func reached(_ endpoint: Endpoint) {
        proven.remove(endpoint)
        if proven.count >= Self.provenCountMax { proven.removeFirst() }
        proven.append(endpoint)
    }

    func checkInvariants() {
        assert(dialledAt.count <= Self.hostCountMax && proven.count <= Self.provenCountMax)
    }
}
