internal import Kademlia
internal import Primitives

/// The lookups of a whole network over the scheduler and the virtual network.
struct KadRun {
    private enum Event: Sendable {
        /// A node starts its next lookup.
        case start(node: UInt32)
        case request(lookup: UInt32, to: ContactID)
        /// The answer lies in the place of that number.
        case answer(lookup: UInt32, from: ContactID, answer: UInt32)
        case timer(lookup: UInt32, of: ContactID)
    }

    /// A lookup under way, and after it while anything still points at it.
    private struct Search: Sendable {
        var lookup: Lookup
        let asker: Int
        let target: UInt64
        let started: Instant
        var eventCount = 0
    }

    private static let interval = Duration.seconds(60)
    private static let timeout = Duration.seconds(2)

    private let workload: KadWorkload
    private let limits: LookupLimits
    private let hasTimers: Bool
    private let population: KadPopulation
    private var tables: [RoutingTable] = []
    private var network: VirtualNetwork
    private var queue = EventQueue<Event>()
    private var random: SimulationRandom
    private var trace: TraceHash

    private var startedCounts: [UInt16]
    private var searches: [Search?] = []
    private var freeSearches: [UInt32] = []
    private var answers: [[ContactID]] = []
    private var freeAnswers: [UInt32] = []

    private var latencies = LatencyCounts()
    private var (eventCount, messageCount, requestCount) = (0, 0, 0)
    private var (finishedCount, hopCount, successCount) = (0, 0, 0)

    init(_ workload: KadWorkload) {
        self.workload = workload
        limits = LookupLimits(k: workload.k, alpha: workload.alpha)
        hasTimers = workload.hasTimers || workload.dead > .zero
        let streams = RandomStreams(seed: workload.seed)
        random = streams.fast(.bench)
        population = KadPopulation(workload, using: &random)
        network = VirtualNetwork(plan: Bench.network, nodeCount: workload.nodeCount, streams: streams)
        trace = TraceHash(seed: workload.seed)
        startedCounts = [UInt16](repeating: 0, count: workload.nodeCount)
        tables.reserveCapacity(workload.nodeCount)
        for node in 0..<workload.nodeCount {
            tables.append(population.table(of: node, k: workload.k, using: &random))
        }
        for node in 0..<workload.nodeCount where population.roles[node] == .honest {
            let phase = Int64(random.below(Int(Self.interval.saturatedNanoseconds)))
            queue.insert(.start(node: UInt32(node)), at: Instant(nanoseconds: phase))
        }
    }

    mutating func result() -> BenchResult {
        var last = Instant.zero
        while let (now, event) = queue.popMin() {
            eventCount += 1
            last = now
            trace.mix(now)
            handle(event, at: now)
        }
        var result = BenchResult(workload: .kad, nodeCount: workload.nodeCount, seed: workload.seed)
        result.virtualTime = Instant.zero.duration(to: last)
        (result.eventCount, result.messageCount, result.traceHash) = (eventCount, messageCount, trace.value)
        result.latencyP50 = latencies.percentile(Bench.median)
        result.latencyP99 = latencies.percentile(Bench.ninetyNinth)
        let lookups = Double(finishedCount)
        result.measures = [
            Metric("lookups", lookups),
            Metric("hops_mean", Double(hopCount) / lookups),
            Metric("requests_per_lookup", Double(requestCount) / lookups),
            Metric("closest_found", Double(successCount) / lookups),
        ]
        return result
    }

    private mutating func handle(_ event: Event, at now: Instant) {
        switch event {
        case .start(let node):
            trace.mix(UInt64(node))
            start(node, at: now)
        case .request(let search, let contact):
            trace.mix(1 << 32 | UInt64(contact.rawValue))
            messageCount += 1
            answer(search, from: contact, at: now)
            release(search)
        case .answer(let search, let contact, let answer):
            trace.mix(2 << 32 | UInt64(contact.rawValue))
            messageCount += 1
            searches[Int(search)]?.lookup.answered(contact, closer: answers[Int(answer)], keys: population.keys)
            freeAnswers.append(answer)
            proceed(search, at: now)
            release(search)
        case .timer(let search, let contact):
            trace.mix(3 << 32 | UInt64(contact.rawValue))
            if searches[Int(search)]?.lookup.failed(contact) == true { proceed(search, at: now) }
            release(search)
        }
    }

    private mutating func start(_ node: UInt32, at now: Instant) {
        let asker = Int(node)
        startedCounts[asker] += 1
        if startedCounts[asker] < workload.lookupsPerNode {
            queue.insert(.start(node: node), at: now.advanced(by: Self.interval))
        }
        let target = random.next()
        let key = KademliaKey(prefix: target)
        var seeds: [ContactID] = []
        tables[asker].closest(to: key, count: workload.k, keys: population.keys, into: &seeds)
        let own = ContactID(rawValue: node)
        let lookup = Lookup(target: key, limits: limits, own: own, seeds: seeds, keys: population.keys)
        let search = place(Search(lookup: lookup, asker: asker, target: target, started: now))
        proceed(search, at: now)
    }

    /// Sends the requests that the lookup wishes, and takes its result when it has ended.
    private mutating func proceed(_ search: UInt32, at now: Instant) {
        let index = Int(search)
        guard let asker = searches[index]?.asker, searches[index]?.lookup.isFinished == false else { return }
        while let step = searches[index]?.lookup.next() {
            switch step {
            case .ask(let contact):
                post(.request(lookup: search, to: contact), from: asker, to: Int(contact.rawValue), search, at: now)
                if hasTimers {
                    searches[index]?.eventCount += 1
                    queue.insert(.timer(lookup: search, of: contact), at: now.advanced(by: Self.timeout))
                }
            case .wait:
                return
            case .finished:
                finish(search, at: now)
                return
            }
        }
    }

    private mutating func answer(_ search: UInt32, from contact: ContactID, at now: Instant) {
        let responder = Int(contact.rawValue)
        guard population.roles[responder] != .dead, let target = searches[Int(search)]?.target,
            let asker = searches[Int(search)]?.asker
        else { return }
        let answer = claimAnswer()
        if population.roles[responder] == .malicious {
            population.nearestColluders(to: target, k: workload.k, into: &answers[Int(answer)])
        } else {
            let key = KademliaKey(prefix: target)
            tables[responder].closest(to: key, count: workload.k, keys: population.keys, into: &answers[Int(answer)])
        }
        post(
            .answer(lookup: search, from: contact, answer: answer),
            from: responder,
            to: asker,
            search,
            at: now
        )
    }

    private mutating func finish(_ search: UInt32, at now: Instant) {
        guard let ended = searches[Int(search)] else { return }
        finishedCount += 1
        requestCount += ended.lookup.requestCount
        hopCount += ended.lookup.nearest?.hops ?? 0
        latencies.add(nanoseconds: now.nanoseconds - ended.started.nanoseconds)
        guard let nearest = population.nearestHonest(to: ended.target, askedBy: ended.asker) else { return }
        let answered = ended.lookup.nearestAnswered(limits.candidateCountMax)
        if answered.contains(where: { $0.contact.rawValue == nearest }) { successCount += 1 }
    }
}

// MARK: - Places

extension KadRun {
    private mutating func post(_ event: Event, from sender: Int, to receiver: Int, _ search: UInt32, at now: Instant) {
        guard case .arrives(let instant) = network.send(from: sender, to: receiver, byteCount: 0, at: now) else {
            return
        }
        searches[Int(search)]?.eventCount += 1
        queue.insert(event, at: instant)
    }

    private mutating func place(_ search: Search) -> UInt32 {
        guard let free = freeSearches.popLast() else {
            searches.append(search)
            return UInt32(searches.count - 1)
        }
        searches[Int(free)] = search
        return free
    }

    /// One event less points at a search; the last one frees its place.
    private mutating func release(_ search: UInt32) {
        let index = Int(search)
        searches[index]?.eventCount -= 1
        guard searches[index]?.eventCount == 0, searches[index]?.lookup.isFinished == true else { return }
        searches[index] = nil
        freeSearches.append(search)
    }

    private mutating func claimAnswer() -> UInt32 {
        guard let free = freeAnswers.popLast() else {
            answers.append([])
            return UInt32(answers.count - 1)
        }
        answers[Int(free)].removeAll(keepingCapacity: true)
        return free
    }
}
