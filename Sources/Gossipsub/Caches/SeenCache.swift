internal import DequeModule
internal import Identity
internal import Primitives

/// The messages that were judged lately, so that none is judged, delivered or forwarded twice.
///
/// An id enters by a verdict alone (accept, reject, final ignore), never by a drop for a full queue.
struct SeenCache: Sendable {
    enum Verdict: Hashable, Sendable { case accepted, rejected, ignored }

    struct Entry: Sendable {
        let verdict: Verdict
        let since: Instant
        /// Who brought a copy, while that still counts (score component P3).
        var deliverers: [PeerID]
    }

    let timeToLive: Duration
    let countMax: Int
    private var entries: [MessageKey: Entry] = [:]
    private var order: Deque<MessageKey> = []

    init(timeToLive: Duration, countMax: Int) {
        precondition(countMax > 0)
        self.timeToLive = timeToLive
        self.countMax = countMax
    }

    var count: Int { entries.count }

    subscript(key: MessageKey) -> Entry? { entries[key] }

    func contains(_ key: MessageKey) -> Bool { entries[key] != nil }

    /// Remembers a verdict from `now` on; the oldest gives way when the cache is full.
    mutating func insert(_ key: MessageKey, _ verdict: Verdict, deliverers: [PeerID], at now: Instant) {
        guard entries[key] == nil else { return }
        if order.count == countMax, let oldest = order.popFirst() { entries[oldest] = nil }
        entries[key] = Entry(verdict: verdict, since: now, deliverers: deliverers)
        order.append(key)
    }

    /// Notes that `peer` brought another copy; whether that is news.
    mutating func addDeliverer(_ peer: PeerID, of key: MessageKey) -> Bool {
        guard let entry = entries[key], !entry.deliverers.contains(peer) else { return false }
        entries[key]?.deliverers.append(peer)
        return true
    }

    mutating func expire(at now: Instant) {
        while let oldest = order.first, let entry = entries[oldest], entry.since.advanced(by: timeToLive) <= now {
            entries[oldest] = nil
            order.removeFirst()
        }
    }

    func checkInvariants() {
        assert(order.count == entries.count && order.count <= countMax)
    }
}
