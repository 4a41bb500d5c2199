public import Cryptography
internal import HeapModule
public import Identity
internal import Market
public import Node
public import OrderedCollections
public import Primitives
internal import Swarm

/// Several `NodeMachine`s in virtual time, joined by byte pipes with seeded delays: the seed of the simulator.
///
/// The real multistream, Noise, Yamux and gossipsub run between the nodes. A heap of (instant, number) decides the order, and the
/// number breaks ties, so that a seed repeats a run event for event.
public struct TestNetwork {
    public struct NodeIndex: Hashable, Comparable, Sendable {
        public let rawValue: Int
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// How long bytes travel, one way.
    public var delay: ClosedRange<Duration> = .milliseconds(5) ... .milliseconds(60)
    /// How far a node's wall clock is ahead of the truth, in milliseconds.
    public var clockAheadMilliseconds: [NodeIndex: Int64] = [:]
    /// Of a hundred dials, how many end in `timedOut`.
    public var dialLossPercent = 0
    /// Of a thousand sends, how many arrive with one byte changed.
    public var corruptionPerMille = 0
    public private(set) var now = Instant.zero
    public private(set) var events: [(at: Instant, node: NodeIndex, event: NodeEvent)] = []
    public private(set) var answers: OrderedDictionary<CommandID, NodeAnswer> = [:]
    /// Bytes that crossed the network.
    public private(set) var byteCount = 0

    private var nodes: [Slot] = []
    private var queue = Heap<Event>()
    private var nextNumber: UInt64 = 0
    private var stepCount = 0
    private var nextCommand: UInt64 = 1
    private var pipes: OrderedDictionary<Pipe.Key, Pipe> = [:]
    private var verdicts: [SignatureCheck: Bool] = [:]
    private var random: SeededRandom
    private var partition: Set<NodeIndex> = []
    private var frozen: Set<NodeIndex> = []

    /// Unix time at which every run starts: 2026-01-01T00:00:00Z.
    public static let epochMilliseconds: Int64 = 1_767_225_600_000

    public init(seed: UInt64) {
        random = SeededRandom(testSeed: seed)
    }
}

extension TestNetwork {
    struct Slot {
        var machine: NodeMachine?
        let endpoint: Endpoint
        var store = TestStore()
        var armed: Instant?
        var nextAccepted: UInt64 = 1
        var generation = 0
    }

    struct Event: Comparable {
        let at: Instant
        let number: UInt64
        let node: NodeIndex
        /// A restarted node does not hear what was meant for its former life.
        let generation: Int
        let input: NodeMachine.Input

        static func == (left: Event, right: Event) -> Bool { left.number == right.number }
        static func < (left: Event, right: Event) -> Bool {
            (left.at, left.number) < (right.at, right.number)
        }
    }

    /// One end of a connection: where its bytes go, and when the last of them arrives.
    struct Pipe {
        struct Key: Hashable {
            let node: NodeIndex
            let connection: ConnectionID
        }
        let far: Key
        var arrivesAt: Instant
    }
}

// MARK: Building

extension TestNetwork {
    /// Adds a node that listens on an address of its own and starts it.
    public mutating func addNode(seeds: [Multiaddr] = [], configure: (inout NodeConfig) -> Void = { _ in }) -> NodeIndex
    {
        let index = NodeIndex(rawValue: nodes.count)
        let number = nodes.count + 1
        guard let address = IPAddress([10, 1, UInt8(number / 250), UInt8(1 + number % 250)]) else {
            preconditionFailure("four bytes are an address")
        }
        nodes.append(Slot(machine: nil, endpoint: Endpoint(address: address, port: 4180)))
        start(index, seeds: seeds, configure: configure)
        return index
    }

    /// Starts a node, the first time or after `stop`, with what its store held.
    public mutating func start(
        _ index: NodeIndex,
        seeds: [Multiaddr] = [],
        configure: (inout NodeConfig) -> Void = { _ in }
    ) {
        let slot = nodes[index.rawValue]
        precondition(slot.machine == nil, "node \(index.rawValue) runs already")
        var config = NodeConfig(listen: [slot.endpoint], seeds: seeds)
        // Who knows whom is the test's choice.
        config.kademlia = nil
        configure(&config)
        nodes[index.rawValue].machine = NodeMachine(
            config: config,
            identity: Self.identity(of: index),
            isFreshIdentity: slot.generation == 0,
            restored: slot.store.committed,
            random: random.split()
        )
        nodes[index.rawValue].generation += 1
        feed(index, .clock(unixMilliseconds: wall(of: index)))
        schedule(index, .clock(unixMilliseconds: 0), at: now.advanced(by: Self.clockInterval))
        feed(index, .transport(.interfaces([slot.endpoint.address])))
        feed(index, .started)
    }

    /// Ends a node as kill −9 does: nothing is said, and what was not committed is lost.
    public mutating func kill(_ index: NodeIndex) {
        nodes[index.rawValue].machine = nil
        nodes[index.rawValue].generation += 1
        nodes[index.rawValue].armed = nil
        for key in pipes.keys where key.node == index { sever(key, reason: .reset) }
    }

    /// Stops a node as SIGSTOP does: its connections stay, and it hears and says nothing any more.
    public mutating func freeze(_ index: NodeIndex) { frozen.insert(index) }

    /// A copy of what a node's store holds now, as a backup would be.
    public func backup(of index: NodeIndex) -> TestStore { nodes[index.rawValue].store }

    /// Puts an older store in the place of a node that does not run.
    public mutating func restore(_ index: NodeIndex, from backup: TestStore) {
        precondition(nodes[index.rawValue].machine == nil, "node \(index.rawValue) runs")
        nodes[index.rawValue].store = backup
    }

    /// Cuts every connection between `side` and the rest, and lets none be made until `heal`.
    public mutating func split(_ side: Set<NodeIndex>) {
        partition = side
        for (key, pipe) in pipes.elements where isCut(key.node, pipe.far.node) { sever(key, reason: .timedOut) }
    }

    public mutating func heal() { partition = [] }

    /// Cuts this share of all connections, chosen by the seed.
    public mutating func dropConnections(percent: Int) {
        for key in pipes.keys where key.connection.rawValue % 2 == 0 && random.chance(percent, in: 100) {
            sever(key, reason: .reset)
        }
    }

    public static func identity(of index: NodeIndex) -> Ed25519.PrivateKey {
        Ed25519.PrivateKey(seed: SHA256.hash(Array("node \(index.rawValue)".utf8)))
    }

    public func peer(_ index: NodeIndex) -> PeerID { PeerID(publicKey: Self.identity(of: index).publicKey) }

    public func address(_ index: NodeIndex) -> Multiaddr {
        Multiaddr(endpoint: nodes[index.rawValue].endpoint).with(peer: peer(index))
    }

    public var nodeIndices: [NodeIndex] { nodes.indices.map(NodeIndex.init) }

    /// Makes every write of a node fail, or mends its disk.
    public mutating func failStore(of index: NodeIndex, with failure: StoreFailure?) {
        nodes[index.rawValue].store.failure = failure
    }

    /// The machine itself, for looking at.
    public func node(_ index: NodeIndex) -> NodeMachine? { nodes[index.rawValue].machine }

    /// What a node's own clock says.
    public func wall(of index: NodeIndex) -> Int64 { unixMilliseconds + (clockAheadMilliseconds[index] ?? 0) }

    public var unixMilliseconds: Int64 { Self.epochMilliseconds + now.nanoseconds / 1_000_000 }
}

// MARK: Running

extension TestNetwork {
    /// Gives a node a command and returns its number; the answer appears in `answers`.
    @discardableResult
    public mutating func command(_ index: NodeIndex, _ command: NodeCommand) -> CommandID {
        let id = CommandID(rawValue: nextCommand)
        nextCommand += 1
        feed(index, .command(id, command))
        return id
    }

    /// Gives a command and runs until its answer is there, at most `limit`.
    public mutating func ask(
        _ index: NodeIndex,
        _ request: NodeCommand,
        within limit: Duration = .seconds(60)
    ) -> NodeAnswer? {
        let id = command(index, request)
        let end = now.advanced(by: limit)
        while answers[id] == nil, let next = queue.min, next.at <= end { step() }
        return answers[id]
    }

    public mutating func run(for duration: Duration) {
        let end = now.advanced(by: duration)
        while let next = queue.min, next.at <= end { step() }
        now = end
    }

    /// Runs until `condition` holds, at most `limit`; says whether it did.
    public mutating func run(atMost limit: Duration, until condition: (TestNetwork) -> Bool) -> Bool {
        let end = now.advanced(by: limit)
        var checkedAt = Instant(nanoseconds: .min)
        while let next = queue.min, next.at <= end {
            step()
            // Conditions look at every node, so they are asked once per virtual tenth of a second.
            guard checkedAt.advanced(by: .milliseconds(100)) <= now else { continue }
            checkedAt = now
            if condition(self) { return true }
        }
        now = end
        return condition(self)
    }

    private mutating func step() {
        guard let event = queue.popMin() else { return }
        now = max(now, event.at)
        guard nodes[event.node.rawValue].generation == event.generation, !frozen.contains(event.node) else { return }
        if case .deadlineReached = event.input {
            guard nodes[event.node.rawValue].armed == event.at else { return }
            nodes[event.node.rawValue].armed = nil
        }
        guard case .clock = event.input else { return feed(event.node, event.input) }
        // As the event loop does it: what time it is, every ten seconds.
        feed(event.node, .clock(unixMilliseconds: wall(of: event.node)))
        schedule(event.node, event.input, at: now.advanced(by: Self.clockInterval))
    }

    private static let clockInterval = Duration.seconds(10)

    private mutating func feed(_ index: NodeIndex, _ input: NodeMachine.Input) {
        var outputs: [NodeMachine.Output] = []
        guard nodes[index.rawValue].machine != nil else { return }
        nodes[index.rawValue].machine?.handle(input, at: now, into: &outputs)
        // Invariants walk whole tables, so they are asked after every sixteenth step.
        stepCount += 1
        if stepCount % 16 == 0 { nodes[index.rawValue].machine?.checkInvariants(at: now) }
        for output in outputs { carryOut(output, of: index) }
        guard let machine = nodes[index.rawValue].machine, let deadline = machine.nextDeadline else { return }
        let due = max(deadline, now)
        if nodes[index.rawValue].armed.map({ due < $0 }) ?? true {
            nodes[index.rawValue].armed = due
            schedule(index, .deadlineReached, at: due)
        }
    }

    private mutating func schedule(_ index: NodeIndex, _ input: NodeMachine.Input, at instant: Instant) {
        nextNumber += 1
        let generation = nodes[index.rawValue].generation
        queue.insert(Event(at: instant, number: nextNumber, node: index, generation: generation, input: input))
    }
}

// MARK: The driver's side of every output

extension TestNetwork {
    private mutating func carryOut(_ output: NodeMachine.Output, of index: NodeIndex) {
        switch output {
        case .transport(let output): carryOut(output, of: index)
        case .swarm, .rpc: preconditionFailure("the nodes of this network keep their connections themselves")
        case .verify(let batch, let checks):
            let results = checks.map { check in
                if let known = verdicts[check] { return known }
                let holds = check.holds
                verdicts[check] = holds
                return holds
            }
            schedule(index, .verified(batch, results), at: now.advanced(by: .microseconds(60 * checks.count)))
        case .persist(let ticket, let changes):
            if let failure = nodes[index.rawValue].store.commit(changes) {
                schedule(index, .persistFailed(ticket, failure), at: now.advanced(by: .milliseconds(1)))
            } else {
                schedule(index, .persisted(ticket), at: now.advanced(by: .milliseconds(1)))
            }
        case .answer(let id, let answer): answers[id] = answer
        case .event(let event): events.append((now, index, event))
        case .multicast(let bytes):
            // All nodes share one cable, on which a datagram takes a millisecond.
            let source = nodes[index.rawValue].endpoint.address
            for other in nodes.indices where nodes[other].machine?.usesMulticastDNS == true {
                let due = now.advanced(by: .milliseconds(1))
                schedule(NodeIndex(rawValue: other), .multicast(bytes, from: source), at: due)
            }
        case .stopped:
            nodes[index.rawValue].machine = nil
            nodes[index.rawValue].generation += 1
        }
    }

    private mutating func carryOut(_ output: TransportOutput, of index: NodeIndex) {
        switch output {
        case .listen(let listener, let endpoint):
            schedule(index, .transport(.listening(listener, endpoint)), at: now)
        case .dial(let connection, let endpoint): dial(index, connection, endpoint)
        case .send(let connection, let bytes): send(Pipe.Key(node: index, connection: connection), bytes)
        case .close(let connection), .abort(let connection):
            sever(Pipe.Key(node: index, connection: connection), reason: nil)
        case .resolve(let resolution, _):
            schedule(index, .transport(.resolved(resolution, .failed("no names here"))), at: now)
        case .stopListening, .pauseReading, .resumeReading: break
        }
    }

    private mutating func dial(_ index: NodeIndex, _ connection: ConnectionID, _ endpoint: Endpoint) {
        let arrival = now.advanced(by: drawDelay())
        let target = nodes.firstIndex { $0.endpoint == endpoint && $0.machine != nil }.map(NodeIndex.init)
        guard let target, !isCut(index, target), !random.chance(dialLossPercent, in: 100) else {
            schedule(index, .transport(.dialFailed(connection, .timedOut)), at: arrival)
            return
        }
        let accepted = ConnectionID(rawValue: nodes[target.rawValue].nextAccepted)
        nodes[target.rawValue].nextAccepted += 2
        let (near, far) = (Pipe.Key(node: index, connection: connection), Pipe.Key(node: target, connection: accepted))
        let answered = arrival.advanced(by: drawDelay())
        pipes[near] = Pipe(far: far, arrivesAt: arrival)
        pipes[far] = Pipe(far: near, arrivesAt: answered)
        let (local, remote) = (nodes[index.rawValue].endpoint, endpoint)
        schedule(target, .transport(.accepted(accepted, local: remote, remote: local)), at: arrival)
        schedule(index, .transport(.dialed(connection, local: local, remote: remote)), at: answered)
    }

    private mutating func send(_ key: Pipe.Key, _ bytes: [UInt8]) {
        guard var pipe = pipes[key] else { return }
        byteCount += bytes.count
        pipe.arrivesAt = max(pipe.arrivesAt, now.advanced(by: drawDelay()))
        pipes[key] = pipe
        var arriving = bytes
        if corruptionPerMille > 0, !bytes.isEmpty, random.chance(corruptionPerMille, in: 1000) {
            arriving[random.below(arriving.count)] ^= UInt8(1 + random.below(255))
        }
        schedule(pipe.far.node, .transport(.received(pipe.far.connection, arriving)), at: pipe.arrivesAt)
    }

    private mutating func sever(_ key: Pipe.Key, reason: TransportFailure?) {
        guard let pipe = pipes.removeValue(forKey: key) else { return }
        let back = pipes.removeValue(forKey: pipe.far)
        // The near end hears at once, the far end behind the bytes that are under way.
        schedule(key.node, .transport(.disconnected(key.connection, reason)), at: max(now, back?.arrivesAt ?? now))
        let arrival = max(pipe.arrivesAt, now.advanced(by: drawDelay()))
        schedule(pipe.far.node, .transport(.disconnected(pipe.far.connection, reason)), at: arrival)
    }

    private func isCut(_ left: NodeIndex, _ right: NodeIndex) -> Bool {
        partition.contains(left) != partition.contains(right)
    }

    private mutating func drawDelay() -> Duration {
        let span = (delay.upperBound - delay.lowerBound).saturatedNanoseconds
        return delay.lowerBound + .nanoseconds(random.below(Int(span) + 1))
    }
}
