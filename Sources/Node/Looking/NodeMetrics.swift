public import Market
public import Swarm

/// What a node counts and holds, apart from its status; every label that can come of it is one of ours.
public struct NodeMetrics: Sendable {
    public struct Topic: Hashable, Sendable {
        /// One of the market profile's topics, never a stranger's word.
        public let name: String
        public let meshPeerCount: Int
        public let subscriberCount: Int
    }

    public struct Records: Hashable, Sendable {
        public let kind: RecordKind
        /// The topic that carries them.
        public let topic: String
        public let count: Int
    }

    public let status: NodeStatus
    public let swarm: SwarmCounters
    public let limits: ResourceLimits
    public let topics: [Topic]
    public let records: [Records]
}
