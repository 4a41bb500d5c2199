internal import DequeModule
internal import Gossipsub
internal import Identity
internal import Market
internal import Node
public import Primitives
internal import Swarm

/// Thousands of `NodeMachine`s in virtual time.
///
/// One queue of events, one array of nodes: an event is taken out, the clock moves to its instant, one machine is fed, its outputs
/// become new events. Nothing else has a say, so that scenario, seed and version of the program decide every step. Nodes are numbered
/// from zero; those of the scenario come first, arrivals after them.
///
/// ```swift
/// var simulation = Simulation(scenario: scenario, seed: 17)
/// simulation.run()
/// let result = simulation.finish()
/// ```
public struct Simulation: Sendable {
    /// Unix time at which every run starts: 2026-01-01T00:00:00Z.
    public static let epochMilliseconds: Int64 = 1_767_225_600_000

    public let scenario: Scenario
    public let seed: UInt64
    public let options: SimulationOptions
    public internal(set) var now = Instant.zero
    /// Why the run ended before its time.
    public internal(set) var stopped: EarlyStop?

    let streams: RandomStreams
    let followed: Set<Segment>?
    let segments: [Segment]
    var nodes: [VirtualNode] = []
    var queue = EventQueue<Event>()
    var network: VirtualNetwork
    var wires = WireTable()
    /// What every node is told, but for its address and its contacts.
    var settings: NodeConfig
    /// What every node's swarm is told, or what is done in its place.
    var swarm: SwarmConfig { settings.swarm }
    var kinds = StreamKinds()
    var directory = PeerDirectory()
    var library = RecordLibrary()
    var signatures: SignatureMemo
    let records = RecordMemo()
    /// What machines are to be told at this very instant, in order.
    var told = Deque<(NodeLife, NodeMachine.Input)>()
    var outputs: [NodeMachine.Output] = []

    var traffic = Traffic()
    var trace: TraceHash
    var traceHashes: [UInt64] = []
    var ring = EventRing()
    var eventCount = 0
    var upCount = 0
    /// How long nodes were up, all of them together, until `upTimeSince`.
    var upTime = Duration.zero
    var upTimeSince = Instant.zero
    /// Events as lines of text, if the options ask for them.
    public internal(set) var transcript: [TranscriptLine] = []

    var workload: Workload
    /// What is looked up; its own stream, so that lookups shift nobody's draws.
    var lookups: LookupWorkload
    var churn: ChurnSchedule?
    var faultSchedule: FaultSchedule?
    /// What faults do, in the order in which it was planned.
    var faults: [FaultAction] = []
    /// By node, the life that was over when a crash ended it: who went, or came back, otherwise since then is not this fault's to start.
    var crashed: [Int: UInt32] = [:]
    /// What heals each partition that is on.
    var cuts: [(fault: Int, cut: CutID)] = []
    var roster: AdversaryRoster?
    /// By node; asked, never iterated.
    var adversaries: [Int: Adversary] = [:]
    /// At `bytes` the swarms of hostile nodes; by node, asked, never iterated.
    var seizedSwarms: [Int: SwarmMachine] = [:]
    var referee: Referee
    var samples: [SecondSample] = []
    /// Messages that gossip brought to anybody who had them already (`messages`).
    var duplicateCount = 0
    var counted = Counted()
    /// Bytes that reached honest nodes in the measured time.
    var honestReceivedByteCount = 0
    /// Of a thousand sends so many arrive changed (`bytes`).
    var corruptionPerMille = 0
    var corruption: SimulationRandom

    public init(scenario: Scenario, seed: UInt64, options: SimulationOptions = SimulationOptions()) {
        precondition(scenario.nodeCount > 0, "a scenario has nodes")
        (self.scenario, self.seed, self.options) = (scenario, seed, options)
        streams = RandomStreams(seed: seed)
        segments = Workload.segments(count: scenario.workload.segmentCount)
        followed = segments.count == MarketProfile.first.segments.count ? nil : Set(segments)
        settings = Self.settings(of: scenario, followed: followed)
        network = VirtualNetwork(plan: scenario.network, nodeCount: 0, streams: streams)
        signatures = SignatureMemo(computesAll: options.computesSignatures)
        trace = TraceHash(seed: seed)
        workload = Workload(streams: streams)
        lookups = LookupWorkload(streams: streams)
        referee = Referee(scenario: scenario, collectsSamples: options.collectsPublications)
        corruption = streams.fast(.faults, node: -2)
        churn = scenario.churn.map { ChurnSchedule(plan: $0, nodeCount: scenario.nodeCount, streams: streams) }
        build()
    }

    private static func settings(of scenario: Scenario, followed: Set<Segment>?) -> NodeConfig {
        var settings = NodeConfig(listen: [])
        settings.followedSegments = followed
        settings.keepsCustody = scenario.workload.searches != nil
        // Whom it begins with stands for what the table would give it, unless the scenario lets it look for itself.
        if scenario.discovery == nil { settings.kademlia = nil }
        if let plan = scenario.workload.leases { settings.leases.counter.meterSeconds = plan.meterSeconds }
        if let plan = scenario.connections {
            settings.swarm.trimming.lowWater = plan.lowWater
            settings.swarm.trimming.highWater = plan.highWater
        }
        settings.swarmSeat =
            switch scenario.fidelity {
            case .messages: .driver(typedGossip: true)
            case .frames: .driver(typedGossip: false)
            case .bytes: .machine
            }
        return settings
    }

    /// When the run ends.
    public var end: Instant {
        let whole = scenario.duration
        return .zero.advanced(by: options.virtualLimit.map { min($0, whole) } ?? whole)
    }

    public var isOver: Bool { stopped != nil || now >= end }

    /// Runs to `limit` or to the end of the scenario, whichever comes first; says whether the run is over.
    @discardableResult
    public mutating func run(until limit: Instant? = nil) -> Bool {
        let limit = min(limit ?? end, end)
        while stopped == nil, let (instant, event) = queue.popMin(through: limit) {
            now = max(now, instant)
            happen(event)
        }
        guard stopped == nil else { return true }
        now = max(now, limit)
        if now >= end, end < .zero.advanced(by: scenario.duration) { stopped = .virtualTime }
        return isOver
    }

    /// Ends the run here: a limit that the caller watches was reached.
    public mutating func stop(_ reason: EarlyStop) {
        if stopped == nil { stopped = reason }
    }
}

// MARK: One event

extension Simulation {
    private mutating func happen(_ event: Event) {
        eventCount += 1
        let note = note(of: event)
        let node = note.node
        trace.mix(now)
        trace.mix(note.code << 32 | UInt64(node))
        trace.mix(note.size)
        ring.append(note)
        if let from = options.transcriptFrom, from <= now, transcript.count < options.transcriptCountMax {
            transcript.append(transcriptLine(of: note))
        }
        if node != EventNote.world, nodes[Int(node)].backlog != nil {
            // A node that stands still hears it afterwards, in order.
            nodes[Int(node)].backlog?.append(event)
            return
        }
        carryOut(event)
        tell()
        if options.invariantStride > 0, eventCount % options.invariantStride == 0, node != EventNote.world {
            _ = nodes[Int(node)].ask { $0.checkInvariants(at: now) }
        }
    }

    mutating func carryOut(_ event: Event) {
        switch event {
        case .deadline(let life): deadline(of: life)
        case .stored(let life, let ticket): stored(ticket, of: life)
        case .storeFailed(let life, let ticket): storeFailed(ticket, of: life)
        case .dialFailed(let life, let request, let failure): dialFailed(life, request, failure)
        case .opened(let end): opened(end)
        case .handshake(let end, let leg): handshake(end, Int(leg))
        case .asked(let end, let since): asked(end, at: since)
        case .identified(let end, let since): identified(end, askedAt: since)
        case .bytes(let end, let bytes): received(bytes, at: end)
        case .rpc(let end, let rpc): received(rpc, at: end)
        case .data(let end, let stream, let bytes): received(bytes, on: stream, at: end)
        case .streamArrived(let end, let stream): streamArrived(stream, at: end)
        case .streamRefused(let life, let request): streamRefused(life, request)
        case .streamClosed(let end, let stream): streamClosed(stream, at: end)
        case .streamReset(let end, let stream): streamReset(stream, at: end)
        case .closed(let end, let ending): closed(end, ending)
        case .watch(let end): watch(end)
        case .trim(let life): trim(life)
        case .world(let event): carryOut(event)
        }
    }

    /// Whom an event concerns and what else goes into the trace: lengths, numbers.
    ///
    /// Mutating like all that happens to every event: a method that merely asks is given a copy of the world, some kilobytes of it.
    private mutating func note(of event: Event) -> EventNote {
        switch event {
        case .deadline(let life), .trim(let life): note(event, life, 0)
        case .stored(let life, let ticket), .storeFailed(let life, let ticket): note(event, life, ticket.rawValue)
        case .dialFailed(let life, let request, let failure): note(event, life, request << 2 | UInt64(failure.rawValue))
        case .streamRefused(let life, let request): note(event, life, request)
        case .opened(let end), .asked(let end, _), .identified(let end, _), .watch(let end): note(event, end, 0)
        case .handshake(let end, let leg): note(event, end, UInt64(leg))
        case .bytes(let end, let bytes): note(event, end, UInt64(bytes.count))
        case .rpc(let end, let rpc): note(event, end, UInt64(rpc.messages.count) << 32 | rpc.heldByteCount)
        case .data(let end, let stream, let bytes): note(event, end, UInt64(stream) << 32 | UInt64(bytes.count))
        case .streamArrived(let end, let stream), .streamClosed(let end, let stream), .streamReset(let end, let stream):
            note(event, end, UInt64(stream))
        case .closed(let end, let ending): note(event, end, UInt64(ending.rawValue))
        case .world(let own): EventNote(at: now, code: event.code, node: EventNote.world, size: own.noteSize)
        }
    }

    private mutating func note(_ event: Event, _ life: NodeLife, _ size: UInt64) -> EventNote {
        EventNote(at: now, code: event.code, node: life.node, size: size)
    }

    private mutating func note(_ event: Event, _ end: WireEnd, _ size: UInt64) -> EventNote {
        let (node, far) = (wires.nodeNumber(at: end), wires.nodeNumber(at: end.far))
        return EventNote(at: now, code: event.code, node: node, far: far, size: size)
    }
}

extension GossipRPC {
    /// The length of the records in it: cheaper to know than that of the whole.
    fileprivate var heldByteCount: UInt64 {
        var count = 0
        for message in messages { count += message.data?.count ?? 0 }
        return UInt64(count)
    }
}

// MARK: Feeding a machine

extension Simulation {
    /// Feeds one machine, and then whatever the world owes to others at this instant.
    mutating func feed(_ index: Int, _ input: NodeMachine.Input) {
        step(index, input)
        tell()
    }

    mutating func feed(_ life: NodeLife, _ input: NodeMachine.Input) {
        guard nodes[life.index].life == life.life else { return }
        step(life.index, input)
    }

    func life(of index: Int) -> NodeLife { NodeLife(node: UInt32(index), life: nodes[index].life) }

    /// Owes a machine an answer: it is told when the present step is over, at the same instant.
    mutating func owe(_ index: Int, _ input: NodeMachine.Input) {
        told.append((life(of: index), input))
    }

    mutating func tell() {
        while let (life, input) = told.popFirst() { feed(life, input) }
    }

    private mutating func step(_ index: Int, _ input: NodeMachine.Input) {
        guard nodes[index].isUp else { return }
        if nodes[index].isHostile {
            if seizedSwarms[index] != nil {
                if case .transport(let input) = input {
                    stepSwarm(of: index, .transport(input))
                    return arm(index)
                }
                if case .deadlineReached = input { stepSwarm(of: index, .deadlineReached) }
            }
            adversaries[index]?.hear(input)
        }
        nodes[index].machines[0].handle(input, at: now, into: &outputs)
        noteStep(index, input)
        if nodes[index].isHostile { filterOutputs(of: index) }
        // What is carried out here never feeds a machine: answers wait in `told`.
        for output in outputs { carryOut(output, of: index) }
        outputs.removeAll(keepingCapacity: true)
        arm(index)
    }

    /// Makes sure that the timer fires no later than the deadline; one that fires early finds out and is armed again.
    private mutating func arm(_ index: Int) {
        guard nodes[index].isUp, let deadline = deadline(of: index) else { return }
        let due = max(deadline, now)
        guard due < nodes[index].armed else { return }
        nodes[index].armed = due
        queue.insert(.deadline(life(of: index)), at: due)
    }

    private mutating func deadline(of life: NodeLife) {
        // A node that stood still hears of its timer late.
        guard nodes[life.index].life == life.life, nodes[life.index].armed <= now else { return }
        nodes[life.index].armed = .distantFuture
        guard nodes[life.index].isUp, let deadline = deadline(of: life.index), deadline <= now else {
            return arm(life.index)
        }
        step(life.index, .deadlineReached)
    }

    // MARK: The driver's side of every output

    mutating func carryOut(_ output: NodeMachine.Output, of index: Int) {
        switch output {
        case .rpc(let stream, let rpc): send(rpc, on: stream)
        case .verify(let batch, let checks):
            let results = checks.map { signatures.holds($0) }
            nodes[index].isBusyUntil = departure(of: index).advanced(by: Self.verificationTime * checks.count)
            owe(index, .verified(batch, results))
        case .persist(let ticket, let changes): persist(ticket, changes, of: index)
        case .swarm(let input):
            if seizedSwarms[index] == nil { carryOut(input, of: index) } else { stepSwarm(of: index, input) }
        case .transport(let output): carryOut(output, of: index)
        case .answer(let id, let answer): answered(id, answer, by: index)
        case .event(.searched(let summary, let id)): searched(summary, for: id, by: index)
        case .event: break  // The referee has seen it.
        case .multicast: break  // No two nodes share a cable.
        case .stopped: end(index, .stopped)
        }
    }

    /// When a node's next word can leave: a verdict is known at once here, but what follows from it waits until the node has verified.
    func departure(of index: Int) -> Instant { max(now, nodes[index].isBusyUntil) }

    /// What a signature costs a node: libsodium's figure on an ordinary core.
    static let verificationTime = Duration.microseconds(60)
}
