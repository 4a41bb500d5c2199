internal import Identity
internal import OrderedCollections
internal import Primitives

/// What we think of every peer: a private opinion that is never sent (gossipsub 1.1, "Peer Scoring").
///
/// Unlike the specification, a cap limits merits only and losses count in full; see ``PeerScoreParams/topicScoreCap``.
struct PeerScoreBook: Sendable {
    /// How a topic moves and what it therefore expects of its mesh peers.
    struct TopicPace: Sendable {
        let rules: TopicRules
        var deliveries = 0.0
        /// P3's threshold at this time; 0 while the topic is too quiet.
        var threshold = 0.0

        var params: TopicScoreParams { rules.params }

        init(_ params: TopicScoreParams) {
            rules = params == TopicRules.standard.params ? .standard : TopicRules(params)
        }
    }

    /// The parameters of a topic, by reference: they are many numbers, and most topics and all nodes share them.
    final class TopicRules: Sendable {
        static let standard = TopicRules(TopicScoreParams())

        let params: TopicScoreParams
        /// Two of them in nanoseconds: durations divide slowly.
        let quantum: Double
        let activation: Int64

        init(_ params: TopicScoreParams) {
            self.params = params
            quantum = Double(params.timeInMeshQuantum.saturatedNanoseconds)
            activation = params.meshDeliveriesActivation.saturatedNanoseconds
        }
    }

    /// The parameters of all topics together, by reference like those of one.
    private final class Rules: Sendable {
        static let standard = Rules(PeerScoreParams())

        let params: PeerScoreParams

        init(_ params: PeerScoreParams) { self.params = params }
    }

    private struct Retained: Sendable {
        var stats: PeerStats
        let until: Instant
    }

    private let rules: Rules
    private var peers: OrderedDictionary<PeerID, PeerStats> = [:]
    private var retained: OrderedDictionary<PeerID, Retained> = [:]
    /// Topics have numbers here, in the order in which they were first scored, so that a score needs no text.
    private var slots: OrderedDictionary<Topic, Int> = [:]
    /// By slot; `nil` for a topic that is no longer scored.
    private var paces: [TopicPace?] = []
    private var groups: [ColocationGroup: Int] = [:]
    private var nextDecay: Instant?

    init(params: PeerScoreParams) {
        rules = params == Rules.standard.params ? .standard : Rules(params)
    }

    var params: PeerScoreParams { rules.params }

    var retainedCount: Int { retained.count }

    // MARK: Topics

    mutating func setParams(_ topicParams: TopicScoreParams?, of topic: Topic) {
        let slot = slots[topic] ?? slots.count
        if slot == slots.count {
            guard topicParams != nil else { return }
            slots[topic] = slot
            paces.append(nil)
        }
        paces[slot] = topicParams.map(TopicPace.init)
        for index in peers.values.indices {
            if topicParams == nil { peers.values[index].topics.removeAll { $0.slot == slot } }
            peers.values[index].rescore(slot: slot, paces[slot], params)
        }
    }

    /// The topic's number, which it keeps for good; `nil` if it never was scored.
    func slot(of topic: Topic) -> Int? { slots[topic] }

    // MARK: Peers

    /// Whether these are the connected peers, in the order in which they came: then a place there is a place here.
    func isInStep(with others: OrderedSet<PeerID>) -> Bool { peers.keys == others }

    mutating func connect(_ peer: PeerID, address: IPAddress) {
        precondition(peers[peer] == nil)
        var stats = retained.removeValue(forKey: peer)?.stats ?? PeerStats()
        stats.group = ColocationGroup(address)
        peers[peer] = stats
        if let group = stats.group {
            groups[group, default: 0] += 1
            rescore(group)
        }
        rescore(peer)
    }

    /// A bad score outlives the connection; a good one does not, so that it must be earned again.
    mutating func disconnect(_ peer: PeerID, at now: Instant) {
        guard peers[peer] != nil else { return }
        leaveAllMeshes(peer)
        let score = score(of: peer)
        guard var stats = peers.removeValue(forKey: peer) else { return }
        if let group = stats.group, let count = groups[group] {
            groups[group] = count > 1 ? count - 1 : nil
            rescore(group)
        }
        guard score < 0 && params.retainedCountMax > 0 else { return }
        for index in stats.topics.indices { stats.topics[index].firstDeliveries = 0 }
        stats.group = nil
        if retained.count == params.retainedCountMax { retained.removeFirst() }
        retained[peer] = Retained(stats: stats, until: now.advanced(by: params.retention))
    }

    private mutating func leaveAllMeshes(_ peer: PeerID) {
        guard let index = peers.index(forKey: peer) else { return }
        for slot in peers.values[index].topics.map(\.slot) {
            update(index, slot) { stats, pace in
                if stats.graftedAt != nil { stats.leaveMesh(threshold: pace.threshold) }
            }
        }
    }

    mutating func enterMesh(_ peer: PeerID, _ topic: Topic, at now: Instant) {
        update(peer, topic) { stats, _ in stats.enterMesh(at: now) }
    }

    mutating func leaveMesh(_ peer: PeerID, _ topic: Topic) {
        update(peer, topic) { stats, pace in
            if stats.graftedAt != nil { stats.leaveMesh(threshold: pace.threshold) }
        }
    }

    /// We ask a mesh peer not to send, or to send again: P3 asks of it what we do.
    mutating func setChoked(_ isChoked: Bool, at index: Int, _ slot: Int, at now: Instant) {
        update(index, slot) { stats, _ in stats.setChoked(isChoked, at: now) }
    }

    // MARK: Events

    /// The topic moved: an accepted message, counted once.
    mutating func noteAccepted(in topic: Topic) {
        if let slot = slots[topic] { paces[slot]?.deliveries += 1 }
    }

    /// P2, and P3 for a mesh peer.
    mutating func creditFirstDelivery(_ peer: PeerID, _ topic: Topic) {
        update(peer, topic) { stats, pace in
            stats.firstDeliveries = min(stats.firstDeliveries + 1, pace.rules.params.firstDeliveriesCap)
            guard stats.graftedAt != nil else { return }
            stats.meshDeliveries = min(stats.meshDeliveries + 1, pace.rules.params.meshDeliveriesCap)
        }
    }

    /// P3 for another copy; it counts while the verdict is pending (`nil`) and for a short time after it.
    mutating func creditCopy(_ peer: PeerID, _ topic: Topic, sinceVerdict: Duration?) {
        guard let slot = slots[topic], let index = peers.index(forKey: peer) else { return }
        creditCopy(at: index, slot, sinceVerdict: sinceVerdict)
    }

    /// The same, of the peer at this place.
    mutating func creditCopy(at index: Int, _ slot: Int, sinceVerdict: Duration?) {
        update(index, slot) { stats, pace in
            guard stats.graftedAt != nil, sinceVerdict.map({ $0 <= pace.rules.params.meshDeliveriesWindow }) ?? true
            else {
                return
            }
            stats.meshDeliveries = min(stats.meshDeliveries + 1, pace.rules.params.meshDeliveriesCap)
        }
    }

    /// P4.
    mutating func chargeInvalid(_ peer: PeerID, _ topic: Topic) {
        update(peer, topic) { stats, _ in stats.invalid += 1 }
    }

    /// P7.
    mutating func chargeMisbehaviour(_ peer: PeerID, by count: Double) {
        peers[peer]?.misbehaviour += count
        rescore(peer)
    }

    mutating func setApplicationScore(_ peer: PeerID, _ score: Double) {
        precondition(!score.isNaN, "the application score of \(peer) is not a number")
        let applicationScore = min(score, params.applicationScoreMax)
        peers[peer]?.applicationScore = applicationScore
        rescore(peer)
    }

    private mutating func update(_ peer: PeerID, _ topic: Topic, _ change: (inout TopicStats, TopicPace) -> Void) {
        guard let slot = slots[topic], let index = peers.index(forKey: peer) else { return }
        update(index, slot, change)
    }

    private mutating func update(_ index: Int, _ slot: Int, _ change: (inout TopicStats, TopicPace) -> Void) {
        guard let pace = paces[slot] else { return }
        peers.values[index].update(slot: slot) { change(&$0, pace) }
        peers.values[index].rescore(slot: slot, pace, params)
    }

    // MARK: Score

    /// The peer's score; 0 for a stranger.
    func score(of peer: PeerID) -> Double {
        guard let index = peers.index(forKey: peer) else { return 0 }
        return peers.values[index].score
    }

    /// The score of the peer at this place.
    func score(at index: Int) -> Double { peers.values[index].score }

    private mutating func rescore(_ peer: PeerID) {
        guard let index = peers.index(forKey: peer) else { return }
        peers.values[index].rescore(params)
    }

    /// Everybody at an address pays when another one comes, and less when one goes.
    private mutating func rescore(_ group: ColocationGroup) {
        let surplus = Double(max(0, (groups[group] ?? 0) - params.colocationThreshold))
        let loss = params.colocationWeight * surplus * surplus
        for index in peers.values.indices where peers.values[index].group == group {
            peers.values[index].colocation = loss
            peers.values[index].rescore(params)
        }
    }

    /// What a connected peer did in a topic.
    func stats(of peer: PeerID, in topic: Topic) -> TopicStats? {
        guard let slot = slots[topic] else { return nil }
        return peers[peer]?.topics.first { $0.slot == slot }
    }

    /// What the peer at this place brought lately, and how much of it first.
    func deliveries(at index: Int, _ slot: Int) -> (all: Double, first: Double) {
        guard let stats = peers.values[index].topics.first(where: { $0.slot == slot }) else { return (0, 0) }
        return (stats.meshDeliveries, stats.firstDeliveries)
    }

    /// What the whole topic moved lately.
    func deliveries(in slot: Int) -> Double { paces[slot]?.deliveries ?? 0 }

    /// P3's threshold of a topic at this time.
    func threshold(of topic: Topic) -> Double { slots[topic].flatMap { paces[$0]?.threshold } ?? 0 }

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
        while let oldest = retained.values.first, oldest.until <= now { retained.removeFirst() }
    }

    /// After a long sleep of the machine the counters have decayed enough.
    private static let roundsMax = 60

    private mutating func decay(at now: Instant) {
        for index in peers.values.indices { peers.values[index].decay(paces, params, at: now) }
        for index in retained.values.indices { retained.values[index].stats.decay(paces, params, at: now) }
        for slot in paces.indices {
            guard let pace = paces[slot] else { continue }
            paces[slot]?.deliveries = Decay.applied(pace.rules.params.meshDeliveriesDecay, to: pace.deliveries)
            let threshold = threshold(of: slot)
            paces[slot]?.threshold = threshold
        }
        for index in peers.values.indices {
            peers.values[index].rescore(paces, params)
        }
    }

    /// What a mesh peer must have delivered: a share of what the mesh does, and nothing in a quiet topic.
    private func threshold(of slot: Int) -> Double {
        guard let pace = paces[slot], pace.deliveries > 0 else { return 0 }
        let rate = pace.deliveries * (1 - pace.rules.params.meshDeliveriesDecay) / (params.decayInterval / .seconds(1))
        guard rate >= pace.rules.params.meshDeliveriesRateMin else { return 0 }
        let delivered = peers.values.compactMap { $0.meshDeliveries(in: slot) }
        guard !delivered.isEmpty else { return 0 }
        return min(pace.rules.params.meshDeliveriesThreshold, pace.rules.params.meshDeliveriesShare * median(delivered))
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
