/// Whether a node carries the network or only uses it.
public enum KademliaMode: Hashable, Sendable {
    /// Asks, and never answers nor lets itself be listed: for nodes that others cannot reach.
    case client
    case server
}

/// What one network agrees upon, and how carefully this node searches.
public struct KademliaConfig: Sendable {
    /// The replication parameter: how many hold a record, and how many a bucket has.
    public let k: Int
    /// The search for whoever is near a key, to fill a bucket with: one path, for nothing depends on a single one.
    public var routing: LookupLimits
    /// The search for holders of records, to store with and to read from: all of the k nearest must answer, and with half of the
    /// nodes of some paths hostile another one still arrives (S/Kademlia).
    public var secure: LookupLimits
    /// The same where nobody looks under a second key: for ourselves, for peers, for values and by hand.
    var careful: LookupLimits { secure.paths > 1 ? secure.widened : secure }
    public var mode = KademliaMode.server
    /// Peers to begin with; they are asked again for ever, so that networks that started apart merge.
    public var seeds: [KademliaPeer] = []

    /// After this an asked peer no longer holds up a lookup; its answer still counts until `requestTimeout`.
    ///
    /// An admitted guess: ten round trips around the world. One silent peer leaves a lookup well below ten seconds.
    public var slowAfter = Duration.seconds(3)
    /// As go-libp2p-kad-dht.
    public var requestTimeout = Duration.seconds(10)
    /// What came until then is the answer.
    public var queryTimeout = Duration.seconds(60)
    /// As the specification's implementations refresh their buckets.
    public var refreshInterval = Duration.seconds(600)
    /// Values of our network are at most so long (BEP 44 has the same limit).
    public var valueByteCountMax = 1000

    /// How often we say again what we provide, and how long others' word counts (go-libp2p-kad-dht: 22 and 48 hours).
    public var provideInterval = Duration.seconds(22 * 3600)
    public var providerExpiry = Duration.seconds(48 * 3600)
    /// Afterwards a provider is told without addresses, for addresses change.
    public var providerAddressExpiry = Duration.seconds(30 * 60)
    /// Keys that so many want to be named for that newcomers wait, the longer the fuller the key is.
    public var waitingKeys: Set<[UInt8]> = []
    /// How soon we say again that we provide one of them, while we may have to wait.
    public var waitingIntervals = [Duration.seconds(60), .seconds(600)]
    /// How often we store our own values again.
    public var publishInterval = Duration.seconds(12 * 3600)
    /// A value that claims to live longer is refused.
    public var valueLifetimeMax = Duration.seconds(36 * 3600)

    public init(k: Int = 20, alpha: Int = 10) {
        self.k = k
        routing = LookupLimits(k: k, alpha: alpha)
        secure = LookupLimits(k: k, alpha: alpha, paths: 4)
    }
}

/// The bounds that no configuration changes; what passes them waits or is refused.
public enum KademliaLimits {
    /// Lookups under way: each has up to `alpha` requests out.
    static let queryCountMax = 16
    static let waitingCommandCountMax = 64
    /// Requests under way, those that nobody waits for any more included.
    static let requestCountMax = 1_024
    /// Peers that a lookup remembers: more than its requests can bring from honest ones.
    static let lookupContactCountMax = 2_048
    /// Answers that a lookup takes from one IPv4 /24 or IPv6 /48: more are likely one party.
    static let lookupSiteCountMax = 2
    /// Addresses of a peer that are taken from one who names it: two liars leave room for the truth.
    static let addressesPerNamerMax = 3
    /// Peers under examination for the table, and those that wait for it.
    static let checkCountMax = 16
    static let waitingCheckCountMax = 128
    /// Peers that a bucket keeps for when a place gets free.
    static let replacementCountMax = 5
    /// Connected peers that can be told of although they are not in the table.
    static let connectedCountMax = 1_024
    /// In a row, before a contact loses its place: one lost connection says little.
    static let failureCountMax = 2
    /// Failures of one peer within this are one.
    static let failurePause = Duration.seconds(1)
    /// Below this a table looks for peers more often (go-libp2p-kad-dht: 10).
    static let tableCountMin = 10
    /// How soon a small table asks its seeds and searches again.
    static let hurriedInterval = Duration.seconds(30)
    /// Buckets that a refresh looks into: finding a key for a deeper one costs thousands of hashes, and our own neighbours
    /// are found by the search for ourselves.
    static let refreshedBucketCountMax = 11
    /// A contact that was seen within this is not examined for a newcomer's sake.
    static let stableAfter = Duration.seconds(600)
    static let sweepInterval = Duration.seconds(600)
    /// Outdated holders that a reader corrects: more would let one read set off a flood of writes.
    static let correctionCountMax = 4

    /// What one peer may ask of us: far more than a lookup needs, far less than a core can answer.
    static let requestBurst = 256
    static let requestInterval = Duration.milliseconds(1)
    /// What a question for providers counts: its answer has up to 64 KiB.
    static let providersRequestCost = 16
    /// Values of one peer to judge: each costs a signature check.
    static let valueBurst = 16
    static let valueInterval = Duration.milliseconds(500)
    /// Peers whose use is remembered.
    static let allowanceCountMax = 1_024
}
