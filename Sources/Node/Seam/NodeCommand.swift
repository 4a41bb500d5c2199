public import Cryptography
public import Identity
public import Kademlia
public import Market
internal import Primitives
public import Swarm

/// What an operator, a provider or a renter asks of a running node.
public enum NodeCommand: Sendable {
    case status
    case peers
    /// Connects to one peer; the addresses must agree on who that is.
    case connect([Multiaddr])
    case disconnect(PeerID)
    /// Everything that a search needs, as a value that another thread may rank.
    case snapshot
    /// Asks three replicas of each of these segments that the node does not follow, in distinct networks, for offers of these models
    /// (of any, if there are none); answered with a report once what they show is in the book.
    case look(Set<Segment>, models: Set<String>)
    /// Follows these segments for ten minutes from now on.
    case follow(Set<Segment>)
    case publishOffer(OfferDraft)
    case updateOffer(OfferID, OfferChange)
    case withdrawOffer(OfferID, reason: Int)
    case ownOffers
    /// The records whose ids begin with these bytes.
    case findRecords(prefix: [UInt8])
    /// At most `NodeLimits.exportCountMax` records behind this subject, ascending by subject.
    case exportRecords(after: SubjectKey?)
    /// At most `NodeLimits.importCountMax` envelopes; each passes the same gate as a gossiped one.
    case importRecords([[UInt8]])
    /// The operator vouches that no other home uses this key, and that the clock is right.
    case resumeKey
    /// Says goodbye, writes what is to be written, closes every connection.
    case shutdown
    case bans
    /// In force at once, answered when it is durable.
    case ban(Ban)
    case unban(BanTarget)
    /// Replaces what the settings say about bans and limits.
    case tune(NodeTuning)
    case metrics
    /// Answered with the request's record once it is published.
    case publishRequest(RequestDraft)
    case withdrawRequest(RequestID)
    /// Accepts a bid on a request of ours, the best if none is named; answered with the bid that came of it, once it has ended.
    case acceptRequest(RequestID, BidID?)
    case requests
    /// Looks for a provider now, and signs for the market what is known of it; answered with the attestation of uptime.
    case attest(Ed25519.PublicKey)
    /// The proofs against one provider.
    case proofs(Ed25519.PublicKey)
    /// What the distributed hash table can do, by hand; without one the answer is ``NodeFailure/noTable``.
    case dht(KademliaCommand)
    /// Answered with the bid at once or, with `waits`, when it has come to a lease or to nothing.
    case placeBid(BidWish, waits: Bool)
    /// The bids under way, and the latest that are not.
    case bids
    case cancelBid(BidID)
    case leases
    /// Answered with the lease when the close is durable; a party may use its own codes and those of either.
    case closeLease(LeaseID, CloseCode)
    /// The GPUs of a lease that we provide can be used: metering begins.
    case readyLease(LeaseID)
    /// How a lease was settled, or why not: by the program that was called with this nonce or, with `nil`, by the operator. Answered with
    /// the lease when it is durable; the first settlement of a lease stands.
    case settleLease(LeaseID, nonce: UInt64?, Settlement.Outcome)
    case credit
    case leasePolicy
    case setLeasePolicy(LeasePolicy)
    /// Where a provider says that it is and what it has: its storefront, from the hash table alone.
    case findStorefront(PeerID)
}

/// What became of a command.
public enum NodeAnswer: Sendable {
    case done
    case status(NodeStatus)
    case peers([NodePeer])
    case connected(PeerID)
    case snapshot(MarketSnapshot)
    case looked(SearchReport)
    case offer(SignedRecord)
    case offers([SignedRecord])
    case records([SignedRecord])
    /// `next` is where the following page begins; `nil` at the end.
    case exported([SignedRecord], next: SubjectKey?)
    /// One verdict for each envelope, in order.
    case imported([RecordVerdict])
    /// What the operator said, and what the settings say.
    case bans([Ban], configured: [Ban])
    case metrics(NodeMetrics)
    case dht(KademliaResult)
    /// The newest first.
    case requests([RequestStatus])
    /// What this node was asked to state, signed and published.
    case statement(SignedRecord)
    case bid(BidStatus)
    /// The newest first.
    case bids([BidStatus])
    case lease(LeaseSummary)
    /// The newest first.
    case leases([LeaseSummary])
    case credit([CreditBalance])
    case leasePolicy(LeasePolicy)
    case failed(NodeFailure)
}

/// Why a command was not carried out.
public enum NodeFailure: Error, Hashable, Sendable {
    case refused(DeskRefusal)
    case connect(ConnectFailure)
    case notConnected
    /// The node has no part in the hash table.
    case noTable
    case tooMany(limit: Int)
    case notBanned
    /// Settings that contradict each other.
    case senseless
    /// The disk did not take it, so nothing came of it.
    case notDurable(StoreFailure)
    /// It is in force, but the disk did not take it: a restart forgets it.
    case inForceOnly(StoreFailure)
    case shuttingDown
    /// The book holds no such offer.
    case unknownOffer
    /// No such bid is under way.
    case unknownBid
    /// No such request of ours is open.
    case unknownRequest
    /// No bid on the request can be accepted.
    case noFittingBid
    /// The offer is this node's own.
    case ownOffer
    /// The offer asks this by now, which is more than the bidder had in mind, or in another unit.
    case priceChanged(PriceTerms)
    /// Nobody believes what a node says of itself.
    case ownKey
    case unknownLease
    /// The lease is over.
    case leaseClosed
    /// It is on mutual credit, nothing was paid, or it is not over.
    case nothingToSettle
    /// Under another name.
    case alreadySettled
    /// An earlier word on the same is being written.
    case busy
    /// That is for the lease's other party to say.
    case notOurs
    /// What is let on demand is not taken back.
    case onDemand
    /// What a settlement is called must be a text that a receipt may carry.
    case unfitReference
}

/// The state of a node in numbers.
public struct NodeStatus: Sendable {
    public enum Signing: Hashable, Sendable {
        /// The peers are asked what this key has said before.
        case catchingUp
        case open
        /// The key is in use elsewhere.
        case stopped
        /// The clock was set by a lot, and neither three outbound peers nor the operator have confirmed it.
        case clockDoubted
    }

    public let peer: PeerID
    public let network: String
    public let addresses: [Multiaddr]
    public let uptime: Duration
    public let inboundPeerCount: Int
    public let outboundPeerCount: Int
    public let recordCount: Int
    public let listingCount: Int
    public let ownOfferCount: Int
    /// Whether the node signs; `false` while it catches up or when its key is in use elsewhere.
    public let isSigning: Bool
    /// What the last write failed with, until one succeeds.
    public let storeFailure: StoreFailure?
    public let unixMilliseconds: Int64
    public let resources: ResourceUsage
    public let signing: Signing
    /// How many peers are configured to be in touch with for ever.
    public let seedCount: Int
    /// The median of how far outbound peers' clocks are ahead of ours; `nil` while none has told its time.
    public let clockOffset: Duration?
    /// How many peers the median is of.
    public let clockSampleCount: Int
    /// The node's part in the distributed hash table; `nil` if it has none.
    public let table: NodeTable?
    /// The followed segments, ascending; empty for a node of the whole market.
    public let segments: [FollowedSegment]
    /// The followed parts of the market, in the order of the profile.
    public let followed: [FollowedTopic]

    /// A segment that the node follows, and why.
    public struct FollowedSegment: Hashable, Sendable {
        public enum Reason: String, Hashable, Sendable {
            /// The settings say so.
            case interest
            /// For the sake of all; another one each week.
            case custody
            /// An offer, a lease, a request or a watched search of this node.
            case dealings
        }

        public let segment: Segment
        public let reason: Reason

        public init(segment: Segment, reason: Reason) {
            (self.segment, self.reason) = (segment, reason)
        }
    }

    public struct FollowedTopic: Hashable, Sendable {
        public let name: String
        /// How long ago a peer and this node last held the same of it; `nil`: not yet.
        public let sinceReconciled: Duration?

        public init(name: String, sinceReconciled: Duration?) {
            (self.name, self.sinceReconciled) = (name, sinceReconciled)
        }
    }
}

/// A node's part in the distributed hash table in numbers.
public struct NodeTable: Hashable, Sendable {
    public let isServer: Bool
    /// Peers in the routing table.
    public let serverCount: Int
    /// Provider records and values that others left here.
    public let heldRecordCount: Int

    init(isServer: Bool, serverCount: Int, heldRecordCount: Int) {
        (self.isServer, self.serverCount, self.heldRecordCount) = (isServer, serverCount, heldRecordCount)
    }

    init(_ machine: KademliaMachine) {
        self.init(
            isServer: machine.mode == .server,
            serverCount: machine.tableCount,
            heldRecordCount: machine.heldRecordCount
        )
    }
}

/// One connected peer.
public struct NodePeer: Sendable {
    public let summary: PeerSummary
    /// Gossipsub's score; 0 for peers that do not gossip.
    public let score: Double
    public let meshTopicCount: Int
}

/// The market as one node saw it at one moment: rows by reference, so that it costs a pointer each.
public struct MarketSnapshot: Sendable {
    public let listings: [Listing]
    public let unixMilliseconds: Int64
    /// Rises with every change of the book: two snapshots with one number are equal.
    public let generation: UInt64
    /// Measured round trips to connected providers.
    public let roundTrips: [PeerID: Duration]
    /// What was said beside the rows.
    public var statements = MarketStatements()
    /// What GPUs cost on the last days.
    public var prices = PriceHistory()
    /// With whose eyes trust is seen; `nil` for nobody's.
    public var viewer: Viewer?

    /// The node itself, for its own view of others.
    public struct Viewer: Sendable {
        public let key: Ed25519.PublicKey
        /// A secret of the node; the same after a restart.
        public let walkSeed: UInt64

        public init(key: Ed25519.PublicKey, walkSeed: UInt64) {
            (self.key, self.walkSeed) = (key, walkSeed)
        }
    }
}
