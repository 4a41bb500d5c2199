internal import Cryptography
internal import Identity
internal import Market
internal import Node
internal import Primitives

// What is counted, what is shown to the referee, and what the run says in the end.
extension Simulation {
    /// Meshes of so many nodes are looked at every second: a mean over more says nothing new.
    private static let meshSampleCount = 256

    // MARK: Lives

    func isHonest(_ index: Int) -> Bool { !nodes[index].isHostile }

    mutating func noteUp(_ index: Int, restored: RestoredState) {
        referee.started(
            index,
            key: nodes[index].identity.key.publicKey,
            isHonest: isHonest(index),
            restored: restored,
            losesUnsynced: nodes[index].lostUnsynced,
            at: now
        )
        nodes[index].lostUnsynced = false
    }

    mutating func noteDown(_ index: Int) { referee.stopped(index, at: now) }

    mutating func notePaused(_ index: Int, _ isPaused: Bool) { referee.setPaused(index, isPaused, at: now) }

    mutating func noteStep(_ index: Int, _ input: NodeMachine.Input) {
        if case .persist = outputs.last {} else if outputs.isEmpty, !input.concernsDisk { return }
        let (unixMilliseconds, outputs, now) = (unixMilliseconds(of: index), outputs, now)
        consult { referee, witness in
            referee.stepped(
                index,
                input: input,
                outputs: outputs,
                unixMilliseconds: unixMilliseconds,
                witness: &witness,
                at: now
            )
        }
        guard referee.wantsEvents else { return }
        referee.attach(lastEvents: lastEvents)
        if options.stopsAtFirstFailure, referee.hasFailed { stop(.failure) }
    }

    /// Lets the referee look at the nodes, which are the witness' meanwhile.
    private mutating func consult<Answer>(_ question: (inout Referee, inout NodeWitness) -> Answer) -> Answer {
        var witness = NodeWitness()
        swap(&witness.nodes, &nodes)
        defer { swap(&witness.nodes, &nodes) }
        return question(&referee, &witness)
    }

    // MARK: Seconds

    mutating func second() {
        let number = traceHashes.count
        traceHashes.append(trace.value)
        let judged = consult { [now] referee, witness in referee.second(number, witness: &witness, at: now) }
        var sample = SecondSample(second: number)
        sample.nodesUp = upCount
        sample.connections = wires.upCount
        sample.publications = judged.publications
        sample.deliveries = judged.deliveries
        if scenario.fidelity == .messages { sample.duplicates = duplicateCount - counted.duplicates }
        (sample.latencyP50, sample.latencyP99) = (judged.latencyP50, judged.latencyP99)
        let gossip = traffic.byteCount(of: .gossipPublish) + traffic.byteCount(of: .gossipControl)
        sample.bytes = traffic.byteCount - counted.bytes
        if scenario.fidelity != .bytes {
            sample.gossipBytes = gossip - counted.gossip
            sample.exchangeBytes = traffic.byteCount(of: .exchange) - counted.exchange
        }
        sample.meshDegreeMean = meshDegreeMean()
        sample.distinctSets = judged.distinctSets
        samples.append(sample)
        counted = Counted(
            duplicates: duplicateCount,
            bytes: traffic.byteCount,
            gossip: gossip,
            exchange: traffic.byteCount(of: .exchange)
        )
        if referee.wantsEvents { referee.attach(lastEvents: lastEvents) }
        if options.stopsAtFirstFailure, referee.hasFailed { return stop(.failure) }
        tellTime(in: number)
        queue.insert(.world(.second), at: now.advanced(by: .seconds(1)))
    }

    /// Each node hears its wall clock every ten seconds, as the event loop tells it; each in a second of its own.
    private mutating func tellTime(in second: Int) {
        for index in stride(from: second % Self.clockSeconds, to: nodes.count, by: Self.clockSeconds)
        where !nodes[index].machines.isEmpty && nodes[index].backlog == nil {
            feed(index, .clock(unixMilliseconds: unixMilliseconds(of: index)))
        }
    }

    private static let clockSeconds = 10

    /// What the counters stood at when the last second ended.
    struct Counted: Sendable {
        var duplicates = 0
        var bytes = 0
        var gossip = 0
        var exchange = 0
    }

    /// Mesh peers of a followed topic, over the first honest nodes that are up.
    private mutating func meshDegreeMean() -> Double {
        guard let segment = segments.first else { return 0 }
        let topic = MarketTopic(network: "main", lane: .offers(segment)).text
        var (links, looked) = (0, 0)
        for index in nodes.indices where looked < Self.meshSampleCount && isHonest(index) {
            guard let count = nodes[index].ask({ $0.mesh(of: topic).count }) else { continue }
            links += count
            looked += 1
        }
        return looked == 0 ? 0 : Double(links) / Double(looked)
    }

    // MARK: The end

    /// What the run says; the run may have been stopped before its end.
    public mutating func finish() -> RunResult {
        judgeUnanswered()
        countUp(0)
        let honest = honestReceivedByteCount
        let verdicts = consult { [now] referee, witness in
            referee.finish(witness: &witness, honestReceivedByteCount: honest, at: now)
        }
        return RunResult(
            scenarioName: scenario.name,
            seed: seed,
            fidelity: scenario.fidelity,
            computesSignatures: options.computesSignatures,
            nodeCount: nodes.count,
            virtualTime: Instant.zero.duration(to: now),
            traceHashes: traceHashes + [trace.value],
            verdicts: verdicts,
            metrics: metrics,
            seconds: samples,
            publications: referee.publications,
            lookups: referee.lookups.samples,
            eventCount: eventCount,
            messageCount: traffic.messageCount,
            messageKinds: traffic.totals,
            stopped: stopped
        )
    }

    private var metrics: [Metric] {
        var metrics = referee.metrics
        // Of the nodes that were up, not of all that ever were: who was away neither sent nor heard anything.
        let nodeSeconds = max(1, upTime / .seconds(1))
        metrics.append(Metric("events_total", Double(eventCount)))
        metrics.append(Metric("messages_total", Double(traffic.messageCount)))
        metrics.append(Metric("bytes_total", Double(traffic.byteCount)))
        metrics.append(Metric("bytes_per_node_and_second", Double(traffic.byteCount) / nodeSeconds))
        metrics.append(Metric("signatures_computed_total", Double(signatures.computedCount)))
        metrics.append(Metric("connections", Double(wires.upCount)))
        metrics.append(Metric("nodes_up", Double(upCount)))
        return metrics
    }
}

extension NodeMachine.Input {
    /// Whether it answers a write.
    fileprivate var concernsDisk: Bool {
        switch self {
        case .persisted, .persistFailed: true
        case .started, .clock, .transport, .swarm, .rpc, .verified, .command, .multicast, .deadlineReached: false
        }
    }
}

// What the checks ask of the machines themselves.
struct NodeWitness: Witness {
    var nodes: [VirtualNode] = []

    mutating func holds(_ id: RecordID, node: Int) -> Bool {
        nodes[node].ask { $0.contains(id) } ?? false
    }

    mutating func connectedPeers(of node: Int) -> [PeerID] { nodes[node].ask { $0.connectedPeers } ?? [] }

    mutating func score(of peer: PeerID, at node: Int) -> Double { nodes[node].ask { $0.score(of: peer) } ?? 0 }

    mutating func gauges(of node: Int, into gauges: inout [Gauge]) {
        _ = nodes[node].ask { $0.forEachSize { gauges.append(Gauge($0, $1, limit: $2)) } }
    }
}
