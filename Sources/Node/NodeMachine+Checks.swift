internal import Gossipsub
public import Identity
public import Market
internal import OrderedCollections
internal import Swarm

// What a checker may look at: a test, the simulator.
extension NodeMachine {
    /// Connected peers, in the order in which they came.
    public var connectedPeers: [PeerID] { Array(connected.keys) }

    /// Gossip's opinion of a peer; 0 for a stranger.
    public func score(of remote: PeerID) -> Double { gossip.score(of: remote) }

    /// The peers of a topic's mesh, ascending; empty for a topic that the node does not follow.
    public func mesh(of topic: String) -> [PeerID] { Topic(topic).map(gossip.mesh) ?? [] }

    /// The topics that the node follows, in a fixed order.
    public var followedTopics: [String] { followed.topics.map(\.text) }

    /// Gossiped messages of followed topics that were no duplicates, since the start.
    public var gossipReceivedCount: UInt64 { gossipCounts.receivedTotal }

    /// What is kept for others, or of what they send: its name, how much it is, and how much it may be at most.
    ///
    /// Costs no pass over anything.
    public func forEachSize(_ body: (_ name: String, _ size: Int, _ limit: Int) -> Void) {
        let system = config.swarm.resources.system
        body("peers", connected.count, system.connections)
        body("inbox", inbox.pendingCount, NodeLimits.pendingRecordCountMax + NodeLimits.importCountMax)
        body("record bytes", book.recordByteCount, book.config.memoryByteCountMax)
        body("gossip verdicts", gossip.pendingCount, config.gossip.pendingCountMax)
        body("sync runs", sync.runs.count, SyncLimits.runCountMax)
        body("sync waiting", sync.waiting.count, SyncLimits.waitingCountMax)
        body("sync records", sync.inFlight.count, SyncLimits.runCountMax * SyncLimits.batchRecordCountMax)
        body("sync refused", sync.refused.count, SyncLimits.refusedCountMax)
        body("searches", searching.searches.count, SearchDesk.countMax)
        guard let used = ownSwarm.first?.resources else { return }
        body("connections", used.connections, system.connections)
        body("streams", used.streams, system.streams)
        body("transport bytes", used.memoryBytes, system.each.memoryBytes)
        body("descriptors", used.descriptors, system.each.descriptors)
    }

    /// How many records are held, rivals and withdrawals included.
    public var recordCount: Int { book.recordCount }

    public func contains(_ id: RecordID) -> Bool { book.contains(id) }

    /// The ids of all held records, ascending: one pass over the book.
    public var liveRecordIDs: [RecordID] { records().map(\.id).sorted() }

    /// Equal for books that hold the same records, however they came by them; costs nothing to ask.
    ///
    /// It tells honest books apart, no more: records with a chosen sum can be made.
    public var bookDigest: UInt64 { book.setSum }
}
