internal import DequeModule
public import Identity
internal import OrderedCollections
public import Primitives

/// A node of a distributed hash table over `/ipfs/kad/1.0.0` or a network's own protocol name (libp2p/specs, kad-dht).
///
/// Every peer and every record has a key, and every server remembers many servers near its own key and some of every distance. To
/// find what is near a key one asks the nearest that one knows for nearer ones, until nobody knows any; there a record is left, and
/// there it is looked for.
///
/// Streams and dials are the owner's: a request leaves as `request` and comes back as `response`, `delivered` or `requestFailed`;
/// what others ask comes in as `inbound` and is answered at once. Nothing here believes anybody: a peer gets its place in the table
/// by answering, a value is judged before it is kept or returned, and whoever provides something may say so for itself alone.
///
/// Unlike go-libp2p-kad-dht: messages have at most 64 KiB and peers at most 8 addresses; a slow peer stops holding up a lookup
/// after 3 s while its answer still counts; a contact is removed after the second failure in a row and not after the first.
public struct KademliaMachine: Sendable {
    public let own: PeerID
    public let config: KademliaConfig
    let ownKey: KademliaKey
    var validator: any ValueValidator
    var random: SeededRandom
    /// As the owner last said.
    public internal(set) var mode: KademliaMode
    var isStarted = false
    var clock: WallClock?
    var ownAddresses: [Multiaddr] = []

    var known: KnownPeers
    var connected: OrderedDictionary<PeerID, KademliaPeer> = [:]
    var requests: RequestBook
    var queries: [QueryID: Query] = [:]
    var nextQueryID: UInt64 = 0
    var waitingCommands: Deque<(KademliaCommandID?, Query.Purpose)> = []
    /// Peers under examination.
    var checks: OrderedSet<PeerID> = []
    var waitingChecks: OrderedDictionary<PeerID, KademliaPeer> = [:]

    var providers: ProviderStore
    var waitingRoom = WaitingRoom()
    var values: ValueStore
    var publications = Publications()
    var requestAllowances = PeerAllowances(
        burst: KademliaLimits.requestBurst,
        interval: KademliaLimits.requestInterval
    )
    var valueAllowances = PeerAllowances(burst: KademliaLimits.valueBurst, interval: KademliaLimits.valueInterval)

    var refresh = TableRefresh()
    var seedsAt: Instant?
    var sweepAt: Instant?

    /// Starts with an empty table; `own` is our peer id, and `validator` knows the network's values.
    public init(own: PeerID, config: KademliaConfig, validator: any ValueValidator, random: SeededRandom) {
        self.own = own
        self.config = config
        self.validator = validator
        self.random = random
        mode = config.mode
        ownKey = KademliaKey(hashing: own.bytes)
        known = KnownPeers(own: ownKey, k: config.k)
        requests = RequestBook(slowAfter: config.slowAfter, timeout: config.requestTimeout)
        providers = ProviderStore(
            own: ownKey,
            expiry: config.providerExpiry,
            addressExpiry: config.providerAddressExpiry,
            agreedKeys: config.waitingKeys
        )
        values = ValueStore(own: ownKey)
    }

    /// When `deadlineReached` is due; `nil` while nothing is.
    public var nextDeadline: Instant? {
        let queryDeadline = queries.values.lazy.map(\.deadline).min()
        return earliest(
            requests.nextDeadline,
            queryDeadline,
            refresh.deadline,
            seedsAt,
            sweepAt,
            publications.nextDeadline
        )
    }

    /// Servers in the table.
    public var tableCount: Int { known.count }

    /// Provider records and values that others left here.
    public var heldRecordCount: Int { providers.recordCount + values.count }

    public func contains(_ peer: PeerID) -> Bool { known.contains(peer) }

    /// A peer of the table with its addresses.
    public func knownPeer(_ peer: PeerID) -> KademliaPeer? { known.peer(peer) }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        apply(input, at: now, into: &outputs)
        // Whichever way a place became free, in the book of requests or among the examinations, it is for those that wait.
        beginChecks(at: now, into: &outputs)
    }

    private mutating func apply(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .started: start(at: now, into: &outputs)
        case .clock(let unixMilliseconds):
            var clock = clock ?? WallClock()
            _ = clock.set(unixMilliseconds: unixMilliseconds, at: now)
            self.clock = clock
        case .ownAddresses(let addresses): ownAddresses = addresses
        case .validator(let validator): judge(by: validator, at: now)
        case .mode(let mode): self.mode = mode
        case .identified(let peer, let isServer, let source):
            identified(peer, isServer: isServer, from: source, at: now, into: &outputs)
        case .disconnected(let peer): connected[peer] = nil
        case .command(let id, let command): accept(command, id, at: now, into: &outputs)
        case .response(let id, let bytes, let source):
            received(bytes, for: id, from: source, at: now, into: &outputs)
        case .delivered(let id):
            guard let request = requests.close(id) else { return }
            if case .store(let query) = request.purpose { stored(query, true, at: now, into: &outputs) }
        case .requestFailed(let id):
            guard let request = requests.close(id) else { return }
            failed(request, at: now, into: &outputs)
        case .requestNotSent(let id):
            guard let request = requests.close(id) else { return }
            unanswered(request, at: now, into: &outputs)
        case .inbound(let id, let peer, let bytes, let source):
            serve(id, peer, bytes, from: source, at: now, into: &outputs)
        case .deadlineReached: deadlineReached(at: now, into: &outputs)
        }
    }

    private mutating func start(at now: Instant, into outputs: inout [Output]) {
        precondition(!isStarted, "started twice")
        isStarted = true
        sweepAt = now.advanced(by: KademliaLimits.sweepInterval)
        if !config.seeds.isEmpty { contactSeeds(at: now, into: &outputs) }
    }

    /// Does all that is due; a timer that fires early does nothing.
    private mutating func deadlineReached(at now: Instant, into outputs: inout [Output]) {
        while let slow = requests.takeSlow(at: now) {
            guard case .lookup(let query, let contact) = slow.purpose else { continue }
            queries[query]?.lookup.failed(contact)
            advance(query, at: now, into: &outputs)
        }
        while let (id, request) = requests.takeLate(at: now) {
            outputs.append(.cancel(id))
            failed(request, at: now, into: &outputs)
        }
        for query in queries.keys.sorted() where (queries[query]?.deadline ?? now) <= now {
            if queries[query]?.lookup.isFinished == false { queries[query]?.lookup.finish() }
            end(query, at: now, into: &outputs)
        }
        if let due = seedsAt, due <= now { contactSeeds(at: now, into: &outputs) }
        publishDue(at: now, into: &outputs)
        refreshIfDue(at: now, into: &outputs)
        if let due = sweepAt, due <= now {
            sweepAt = now.advanced(by: KademliaLimits.sweepInterval)
            providers.expire(at: now)
            if let clock { values.expire(unixMilliseconds: clock.unixMilliseconds(at: now)) }
        }
    }

    /// Checks what must always hold; for tests and the simulator.
    public func checkInvariants() {
        known.checkInvariants()
        requests.checkInvariants()
        providers.checkInvariants()
        waitingRoom.checkInvariants()
        values.checkInvariants()
        publications.checkInvariants()
        requestAllowances.checkInvariants()
        valueAllowances.checkInvariants()
        precondition(queries.count <= KademliaLimits.queryCountMax)
        precondition(waitingCommands.count <= KademliaLimits.waitingCommandCountMax)
        precondition(checks.count <= KademliaLimits.checkCountMax)
        precondition(waitingChecks.count <= KademliaLimits.waitingCheckCountMax)
        // Nobody waits for a place that is free.
        precondition(
            waitingChecks.isEmpty || checks.count == KademliaLimits.checkCountMax
                || requests.count == KademliaLimits.requestCountMax
        )
        precondition(connected.count <= KademliaLimits.connectedCountMax)
        for query in queries.values { query.lookup.checkInvariants() }
    }
}
