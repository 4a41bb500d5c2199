internal import Market
internal import OrderedCollections

/// Which writes are under way, and whom their return concerns.
struct TicketBook: Sendable {
    /// Who waits for a write.
    enum Owner: Hashable, Sendable {
        case desk(DeskTicket)
        case leases(LeaseTicket)
        /// Nobody: the cache may lose it.
        case cache
        /// An operator, who is answered when it is durable.
        case command(CommandID)
        /// A request of ours, which is published behind it.
        case request(RequestID)
    }

    private var owners: OrderedDictionary<Ticket, Owner> = [:]
    private var next: UInt64 = 1

    /// Writes of which nobody knows yet whether they are durable.
    var pendingCount: Int { owners.count }

    mutating func draw(for owner: Owner) -> Ticket {
        let ticket = Ticket(rawValue: next)
        next += 1
        owners[ticket] = owner
        return ticket
    }

    mutating func take(_ ticket: Ticket) -> Owner? {
        owners.removeValue(forKey: ticket)
    }
}
