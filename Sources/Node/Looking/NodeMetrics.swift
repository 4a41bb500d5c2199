public import Market
public import Swarm

/// What a node counts and holds, apart from its status; every label that can come of it is one of ours.
public struct NodeMetrics: Sendable {
    public struct Topic: Hashable, Sendable {
        /// One of the market profile's topics, never a stranger's word.
        public let name: String
        public let meshPeerCount: Int
        public let subscriberCount: Int
        /// Messages that came, each once, whatever became of them.
        public let receivedCount: UInt64
        /// Records of our own that went out.
        public let publishedCount: UInt64
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
    /// What the node accepts streams for.
    public let protocolCount: Int
    public let sync: SyncCounters
}
