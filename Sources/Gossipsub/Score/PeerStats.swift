internal import Primitives

/// What one peer did in one topic: the counters of P1 to P4.
struct TopicStats: Hashable, Sendable {
    /// The topic's number in the book of scores.
    let slot: Int
    /// What the counters were worth when they last changed: P1 and P2, and P3 to P4.
    private(set) var merit = 0.0
    private(set) var loss = 0.0

    /// Since when the peer is in our mesh; `nil` outside.
    var graftedAt: Instant?
    /// Whether the peer has to deliver there for long enough to be measured by P3.
    var isMeasured = false
    /// Since when it must deliver there; the end of time outside, and while we choke it.
    var expectedSince = Instant.distantFuture
    /// P1, as of the last refresh, in nanoseconds.
    var timeInMesh: Int64 = 0
    var firstDeliveries = 0.0
    var meshDeliveries = 0.0
    var meshFailure = 0.0
    var invalid = 0.0

    var isBlank: Bool {
        graftedAt == nil && firstDeliveries == 0 && meshDeliveries == 0 && meshFailure == 0 && invalid == 0
    }

    /// How much less than `threshold` the peer delivered; 0 outside the mesh and before the activation.
    func deficit(below threshold: Double) -> Double {
        isMeasured && graftedAt != nil ? max(0, threshold - meshDeliveries) : 0
    }

    mutating func weigh(_ pace: PeerScoreBook.TopicPace) {
        merit = merit(pace.rules)
        loss = loss(pace.rules, threshold: pace.threshold)
    }

    /// P1 and P2, weighted: the part that a cap applies to.
    private func merit(_ rules: PeerScoreBook.TopicRules) -> Double {
        var time = 0.0
        if graftedAt != nil { time = min(Double(timeInMesh) / rules.quantum, rules.params.timeInMeshCap) }
        return rules.params.weight
            * (rules.params.timeInMeshWeight * time + rules.params.firstDeliveriesWeight * firstDeliveries)
    }

    /// P3, P3b and P4, weighted: never above zero.
    private func loss(_ rules: PeerScoreBook.TopicRules, threshold: Double) -> Double {
        let deficit = deficit(below: threshold)
        return rules.params.weight
            * (rules.params.meshDeliveriesWeight * deficit * deficit + rules.params.meshFailureWeight * meshFailure
                + rules.params.invalidWeight * invalid * invalid)
    }

    mutating func decay(_ pace: PeerScoreBook.TopicPace, at now: Instant) {
        let rules = pace.rules
        firstDeliveries = Decay.applied(rules.params.firstDeliveriesDecay, to: firstDeliveries)
        meshDeliveries = Decay.applied(rules.params.meshDeliveriesDecay, to: meshDeliveries)
        meshFailure = Decay.applied(rules.params.meshFailureDecay, to: meshFailure)
        invalid = Decay.applied(rules.params.invalidDecay, to: invalid)
        if let graftedAt {
            timeInMesh = now.nanoseconds - graftedAt.nanoseconds
        }
        if expectedSince <= now, now.nanoseconds - expectedSince.nanoseconds >= rules.activation { isMeasured = true }
    }

    mutating func enterMesh(at now: Instant) {
        (graftedAt, timeInMesh, isMeasured, meshDeliveries) = (now, 0, false, 0)
        expectedSince = now
    }

    /// Who was asked not to send owes nothing, and has the time of a newcomer once it is to send again.
    mutating func setChoked(_ isChoked: Bool, at now: Instant) {
        guard graftedAt != nil else { return }
        (expectedSince, isMeasured) = (isChoked ? .distantFuture : now, false)
    }

    /// Leaves the mesh; what was owed by then sticks (P3b).
    mutating func leaveMesh(threshold: Double) {
        let owed = deficit(below: threshold)
        meshFailure += owed * owed
        (graftedAt, expectedSince, timeInMesh, isMeasured) = (nil, .distantFuture, 0, false)
    }
}

/// What one peer did altogether.
struct PeerStats: Hashable, Sendable {
    /// In the order in which the peer was first of note in them.
    var topics: [TopicStats] = []
    var applicationScore = 0.0
    var misbehaviour = 0.0
    /// Whose address it shares; `nil` for exempt addresses.
    var group: ColocationGroup?
    /// P6, weighted.
    var colocation = 0.0
    /// All of it together, kept up to date by `rescore`.
    private(set) var score = 0.0

    mutating func update(slot: Int, _ change: (inout TopicStats) -> Void) {
        if let index = topics.firstIndex(where: { $0.slot == slot }) {
            change(&topics[index])
        } else {
            var stats = TopicStats(slot: slot)
            change(&stats)
            topics.append(stats)
        }
    }

    /// What a peer that must deliver in the topic did deliver; `nil` of others.
    func meshDeliveries(in slot: Int) -> Double? {
        guard let stats = topics.first(where: { $0.slot == slot }), stats.expectedSince != .distantFuture else {
            return nil
        }
        return stats.meshDeliveries
    }

    /// Weighs one topic again, then all together.
    mutating func rescore(slot: Int, _ pace: PeerScoreBook.TopicPace?, _ params: PeerScoreParams) {
        if let pace, let index = topics.firstIndex(where: { $0.slot == slot }) { topics[index].weigh(pace) }
        rescore(params)
    }

    mutating func rescore(_ paces: [PeerScoreBook.TopicPace?], _ params: PeerScoreParams) {
        for index in topics.indices {
            if let pace = paces[topics[index].slot] { topics[index].weigh(pace) }
        }
        rescore(params)
    }

    mutating func rescore(_ params: PeerScoreParams) {
        var (merits, losses) = (0.0, 0.0)
        for stats in topics {
            merits += stats.merit
            losses += stats.loss
        }
        let application = params.applicationWeight * applicationScore
        let surplus = max(0, misbehaviour - params.behaviourThreshold)
        let behaviour = params.behaviourWeight * surplus * surplus
        score = min(params.topicScoreCap, merits) + losses + application + (group == nil ? 0 : colocation) + behaviour
    }

    mutating func decay(_ paces: [PeerScoreBook.TopicPace?], _ params: PeerScoreParams, at now: Instant) {
        misbehaviour = Decay.applied(params.behaviourDecay, to: misbehaviour)
        guard !topics.isEmpty else { return }
        var hasBlank = false
        for index in topics.indices {
            guard let pace = paces[topics[index].slot] else { continue }
            topics[index].decay(pace, at: now)
            if topics[index].isBlank { hasBlank = true }
        }
        if hasBlank { topics.removeAll(where: \.isBlank) }
    }
}

/// Addresses that probably belong to one host or customer: an IPv4 address or an IPv6 /56.
struct ColocationGroup: Hashable, Sendable {
    private let prefix: [UInt8]

    /// `nil` for homes, laboratories and tests: the one policy that exempts loopback, private and link-local addresses.
    init?(_ address: IPAddress) {
        guard !address.isExemptFromNetworkLimits else { return nil }
        let bytes = address.unmapped.bytes
        prefix = bytes.count == 4 ? bytes : Array(bytes.prefix(7))
    }
}
