internal import Gossipsub
public import Identity
public import Market
internal import OrderedCollections

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
