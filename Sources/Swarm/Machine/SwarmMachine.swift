public import Cryptography
internal import DequeModule
public import Identity
internal import Noise
internal import OrderedCollections
public import Primitives

/// All connections of one node: listening, dialling, upgrading, limiting, trimming, and the streams on them.
///
/// The machine owns no socket. It tells the driver what to dial, send and close (`TransportOutput`) and hears what came of it
/// (`TransportInput`); every connection's protocols run inside, in a `ConnectionMachine`. Identify and ping are spoken here,
/// all other protocols belong to the application, which sees streams of bytes.
///
/// The owner's duties:
/// 1. Feed `clock`, `setProtocols` and `started` first; then every input with its instant, do the outputs in order, arm one
///    timer for `nextDeadline`.
/// 2. Report with `consumed` what was taken of each stream's `data`.
/// 3. Write no more to a stream between `streamCongested` and `streamDrained`.
///
/// Inputs about streams, connections and peers that are gone have no effect.
public struct SwarmMachine: Sendable {
    enum Phase: Sendable, Equatable {
        /// Before `started`.
        case idle
        case running
        /// Everything is told to close. → `stopped` when it has, or at the deadline.
        case stopping(deadline: Instant)
        case stopped
    }

    public let config: SwarmConfig
    /// Who we are.
    public let peer: PeerID
    let identity: Ed25519.PrivateKey
    let staticKey: NoiseStaticKey
    var random: SeededRandom
    var phase = Phase.idle

    var connections = SlotTable<ConnectionID, SwarmConnection>()
    var connectedPeers: OrderedDictionary<PeerID, SwarmPeer> = [:]
    var establishedCount = 0
    var listeners: OrderedDictionary<ListenerID, SwarmListener> = [:]
    var nextListener: UInt64 = 1
    var interfaces: [IPAddress] = []

    var dialing: DialMachine
    var limits: ConnectionLimits
    var scopes: ResourceScopes
    var trimming: ConnectionTrimming
    var bans = BanList()
    /// What was done so far; for metrics.
    public internal(set) var counters = SwarmCounters()
    /// Where peers can be reached, as far as we have heard.
    public internal(set) var addressBook: AddressBook
    var observed: ObservedAddresses
    var protectedPeers: Set<PeerID> = []
    var peerValues: [PeerID: Int] = [:]

    var applicationProtocols: [String] = []
    var ownDescription: OwnDescription
    var pushAt: Instant?
    var lastPush: Instant?
    /// Wall time is this much ahead of the monotonic clock, in milliseconds; `nil` until the first `clock`.
    var clockOffset: Int64?

    /// What connections have said and is not yet worked through.
    var events: Deque<(ConnectionID, ConnectionMachine.Output)> = []
    /// Bytes that leave at the end of the step, one piece per connection.
    var unsent: OrderedDictionary<ConnectionID, [UInt8]> = [:]
    /// When each connection's machine is next due; for one that is closing, when it is dropped.
    var connectionTimers = DeadlineQueue<ConnectionID>()
    /// The same for the swarm's own streams: identify and ping.
    var streamTimers = DeadlineQueue<StreamHandle>()

    /// A swarm of its own identity; the Noise static key and everything else that is random is drawn from `random`.
    public init(config: SwarmConfig, identity: Ed25519.PrivateKey, random: SeededRandom) {
        var random = random
        let peer = PeerID(publicKey: identity.publicKey)
        self.config = config
        self.identity = identity
        self.peer = peer
        staticKey = NoiseStaticKey(identity: identity, secret: random.bytes(X25519.byteCount))
        self.random = random
        dialing = DialMachine(ownPeer: peer, config: config.dial)
        limits = ConnectionLimits(config: config.connectionLimits)
        scopes = ResourceScopes(limits: config.resources)
        trimming = ConnectionTrimming(config: config.trimming)
        addressBook = AddressBook(config: config.addressBook)
        observed = ObservedAddresses(config: config.identify)
        ownDescription = OwnDescription()
    }

    /// When the owner must next feed `deadlineReached`; `nil` while nothing is due.
    public var nextDeadline: Instant? {
        switch phase {
        case .idle, .stopped: return nil
        case .stopping(let deadline): return earliest(deadline, connectionTimers.earliest)
        case .running:
            return [
                connectionTimers.earliest, streamTimers.earliest, dialing.nextDeadline, trimming.nextDeadline,
                addressBook.nextDeadline, observed.nextDeadline, pushAt,
            ].compactMap(\.self).min()
        }
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        if case .stopped = phase { return }
        switch input {
        case .started(let endpoints): start(endpoints, at: now, into: &outputs)
        case .transport(let input): handle(input, at: now, into: &outputs)
        case .connect(let request, let peer, let addresses):
            connect(request, to: peer, addresses, at: now, into: &outputs)
        case .cancelConnect(let request): dial(.cancel(request), at: now, into: &outputs)
        case .disconnect(let peer):
            for id in connectedPeers[peer]?.connections ?? [] { close(id, .requested, at: now) }
        case .setProtocols(let protocols): setProtocols(protocols, at: now)
        case .openStream(let request, let peer, let protocols):
            openStream(request, to: peer, protocols, at: now, into: &outputs)
        case .write(let stream, let bytes): act(on: stream, .write(stream.stream, bytes), at: now)
        case .closeWrite(let stream): act(on: stream, .closeWrite(stream.stream), at: now)
        case .reset(let stream): act(on: stream, .reset(stream.stream), at: now)
        case .consumed(let stream, let byteCount, let kept): consume(byteCount, keeping: kept, of: stream, at: now)
        case .protect(let peer, true): protectedPeers.insert(peer)
        case .protect(let peer, false): protectedPeers.remove(peer)
        case .setPeerValue(let peer, let value):
            peerValues[peer] = value == 0 || connectedPeers[peer] == nil ? nil : value
        case .learned(let peer, let addresses, let source):
            learned(peer, addresses, from: source, at: now, into: &outputs)
        case .learnedRecord(let envelope, let source):
            addressBook.accept(envelope, learnedFrom: source, at: now)
        case .setBans(let list): setBans(list, at: now)
        case .setWaterMarks(let low, let high): trimming.setMarks(low: low, high: high)
        case .clock(let milliseconds): clockOffset = milliseconds - now.nanoseconds / 1_000_000
        case .shutdown: shutDown(at: now, into: &outputs)
        case .deadlineReached: expire(at: now, into: &outputs)
        }
        settle(at: now, into: &outputs)
    }

    // MARK: The end of every step

    /// Works through what the connections have said, then sends: whatever the order of causes, bytes keep theirs.
    private mutating func settle(at now: Instant, into outputs: inout [Output]) {
        while let (id, event) = events.popFirst() { apply(event, of: id, at: now, into: &outputs) }
        flush(into: &outputs)
        trimming.counted(establishedCount, at: now)
        guard case .stopping = phase, connections.isEmpty else { return }
        stop(into: &outputs)
    }

    private mutating func flush(into outputs: inout [Output]) {
        guard !unsent.isEmpty else { return }
        for (id, bytes) in unsent { outputs.append(.transport(.send(id, bytes))) }
        unsent.removeAll(keepingCapacity: true)
    }

    private mutating func stop(into outputs: inout [Output]) {
        phase = .stopped
        outputs.append(.stopped)
    }

    // MARK: Time

    private mutating func expire(at now: Instant, into outputs: inout [Output]) {
        if case .stopping(let deadline) = phase, deadline <= now {
            for id in connections.keys.sorted() { outputs.append(.transport(.abort(id))) }
            return stop(into: &outputs)
        }
        while let id = connectionTimers.popDue(at: now) { expire(id, at: now, into: &outputs) }
        while let stream = streamTimers.popDue(at: now) { expire(stream, at: now, into: &outputs) }
        if let due = dialing.nextDeadline, due <= now { dial(.deadlineReached, at: now, into: &outputs) }
        if let due = trimming.nextDeadline, due <= now { trim(at: now) }
        addressBook.expire(at: now)
        if let due = observed.nextDeadline, due <= now {
            observed.expire(at: now)
            updateAddresses(at: now, into: &outputs)
        }
        if let due = pushAt, due <= now { push(at: now, into: &outputs) }
    }

    private mutating func shutDown(at now: Instant, into outputs: inout [Output]) {
        guard phase == .running || phase == .idle else { return }
        phase = .stopping(deadline: now.advanced(by: config.shutdownTimeout))
        dial(.stop, at: now, into: &outputs)
        for id in listeners.keys {
            outputs.append(.transport(.stopListening(id)))
            scopes.closeDescriptor()
        }
        listeners = [:]
        for id in connections.keys.sorted() { close(id, .shutdown, at: now) }
    }

    // MARK: Queries

    /// The connected peers in the order in which they came.
    public var peers: [PeerSummary] {
        connectedPeers.map { peer, state in
            PeerSummary(
                peer: peer,
                connections: state.connections.compactMap { connections[$0]?.info($0) },
                description: state.description,
                roundTrip: state.roundTrip,
                value: peerValues[peer] ?? 0,
                isProtected: protectedPeers.contains(peer)
            )
        }
    }

    /// The oldest connection with a peer, where new streams go.
    public func connection(to peer: PeerID) -> ConnectionInfo? {
        guard let id = connectedPeers[peer]?.connections.first else { return nil }
        return connections[id]?.info(id)
    }

    /// What the peer accepts streams for; empty until identify is through.
    public func protocols(of peer: PeerID) -> [String] {
        connectedPeers[peer]?.description?.protocols ?? []
    }

    /// Where we can be reached, without our peer id.
    public var listenAddresses: [Multiaddr] { ownDescription.addresses }

    /// What all connections and listeners use together.
    public var resources: ResourceUsage { scopes.system }

    /// What the connections with one peer use.
    public func resources(of peer: PeerID) -> ResourceUsage { scopes.usage(of: peer) }
}
