internal import Identity
internal import OrderedCollections
internal import Primitives

/// Who waits to be named as a provider of a key that many want: the fuller the key and the more of the newcomer's network are there,
/// the longer it must keep coming back (Król et al., "DISC-NG: Robust Service Discovery in the Ethereum Global Network", 2023).
///
/// The wait is E · (1 − c/C)⁻¹⁰ · (c/C + network share + G), where c of C places are taken: nothing while a key is nearly empty, and
/// hours for whoever would fill it from one network. Nobody is told: who says it again after the wait is in.
struct WaitingRoom: Sendable {
    /// E and C of the paper.
    static let unit = Duration.seconds(15 * 60)
    static let placeCount = ProviderStore.providersPerKeyMax
    /// So many strangers do not yet make a network's share large.
    static let shareDamping = 10
    static let ticketCountMax = 4_096
    static let ticketsPerNetworkMax = 64
    /// Whoever stays away for longer begins anew: thrice the interval of statements.
    static let ticketLifetime = Duration.seconds(3 * 3_600)

    private struct Visitor: Hashable, Sendable {
        let key: [UInt8]
        let peer: PeerID
    }

    private struct Ticket: Sendable {
        let since: Instant
        let seenAt: Instant
        let group: IPGroup
    }

    /// The longest unseen first.
    private var tickets: OrderedDictionary<Visitor, Ticket> = [:]
    private var ticketCounts: [IPGroup: Int] = [:]

    /// How long a newcomer waits where `count` providers are, `kindred` of them of its own network.
    static func wait(count: Int, kindred: Int) -> Duration {
        let free = Double(max(1, placeCount - count)) / Double(placeCount)
        var crowding = 1.0
        for _ in 0..<10 { crowding /= free }
        let share = Double(kindred) / Double(count + shareDamping)
        let factor = crowding * (Double(count) / Double(placeCount) + share + 1e-7)
        // Beyond a week nobody is admitted anyway; a float too large for an integer would trap.
        return .milliseconds(Int64(min(Double(unit.milliseconds) * factor, 7 * 24 * 3_600_000)))
    }

    /// Whether a newcomer has waited long enough; else it has a ticket now, if there is one left.
    mutating func admits(
        _ peer: PeerID,
        of group: IPGroup,
        to key: [UInt8],
        after wait: Duration,
        at now: Instant
    ) -> Bool {
        expire(at: now)
        let visitor = Visitor(key: key, peer: peer)
        let since = tickets[visitor]?.since ?? now
        if since.duration(to: now) >= wait {
            remove(visitor)
            return true
        }
        // It keeps its turn, and goes to the end of the order in which tickets expire.
        remove(visitor)
        guard tickets.count < Self.ticketCountMax,
            group.isExempt || ticketCounts[group, default: 0] < Self.ticketsPerNetworkMax
        else { return false }
        tickets[visitor] = Ticket(since: since, seenAt: now, group: group)
        ticketCounts[group, default: 0] += 1
        return false
    }

    private mutating func expire(at now: Instant) {
        while let (visitor, ticket) = tickets.elements.first, ticket.seenAt.advanced(by: Self.ticketLifetime) <= now {
            remove(visitor)
        }
    }

    private mutating func remove(_ visitor: Visitor) {
        guard let group = tickets.removeValue(forKey: visitor)?.group else { return }
        let count = ticketCounts[group, default: 1] - 1
        ticketCounts[group] = count > 0 ? count : nil
    }

    func checkInvariants() {
        precondition(tickets.count <= Self.ticketCountMax)
        precondition(tickets.count == ticketCounts.values.reduce(0, +))
    }
}
