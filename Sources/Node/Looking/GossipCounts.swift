internal import Gossipsub

/// What went through each topic that the node follows; for metrics.
///
/// Topics that it does not follow are not counted: no stranger's word becomes a label.
struct GossipCounts: Sendable {
    private var received: [Topic: UInt64] = [:]
    private var published: [Topic: UInt64] = [:]
    /// Over all topics.
    private(set) var receivedTotal: UInt64 = 0

    mutating func countReceived(_ topic: Topic) {
        received[topic, default: 0] += 1
        receivedTotal += 1
    }
    mutating func countPublished(_ topic: Topic) { published[topic, default: 0] += 1 }

    func received(_ topic: Topic) -> UInt64 { received[topic] ?? 0 }
    func published(_ topic: Topic) -> UInt64 { published[topic] ?? 0 }
}
