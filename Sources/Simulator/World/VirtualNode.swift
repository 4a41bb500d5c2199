internal import Cryptography
internal import Identity
internal import Market
internal import Node
internal import Primitives
internal import Swarm

/// One node of the simulation: its machine while it is up, and everything that a machine does not own.
struct VirtualNode: Sendable {
    /// One while the node is up, none while it is down; an array, since a look into an optional copies all that is in it.
    var machines: [NodeMachine] = []
    // What nearly every event asks for stands together.
    /// Rises at every start and at every end.
    var life: UInt32 = 0
    /// Whether somebody else's hand is on what it says.
    var isHostile = false
    /// When the timer fires; the end of time while it is not armed.
    var armed = Instant.distantFuture
    /// Until when it verifies signatures: what it says leaves no sooner.
    var isBusyUntil = Instant.zero
    /// While it is paused, what happened meanwhile, in order.
    var backlog: [Event]?
    var identity: VirtualIdentity
    let endpoint: Endpoint
    var store: VirtualStore
    /// What the node's wall clock is ahead of the right time.
    var clockOffset = Duration.zero
    /// Connections by the node at their other end, ascending.
    var links: [Link] = []
    /// Which connection each dialled one is (`bytes`).
    var sockets: [ConnectionID: WireEnd] = [:]
    var swarm = VirtualSwarm()
    /// When the hand of a hostile one next moves.
    var wakesAt = Instant.distantFuture
    var provider = Provider()
    /// Whether the workload has it bid.
    var isRenter = false
    /// What the workload has it look up, by command; only ever walked in the order of these.
    var questions: [UInt64: LookupQuestion] = [:]
    /// What the workload has it search, by command; only ever walked in the order of these.
    var searches: [UInt64: SearchQuestion] = [:]
    var nextCommand: UInt64 = 1
    /// Whether it ever ran with its present identity.
    var hasRun = false
    /// Gone for good.
    var hasDeparted = false
    /// Whether its last life ended with unsynced writes lost.
    var lostUnsynced = false
    /// What remains of the session that the churn model drew for its first life.
    var firstSession: Duration?

    var isUp: Bool { !machines.isEmpty }

    /// Asks the machine of a node that is up in place, as if to change it: one that is merely asked is copied first, tables and all.
    mutating func ask<Answer>(_ question: (inout NodeMachine) -> Answer) -> Answer? {
        machines.isEmpty ? nil : question(&machines[0])
    }
    var isPaused: Bool { backlog != nil }

    init(endpoint: Endpoint, identity: VirtualIdentity, keepsCache: Bool) {
        (self.endpoint, self.identity) = (endpoint, identity)
        store = VirtualStore(keepsCache: keepsCache)
    }
}

/// A key and what follows from it.
struct VirtualIdentity: Sendable {
    let peer: PeerID
    let key: Ed25519.PrivateKey
    /// Rises each time that the node returns as somebody else.
    let number: Int

    init(streams: RandomStreams, node: Int, number: Int) {
        var random = streams.stream(.identity, node: node | number << 32)
        key = Ed25519.PrivateKey(seed: random.bytes(Ed25519.PrivateKey.seedByteCount))
        peer = PeerID(publicKey: key.publicKey)
        self.number = number
    }
}

/// One entry of a node's table of connections.
struct Link: Sendable {
    /// The node at the other end, and who it was when the connection was made.
    let node: UInt32
    let peer: PeerID
    let end: WireEnd
    /// What the node holds of the peer: the lowest is trimmed first.
    var value: Int32 = 0
    var isProtected = false
}

/// What a provider of the workload has on the market.
struct Provider: Sendable {
    /// How many offers it is to have; 0: it is none.
    var offerCount = 0
    var offers: [OfferID] = []
    /// Raised with every change of a price.
    var priceStep: Int64 = 0
    /// When a price of it was last changed at the network's common rate.
    var changedAt: Instant?
    /// The class that its offers are of.
    var marketClass: MarketClass?
}

/// The driver's half of a node whose swarm is virtual.
struct VirtualSwarm: Sendable {
    var protocols: [String] = []
    /// What identify says of the node; made when it is first asked.
    var description: PeerDescription?
    /// Connections that are up at this end.
    var connectionCount = 0
    /// Connections that are up or on their way, as the limits count them.
    var inboundCount = 0
    var outboundCount = 0
    var lastTrim: Instant?
    var isTrimPlanned = false
    var isStopping = false

    func hasRoom(_ direction: Direction, within limits: ResourceLimits) -> Bool {
        let (each, all) = (limits.system.each, inboundCount + outboundCount)
        guard all < limits.system.connections else { return false }
        return direction == .inbound ? inboundCount < each.inboundConnections : outboundCount < each.outboundConnections
    }

    mutating func count(_ end: WireEnd, _ change: Int) {
        if end.isDialer { outboundCount += change } else { inboundCount += change }
    }
}
