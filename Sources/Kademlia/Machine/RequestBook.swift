internal import DequeModule
internal import Identity
internal import Primitives

/// The requests under way and when each has taken too long: twice, first for whoever waits, then for good.
struct RequestBook: Sendable {
    enum Purpose: Hashable, Sendable {
        case lookup(QueryID, ContactID)
        case store(QueryID)
        /// A newcomer, or a doubtful contact, is examined.
        case check
        /// An outdated holder gets the better value; nobody waits.
        case correction
    }

    struct Request: Sendable {
        let peer: KademliaPeer
        let purpose: Purpose
        /// What the answer must be about.
        let kind: KademliaMessage.Kind
    }

    private struct Deadline: Sendable {
        let at: Instant
        let id: KademliaRequestID
    }

    private let slowAfter: Duration
    private let timeout: Duration
    private var open: [KademliaRequestID: Request] = [:]
    /// In the order of time, for each request waits equally long; entries of closed requests are skipped.
    private var slow: Deque<Deadline> = []
    private var late: Deque<Deadline> = []
    private var nextID: UInt64 = 0

    init(slowAfter: Duration, timeout: Duration) {
        precondition(slowAfter <= timeout)
        (self.slowAfter, self.timeout) = (slowAfter, timeout)
    }

    var count: Int { open.count }

    var nextDeadline: Instant? { earliest(slow.first?.at, late.first?.at) }

    /// `nil` when too many are under way.
    mutating func open(_ request: Request, at now: Instant) -> KademliaRequestID? {
        guard open.count < KademliaLimits.requestCountMax else { return nil }
        let id = KademliaRequestID(rawValue: nextID)
        nextID += 1
        open[id] = request
        if case .lookup = request.purpose { slow.append(Deadline(at: now.advanced(by: slowAfter), id: id)) }
        late.append(Deadline(at: now.advanced(by: timeout), id: id))
        return id
    }

    /// Takes a request out; `nil` if it is not under way any more.
    mutating func close(_ id: KademliaRequestID) -> Request? {
        let request = open.removeValue(forKey: id)
        prune()
        return request
    }

    /// A request that nobody should wait for any longer; it stays open.
    mutating func takeSlow(at now: Instant) -> Request? {
        guard let first = slow.first, first.at <= now else { return nil }
        slow.removeFirst()
        let request = open[first.id]
        prune()
        return request
    }

    /// A request that is over.
    mutating func takeLate(at now: Instant) -> (KademliaRequestID, Request)? {
        guard let first = late.first, first.at <= now, let request = close(first.id) else { return nil }
        return (first.id, request)
    }

    private mutating func prune() {
        while let first = slow.first, open[first.id] == nil { slow.removeFirst() }
        while let first = late.first, open[first.id] == nil { late.removeFirst() }
    }

    func checkInvariants() {
        precondition(open.count <= KademliaLimits.requestCountMax)
        precondition(open.isEmpty == late.isEmpty)
    }
}
