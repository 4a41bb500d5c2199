internal import Identity
internal import OrderedCollections
internal import Primitives

/// What we think of every peer: a private opinion that is never sent (gossipsub 1.1, "Peer Scoring").
///
/// Unlike the specification, a cap limits merits only and losses count in full; see ``PeerScoreParams/topicScoreCap``.
struct PeerScoreBook: Sendable {
    /// How a topic moves and what it therefore expects of its mesh peers.
    private struct TopicPace: Sendable {
        let params: TopicScoreParams
        var deliveries = 0.0
        /// P3's threshold at this time; 0 while the topic is too quiet.
        var threshold = 0.0
    }

    private struct Retained: Sendable {
        let stats: PeerStats
        let until: Instant
    }

    let params: PeerScoreParams
    private var peers: OrderedDictionary<PeerID, PeerStats> = [:]
    private var retained: OrderedDictionary<PeerID, Retained> = [:]
    private var paces: OrderedDictionary<Topic, TopicPace> = [:]
    private var groups: [ColocationGroup: Int] = [:]
    private var nextDecay: Instant?

    init(params: PeerScoreParams) {
        self.params = params
    }

    var retainedCount: Int { retained.count }

    // MARK: Topics

    mutating func setParams(_ topicParams: TopicScoreParams?, of topic: Topic) {
        paces[topic] = topicParams.map { TopicPace(params: $0) }
        guard topicParams == nil else { return }
        for index in peers.values.indices { peers.values[index].topics[topic] = nil }
    }

    // MARK: Peers

    mutating func connect(_ peer: PeerID, address: IPAddress) {
        precondition(peers[peer] == nil)
        var stats = retained.removeValue(forKey: peer)?.stats ?? PeerStats()
        stats.group = ColocationGroup(address)
        if let group = stats.group { groups[group, default: 0] += 1 }
        peers[peer] = stats
    }

    /// A bad score outlives the connection; a good one does not, so that it must be earned again.
    mutating func disconnect(_ peer: PeerID, at now: Instant) {
        guard peers[peer] != nil else { return }
        leaveAllMeshes(peer)
        let score = score(of: peer)
        guard var stats = peers.removeValue(forKey: peer) else { return }
        if let group = stats.group, let count = groups[group] { groups[group] = count > 1 ? count - 1 : nil }
        guard score < 0 && params.retainedCountMax > 0 else { return }
        for index in stats.topics.values.indices { stats.topics.values[index].firstDeliveries = 0 }
        stats.group = nil
        if retained.count == params.retainedCountMax { retained.removeFirst() }
        retained[peer] = Retained(stats: stats, until: now.advanced(by: params.retention))
    }

    private mutating func leaveAllMeshes(_ peer: PeerID) {
        guard let stats = peers[peer] else { return }
        for topic in stats.topics.keys { leaveMesh(peer, topic) }
    }

    mutating func enterMesh(_ peer: PeerID, _ topic: Topic, at now: Instant) {
        update(peer, topic) { stats, _ in stats.enterMesh(at: now) }
    }

    mutating func leaveMesh(_ peer: PeerID, _ topic: Topic) {
        update(peer, topic) { stats, pace in
            if stats.graftedAt != nil { stats.leaveMesh(threshold: pace.threshold) }
        }
    }

    // MARK: Events

    /// The topic moved: an accepted message, counted once.
    mutating func noteAccepted(in topic: Topic) {
        paces[topic]?.deliveries += 1
    }

    /// P2, and P3 for a mesh peer.
    mutating func creditFirstDelivery(_ peer: PeerID, _ topic: Topic) {
        update(peer, topic) { stats, pace in
            stats.firstDeliveries = min(stats.firstDeliveries + 1, pace.params.firstDeliveriesCap)
            guard stats.graftedAt != nil else { return }
            stats.meshDeliveries = min(stats.meshDeliveries + 1, pace.params.meshDeliveriesCap)
        }
    }

    /// P3 for another copy; it counts while the verdict is pending (`nil`) and for a short time after it.
    mutating func creditCopy(_ peer: PeerID, _ topic: Topic, sinceVerdict: Duration?) {
        update(peer, topic) { stats, pace in
            guard stats.graftedAt != nil, sinceVerdict.map({ $0 <= pace.params.meshDeliveriesWindow }) ?? true else {
                return
            }
            stats.meshDeliveries = min(stats.meshDeliveries + 1, pace.params.meshDeliveriesCap)
        }
    }

    /// P4.
    mutating func chargeInvalid(_ peer: PeerID, _ topic: Topic) {
        update(peer, topic) { stats, _ in stats.invalid += 1 }
    }

    /// P7.
    mutating func chargeMisbehaviour(_ peer: PeerID, by count: Double) {
        peers[peer]?.misbehaviour += count
    }

    mutating func setApplicationScore(_ peer: PeerID, _ score: Double) {
        precondition(!score.isNaN, "the application score of \(peer) is not a number")
        peers[peer]?.applicationScore = min(score, params.applicationScoreMax)
    }

    mutating func setPinned(_ peer: PeerID, _ isPinned: Bool) {
        peers[peer]?.isPinned = isPinned
    }

    private mutating func update(_ peer: PeerID, _ topic: Topic, _ change: (inout TopicStats, TopicPace) -> Void) {
        guard let pace = paces[topic], peers[peer] != nil else { return }
        change(&peers[peer, default: PeerStats()].topics[topic, default: TopicStats()], pace)
    }

    // MARK: Score

    /// The peer's score; 0 for a stranger.
    func score(of peer: PeerID) -> Double {
        guard let stats = peers[peer] else { return 0 }
        var (merits, losses) = (0.0, 0.0)
        for (topic, topicStats) in stats.topics {
            guard let pace = paces[topic] else { continue }
            merits += topicStats.merit(pace.params)
            losses += topicStats.loss(pace.params, threshold: pace.threshold)
        }
        let application = stats.isPinned ? params.pinnedScore : params.applicationWeight * stats.applicationScore
        return min(params.topicScoreCap, merits) + losses + application + colocation(stats) + behaviour(stats)
    }

    private func colocation(_ stats: PeerStats) -> Double {
        let count = stats.group.flatMap { groups[$0] } ?? 0
        let surplus = Double(max(0, count - params.colocationThreshold))
        return params.colocationWeight * surplus * surplus
    }

    private func behaviour(_ stats: PeerStats) -> Double {
        let surplus = max(0, stats.misbehaviour - params.behaviourThreshold)
        return params.behaviourWeight * surplus * surplus
    }

    /// What a connected peer did in a topic.
    func stats(of peer: PeerID, in topic: Topic) -> TopicStats? { peers[peer]?.topics[topic] }

    /// P3's threshold of a topic at this time.
    func threshold(of topic: Topic) -> Double { paces[topic]?.threshold ?? 0 }

    // MARK: Decay

    /// Decays every counter once per interval that has passed, and forgets departed peers whose time is over.
    mutating func refresh(at now: Instant) {
        guard var due = nextDecay else {
            nextDecay = now.advanced(by: params.decayInterval)
            return
        }
        var rounds = 0
        while due <= now && rounds < Self.roundsMax {
            decay(at: now)
            due = due.advanced(by: params.decayInterval)
            rounds += 1
        }
        nextDecay = due <= now ? now.advanced(by: params.decayInterval) : due
        while let oldest = retained.elements.first, oldest.value.until <= now { retained.removeFirst() }
    }

    /// After a long sleep of the machine the counters have decayed enough.
    private static let roundsMax = 60

    private mutating func decay(at now: Instant) {
        for index in peers.values.indices { Self.decay(&peers.values[index], paces: paces, params: params, at: now) }
        for peer in Array(retained.keys) {
            guard let entry = retained[peer] else { continue }
            var stats = entry.stats
            Self.decay(&stats, paces: paces, params: params, at: now)
            retained[peer] = Retained(stats: stats, until: entry.until)
        }
        let meshDeliveries = deliveriesByMesh()
        for (topic, pace) in paces {
            var paced = pace
            paced.deliveries = Decay.applied(pace.params.meshDeliveriesDecay, to: pace.deliveries)
            paced.threshold = threshold(paced, meshDeliveries: meshDeliveries[topic] ?? [])
            paces[topic] = paced
        }
    }

    private static func decay(
        _ stats: inout PeerStats,
        paces: OrderedDictionary<Topic, TopicPace>,
        params: PeerScoreParams,
        at now: Instant
    ) {
        stats.misbehaviour = Decay.applied(params.behaviourDecay, to: stats.misbehaviour)
        for (topic, pace) in paces where stats.topics[topic] != nil {
            stats.topics[topic]?.decay(pace.params, at: now)
        }
        stats.topics.removeAll { $0.value.isBlank }
    }

    private func deliveriesByMesh() -> [Topic: [Double]] {
        var counts: [Topic: [Double]] = [:]
        for stats in peers.values {
            for (topic, topicStats) in stats.topics where topicStats.graftedAt != nil {
                counts[topic, default: []].append(topicStats.meshDeliveries)
            }
        }
        return counts
    }

    /// What a mesh peer must have delivered: a share of what the mesh does, and nothing in a quiet topic.
    private func threshold(_ pace: TopicPace, meshDeliveries: [Double]) -> Double {
        let rate = pace.deliveries * (1 - pace.params.meshDeliveriesDecay) / (params.decayInterval / .seconds(1))
        guard rate >= pace.params.meshDeliveriesRateMin, !meshDeliveries.isEmpty else { return 0 }
        return min(pace.params.meshDeliveriesThreshold, pace.params.meshDeliveriesShare * median(meshDeliveries))
    }

    func checkInvariants() {
        assert(retained.count <= params.retainedCountMax)
        assert(groups.values.reduce(0, +) == peers.values.count { $0.group != nil })
    }
}

/// The middle of some numbers, the upper one of an even count; 0 of none.
func median(_ numbers: [Double]) -> Double {
    numbers.isEmpty ? 0 : numbers.sorted()[numbers.count / 2]
}
