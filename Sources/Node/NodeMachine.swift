public import Cryptography
internal import DequeModule
internal import Gossipsub
public import Identity
internal import Kademlia
public import Market
internal import MulticastDNS
internal import OrderedCollections
public import Primitives
internal import Swarm

/// A whole Rialto node as a value: swarm, gossip, reconciliation, the book of the market, and the provider's desk.
///
/// The driver feeds each input with its instant, does the outputs in order, then arms one timer at `nextDeadline`; it feeds
/// `clock` once before `started`. The machine owns no socket, clock, task, lock or source of entropy, so that the shell and the
/// simulator drive the very same code.
///
/// It is the parent of its machines: their outputs become inputs of others or outputs of its own, in the order in which they
/// arise, until nothing is left (`settle`).
public struct NodeMachine: Sendable {
    let config: NodeConfig
    let key: Ed25519.PrivateKey
    public let peer: PeerID
    /// What reads the records that come in numbers: out of the store, and from peers that reconcile.
    let readRecord: RecordReader
    let gate: RecordGate
    var profile: MarketProfile { gate.profile }

    var wall = WallClock()
    var startedAt: Instant?
    var phase = Phase.starting
    /// One in the machine's seat, none in the driver's; an array, so that a node without it is so much smaller.
    var ownSwarm: [SwarmMachine]
    /// When it is next due, as of its last step.
    var swarmDeadline: Instant?
    var connected: OrderedDictionary<PeerID, ConnectedPeer> = [:]
    var otherNetworks = OtherNetworks()
    var choice: SegmentChoice
    var followed: FollowedTopics
    var gossip: GossipsubMachine
    var gossipStreams: GossipStreams
    var seeds: PeerSeeds
    var sync: SyncMachine
    var searching = SearchDesk()
    /// Somebody follows a topic since the searches looked for replicas: they look once a step, however many topics one RPC names.
    var hasNewSubscriber = false
    /// One or none; an array, as the swarm.
    var kademlia: [KademliaHost] = []
    /// When it is next due, as of its last step.
    var kademliaDeadline: Instant?
    var tableMode: TableMode
    /// Each one or none, as the hash table: they find by it.
    var company: [PeerCompany] = []
    var rendezvous: [Rendezvous] = []
    var storefront: [StorefrontKeeper] = []
    var storefronts = StorefrontDesk()
    /// One or none.
    var multicastDNS: [MulticastDNSMachine] = []
    /// What the node itself searches in the hash table.
    var ownSearches: OrderedDictionary<KademliaCommandID, OwnSearch> = [:]
    var nextOwnSearch = NodeMachine.firstOwnSearch
    var restoredCompany: CompanyRecord
    /// Where the node can be reached, as it was told.
    var toldAddresses: OrderedSet<Multiaddr> = []
    var hasSaidGoodbye = false
    var nextRecommended = RequestRange.recommendedConnects.lowerBound
    var catchUp: CatchUp
    var desk: ProviderDesk
    var book: RecordBook
    /// One, once there is anything to bid, let or rent; an array, as the swarm.
    var leases: [LeaseMachine] = []
    /// What it begins with.
    var leaseSeat: LeaseSeat
    /// When the book has work next, in Unix milliseconds.
    var bookDueAt: Int64?
    var conflicts = ConflictNotices()
    var prices: PriceWatch
    var statements = StatementDesk()
    var requests: RequestDesk
    var probes = ProbeDesk()
    var inbox = RecordInbox()
    var tickets = TicketBook()
    var commands = PendingCommands()
    var bans: BanBook
    var clocks = PeerClocks()
    var clockDoubt = ClockDoubt()
    /// Messages of each followed topic that were neither duplicates nor forged, and records of ours.
    var gossipCounts = GossipCounts()
    var remembered: OrderedDictionary<PeerID, Instant> = [:]
    var restoredPeers: [StoredPeer]
    /// Whether there was anybody to dial when the node began.
    private let knowsPeers: Bool
    var restoredRecords: [StoredRecord]
    var restoredFloors: [SubjectFloor]
    /// What each gossiping peer may still make us verify.
    var budgets: OrderedDictionary<PeerID, VerificationBudget> = [:]
    var random: SeededRandom
    /// Changes of the cache that this step made; written once, at its end.
    var cacheChanges: [StoreChange] = []
    var listingChanges: [ListingChange] = []
    var storeFailure: StoreFailure?
    var work = Deque<Work>()
    /// When `deadlineReached` is due; `nil` while nothing waits.
    ///
    /// A property, not a computed one: whoever keeps thousands of nodes asks each of them after every step.
    public private(set) var nextDeadline: Instant?

    /// A node that has not begun: feed `clock`, then `started`.
    ///
    /// `isFreshIdentity` says that this home made the key at this start, so nobody can know records of it. `readRecord` may be
    /// shared by many nodes.
    public init(
        config: NodeConfig,
        identity key: Ed25519.PrivateKey,
        isFreshIdentity: Bool,
        restored: RestoredState,
        random seed: SeededRandom,
        readRecord: @escaping RecordReader = { (envelope) throws(RecordError) in try SignedRecord(envelope: envelope) }
    ) {
        var random = seed
        (self.config, self.key, self.readRecord) = (config, key, readRecord)
        peer = PeerID(publicKey: key.publicKey)
        let facts = OwnFacts(restored.facts, random: &random)
        let swarmRandom = random.split()
        switch config.swarmSeat {
        case .machine: ownSwarm = [SwarmMachine(config: config.namedSwarm, identity: key, random: swarmRandom)]
        case .driver: ownSwarm = []
        }
        gossip = GossipsubMachine(
            config: config.gossip,
            key: key,
            firstSequence: facts.reservedSequence,
            random: random.split()
        )
        gossipStreams = GossipStreams(
            rpcByteCountMax: config.gossip.rpc.byteCountMax,
            requestIDs: RequestRange.gossipStreams
        )
        seeds = PeerSeeds(requestIDs: RequestRange.seedConnects, random: random.split())
        catchUp = CatchUp(isNeeded: !isFreshIdentity, hasSeeds: !config.seeds.isEmpty)
        desk = ProviderDesk(
            config: config.desk,
            key: key,
            secrets: facts.secrets,
            reservedSequence: facts.reservedSequence,
            records: restored.ownRecords.compactMap { try? SignedRecord(envelope: $0.envelope) },
            random: random.split()
        )
        gate = RecordGate(network: config.network)
        let banned = restored.fact(BanBook.factName) ?? []
        bans = BanBook(stored: banned, configured: config.banned, allowed: config.allowed)
        choice = SegmentChoice(
            interest: config.followedSegments,
            custody: config.keepsCustody ? SegmentCustody(peer: peer, profile: gate.profile) : nil
        )
        followed = FollowedTopics(segments: config.followedSegments, profile: gate.profile, network: config.network)
        sync = SyncMachine(
            network: config.network,
            lanes: gate.profile.lanes,
            followed: followed.laneNumbers,
            interval: config.reconcileInterval,
            requestIDs: RequestRange.syncStreams,
            random: random.split()
        )
        book = RecordBook(config: config.book)
        book.follow(config.followedSegments)
        requests = RequestDesk(stored: restored.fact(RequestDesk.factName) ?? [])
        prices = PriceWatch(stored: restored.fact(PriceWatch.factName) ?? [])
        leaseSeat = LeaseSeat(sealingSecret: facts.sealingSecret, rows: restored.rows, policy: config.leases)
        restoredPeers = restored.peers
        restoredRecords = restored.records + restored.ownRecords
        restoredFloors = restored.floors
        restoredCompany = CompanyRecord(reading: restored.fact(CompanyRecord.factName) ?? [])
        knowsPeers = !(config.seeds.isEmpty && restoredPeers.isEmpty && restoredCompany.members.isEmpty)
        tableMode = TableMode(announced: config.swarm.announcedAddresses)
        self.random = random
        noteHost(since: restored.fact(OwnFacts.hostName))
        for (name, value) in facts.fresh { cacheChanges.append(.setFact(name: name, value: value)) }
        if let part = config.kademlia { joinHashTable(part) }
        if config.usesMulticastDNS { multicastDNS = [MulticastDNSMachine(own: peer, random: self.random.split())] }
    }

    /// A home that another machine wrote last may have been copied: both could say different things with one number.
    private mutating func noteHost(since last: [UInt8]?) {
        guard let own = config.hostID, own != last else { return }
        if last != nil { desk.mayRepeatItself = true }
        cacheChanges.append(.setFact(name: OwnFacts.hostName, value: own))
    }

    /// The hash table, and those who find by it.
    private mutating func joinHashTable(_ part: NodeKademlia) {
        let values = StorefrontValues(network: config.network, own: peer, bans: bans)
        kademlia = [KademliaHost(part, values: values, seeds: config.seeds, random: random.split())]
        company = [PeerCompany(requestIDs: RequestRange.companyConnects, random: random.split())]
        rendezvous = [
            Rendezvous(
                segments: config.followedSegments,
                network: config.network,
                profile: gate.profile,
                random: random.split()
            )
        ]
        storefront = [StorefrontKeeper()]
    }
}

extension NodeMachine {
    enum Phase: Hashable, Sendable {
        /// Before `started`.
        case starting
        case running(isReady: Bool)
        /// The desk says its last words, the store writes them.
        case closing(deadline: Instant)
        /// The swarm closes its connections.
        case disconnecting(deadline: Instant)
        case stopped
    }

    /// What one child has for another; done first come, first served.
    enum Work: Sendable {
        indirect case swarm(SwarmMachine.Input)
        case gossip(GossipsubMachine.Input)
        indirect case seeds(PeerSeeds.Input)
        indirect case sync(SyncMachine.Input)
        indirect case desk(ProviderDesk.Input)
        indirect case leases(LeaseMachine.Input)
    }

    /// Who asked the swarm for a stream or a connection is told by the number of the request.
    enum RequestRange {
        static let gossipStreams: ClosedRange<UInt64> = 0...((1 << 48) - 1)
        static let syncStreams: ClosedRange<UInt64> = (1 << 48)...((2 << 48) - 1)
        static let seedConnects: ClosedRange<UInt64> = 0...((1 << 48) - 1)
        static let commandConnects: ClosedRange<UInt64> = (1 << 48)...((2 << 48) - 1)
        static let recommendedConnects: ClosedRange<UInt64> = (2 << 48)...((3 << 48) - 1)
        /// Of streams and of connections.
        static let kademlia: ClosedRange<UInt64> = (3 << 48)...((4 << 48) - 1)
        /// Of streams and of connections.
        static let leases: ClosedRange<UInt64> = (4 << 48)...((5 << 48) - 1)
        static let companyConnects: ClosedRange<UInt64> = (5 << 48)...((6 << 48) - 1)
        static let probes: ClosedRange<UInt64> = (6 << 48)...((7 << 48) - 1)
    }

    /// Mutating, so that the machine is looked at in place: one that is merely asked would be copied whole.
    private mutating func arm() {
        var deadline: Instant? =
            switch phase {
            case .closing(let deadline), .disconnecting(let deadline): deadline
            case .starting, .running, .stopped: nil
            }
        deadline = earliest(deadline, swarmDeadline)
        deadline = earliest(deadline, gossip.nextDeadline)
        deadline = earliest(deadline, seeds.nextDeadline)
        deadline = earliest(deadline, sync.nextDeadline)
        deadline = earliest(deadline, tableDeadline)
        deadline = earliest(deadline, discoveryDeadline)
        deadline = earliest(deadline, multicastDNS.first?.nextDeadline)
        deadline = earliest(deadline, catchUp.nextDeadline)
        deadline = earliest(deadline, desk.nextDeadline)
        if !leases.isEmpty { deadline = earliest(deadline, leases[0].nextDeadline) }
        deadline = earliest(deadline, conflicts.nextDeadline)
        deadline = earliest(deadline, prices.nextDeadline)
        deadline = earliest(deadline, probes.nextDeadline)
        deadline = earliest(deadline, choice.nextDeadline)
        deadline = earliest(deadline, searchDeadline)
        if case .running = phase {
            deadline = earliest(deadline, requests.dueAt.map(wall.instant(atUnixMilliseconds:)))
        }
        nextDeadline = earliest(deadline, bookDeadline)
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .started: start(at: now, into: &outputs)
        case .clock(let unixMilliseconds): told(unixMilliseconds, at: now, into: &outputs)
        case .transport(let input):
            precondition(!ownSwarm.isEmpty, "the driver keeps the connections itself")
            work.append(.swarm(.transport(input)))
        case .swarm(let output):
            precondition(ownSwarm.isEmpty, "the node keeps the connections itself")
            handle(output, at: now, into: &outputs)
        case .rpc(let remote, let rpc):
            precondition(config.swarmSeat.isTyped, "gossip travels as bytes")
            // Most RPCs bring what the node has: nothing follows from them, and no deadline moves.
            if !heard(rpc, from: remote, at: now, into: &outputs) { return }
        case .verified(let batch, let results): verified(batch, results, at: now, into: &outputs)
        case .persisted(let ticket): if !persisted(ticket, at: now, into: &outputs) { return }
        case .persistFailed(let ticket, let failure): persistFailed(ticket, failure, at: now, into: &outputs)
        case .command(let id, let command): carryOut(command, id, at: now, into: &outputs)
        case .multicast(let bytes, let source):
            stepMulticastDNS(.received(bytes, from: source), at: now, into: &outputs)
        case .deadlineReached: expire(at: now, into: &outputs)
        }
        settle(at: now, into: &outputs)
        arm()
    }

    /// Lets the children answer each other until nothing is left to say, then writes and tells what came of it.
    private mutating func settle(at now: Instant, into outputs: inout [Output]) {
        finishWork(at: now, into: &outputs)
        while takeAcceptances(&outputs, at: now) { finishWork(at: now, into: &outputs) }
        flushSignatures(into: &outputs)
        flushChanges(into: &outputs)
        // Only now are the last words on their way to the disk and the peers.
        guard case .closing = phase, hasSaidGoodbye, tickets.pendingCount == 0 else { return }
        disconnect(at: now)
        finishWork(at: now, into: &outputs)
    }

    private mutating func finishWork(at now: Instant, into outputs: inout [Output]) {
        while true {
            guard let next = work.popFirst() else {
                guard hasNewSubscriber else { return }
                hasNewSubscriber = false
                advanceSearches(at: now, into: &outputs)
                continue
            }
            switch next {
            case .swarm(let input): stepSwarm(input, at: now, into: &outputs)
            case .gossip(let input): stepGossip(input, at: now, into: &outputs)
            case .seeds(let input): stepSeeds(input, at: now)
            case .sync(let input): stepSync(input, at: now, into: &outputs)
            case .desk(let input): stepDesk(input, at: now, into: &outputs)
            case .leases(let input): stepLeases(input, at: now, into: &outputs)
            }
        }
    }

    private mutating func start(at now: Instant, into outputs: inout [Output]) {
        precondition(phase == .starting, "started twice")
        phase = .running(isReady: false)
        startedAt = now
        restoreRecords(at: now)
        restoreRequests()
        work.append(.swarm(.setProtocols(NodeMachine.inboundProtocols + kademliaProtocols)))
        work.append(.swarm(.setBans(bans.effective)))
        work.append(.swarm(.started(listen: config.listen)))
        // Whom the node once chose itself it dials before whom it was told of.
        stepCompany(.started(restoredCompany, remembered: restoredPeers), at: now)
        stepKademlia(.started, at: now, into: &outputs)
        for name in followed.names { work.append(.gossip(.subscribe(name, TopicConfig()))) }
        startDiscovery(at: now, into: &outputs)
        stepMulticastDNS(.started, at: now, into: &outputs)
        // Who has company of its own choice need not ask for that of the seeds.
        work.append(.seeds(.started(seeds: config.seeds, remembered: company.isEmpty ? restoredPeers : [])))
        restoredPeers = []
        prices.start(at: now)
        if !leaseSeat.rows.isEmpty { openLeases(at: now, into: &outputs) }
        work.append(.sync(.started))
        probes.arm(config.probeInterval, at: now)
        weighSegments(at: now, into: &outputs)
        catchUp.start(at: now)
        if catchUp.isDone { haveCaughtUp() }
        becomeReadyIfPossible(into: &outputs)
    }

    private mutating func told(_ unixMilliseconds: Int64, at now: Instant, into outputs: inout [Output]) {
        let step = wall.set(unixMilliseconds: unixMilliseconds, at: now)
        work.append(.swarm(.clock(unixMilliseconds: unixMilliseconds)))
        stepKademlia(.clock(unixMilliseconds: unixMilliseconds), at: now, into: &outputs)
        work.append(.desk(.clock(unixMilliseconds: unixMilliseconds)))
        if !leases.isEmpty { work.append(.leases(.clock(unixMilliseconds: unixMilliseconds))) }
        clocks.stepped(by: step)
        if clockDoubt.stepped(by: step, offset: clockOffset) {
            work.append(.desk(clockDoubt.isRaised ? .clockDoubted : .clockTrusted))
        }
        // Smaller differences are the two readings' own.
        if abs(step) > 1_000 { outputs.append(.event(.clockStepped(milliseconds: step))) }
    }

    private mutating func expire(at now: Instant, into outputs: inout [Output]) {
        if !ownSwarm.isEmpty { work.append(.swarm(.deadlineReached)) }
        work.append(.gossip(.deadlineReached))
        work.append(.seeds(.deadlineReached))
        work.append(.sync(.deadlineReached))
        expireTable(at: now, into: &outputs)
        expireDiscovery(at: now, into: &outputs)
        expireSegments(at: now, into: &outputs)
        expireSearches(at: now, into: &outputs)
        if let due = multicastDNS.first?.nextDeadline, due <= now {
            stepMulticastDNS(.deadlineReached, at: now, into: &outputs)
        }
        work.append(.desk(.deadlineReached))
        if !leases.isEmpty { work.append(.leases(.deadlineReached)) }
        expireBook(at: now)
        publishDueConflicts(at: now, into: &outputs)
        notePrices(at: now)
        probe(at: now)
        decideRequests(at: now, into: &outputs)
        if catchUp.expire(at: now) {
            haveCaughtUp()
            becomeReadyIfPossible(into: &outputs)
        }
        switch phase {
        case .closing(let deadline) where deadline <= now: disconnect(at: now)
        case .disconnecting(let deadline) where deadline <= now: stop(into: &outputs)
        case .starting, .running, .closing, .disconnecting, .stopped: break
        }
    }

    mutating func becomeReadyIfPossible(into outputs: inout [Output]) {
        guard phase == .running(isReady: false), !toldAddresses.isEmpty, catchUp.isDone else { return }
        phase = .running(isReady: true)
        outputs.append(.event(.ready(knowsPeers: knowsPeers)))
    }

    /// The rows of the market as this node sees them now, in no particular order.
    public var marketListings: [Listing] { book.listings }

    /// Whether the driver must keep a socket of the group of multicast DNS.
    public var usesMulticastDNS: Bool { !multicastDNS.isEmpty }

    public func isConnected(to remote: PeerID) -> Bool { connected[remote] != nil }

    /// Checks what must always hold, in every machine; for tests and the simulator.
    public func checkInvariants(at now: Instant) {
        ownSwarm.first?.checkInvariants()
        gossip.checkInvariants(at: now)
        seeds.checkInvariants()
        otherNetworks.checkInvariants()
        sync.checkInvariants()
        searching.checkInvariants()
        kademlia.first?.checkInvariants()
        tableMode.checkInvariants()
        company.first?.checkInvariants()
        rendezvous.first?.checkInvariants()
        storefronts.checkInvariants()
        multicastDNS.first?.checkInvariants()
        desk.checkInvariants()
        leases.first?.checkInvariants()
        requests.checkInvariants()
        book.checkInvariants()
        inbox.checkInvariants()
        precondition(work.isEmpty, "a step ended before its work was done")
    }
}
