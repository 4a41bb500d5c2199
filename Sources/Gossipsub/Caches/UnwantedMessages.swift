internal import DequeModule

/// The messages that one peer asked us not to send (IDONTWANT, gossipsub 1.2).
struct UnwantedMessages: Sendable {
    /// Go takes up to 10,000 ids a heartbeat from every peer; a peer that is that far ahead of us needs nothing from us, and the
    /// cost of forgetting an id is one duplicate.
    static let countMax = 1024

    private var heartbeats: [MessageID: Int] = [:]
    private var order: Deque<MessageID> = []

    var count: Int { heartbeats.count }

    func contains(_ id: MessageID) -> Bool { heartbeats[id] != nil }

    /// Remembers an id until heartbeat number `last`; ids beyond the limit are ignored.
    mutating func insert(_ id: MessageID, until last: Int) {
        guard heartbeats.count < Self.countMax, heartbeats[id] == nil else { return }
        heartbeats[id] = last
        order.append(id)
    }

    mutating func expire(at heartbeat: Int) {
        while let oldest = order.first, let last = heartbeats[oldest], last <= heartbeat {
            heartbeats[oldest] = nil
            order.removeFirst()
        }
    }
}
