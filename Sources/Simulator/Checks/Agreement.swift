internal import DequeModule
internal import Primitives

/// Whether the honest live nodes hold equal sets, looked at once a second.
///
/// Only what honest nodes have said in the measured time is compared: what the build-up left behind is nobody's fault.
///
/// What is said all the time travels all the time: subjects with news of the last five seconds are left out, of every book alike. So
/// the sets of a market in full trade are equal as of five seconds ago, and a record that got lost shows. Renewals of presences travel
/// by reconciliation, from neighbour to neighbour every ten seconds: they have three minutes. A node counts once it has
/// been up for as long. Each book is known by the sum of its records' terms, so a second costs a few additions for each node.
struct Agreement: Sendable {
    static let grace = Expectation.equalSetsAge
    static let renewalGrace = Duration.seconds(180)

    private struct Node: Sendable {
        /// The sum of the terms of all records held about honest subjects.
        var digest: UInt64 = 0
        var isHonest = false
        var upSince: Instant?
    }

    /// From when on equal sets are waited for; they are not believed before everything that was said until then has come of age.
    let from: Instant
    /// When they were first equal since then.
    private(set) var equalAt: Instant?
    /// A node whose set differed from most others', when last looked at.
    private(set) var dissenter: Int?
    private(set) var distinctSets = 0
    private var nodes: [Node] = []
    private var recent = Deque<(subject: Int, at: Instant)>()
    private var renewed = Deque<(subject: Int, at: Instant)>()

    init(from: Instant) { self.from = from }

    mutating func nodeUp(_ node: Int, isHonest: Bool, at now: Instant) {
        while nodes.count <= node { nodes.append(Node()) }
        (nodes[node].isHonest, nodes[node].upSince) = (isHonest, now)
    }

    mutating func nodeDown(_ node: Int) { nodes[node].upSince = nil }

    /// The node stands still or goes on; its book stays.
    mutating func setPaused(_ node: Int, _ isPaused: Bool, at now: Instant) {
        nodes[node].upSince = isPaused ? nil : now
    }

    mutating func gained(_ node: Int, term: UInt64) { nodes[node].digest &+= term }

    mutating func lost(_ node: Int, term: UInt64) { nodes[node].digest &-= term }

    /// There is news of a subject.
    mutating func touched(_ subject: Int, isRenewal: Bool, at now: Instant) {
        if isRenewal { renewed.append((subject, now)) } else { recent.append((subject, now)) }
    }

    mutating func second(_ registry: RecordRegistry, at now: Instant) {
        while let oldest = recent.first, oldest.at.advanced(by: Self.grace) <= now { recent.removeFirst() }
        while let oldest = renewed.first, oldest.at.advanced(by: Self.renewalGrace) <= now { renewed.removeFirst() }
        var fresh = [UInt64](repeating: 0, count: nodes.count)
        for (subject, at) in Array(recent) + Array(renewed) where registry.touchedAt[subject] == at {
            for number in registry.heldRecords(about: subject) where registry[number].isCompared {
                let term = registry[number].term
                registry[number].holders.forEach { fresh[$0] &+= term }
            }
        }
        let digests = nodes.indices.compactMap { node -> (node: Int, digest: UInt64)? in
            guard nodes[node].isHonest, let since = nodes[node].upSince, since.advanced(by: Self.grace) <= now else {
                return nil
            }
            return (node, nodes[node].digest &- fresh[node])
        }
        compare(digests)
        if distinctSets == 1, now >= from.advanced(by: Self.grace), equalAt == nil { equalAt = now }
    }

    private mutating func compare(_ digests: [(node: Int, digest: UInt64)]) {
        var counts: [UInt64: Int] = [:]
        for (_, digest) in digests { counts[digest, default: 0] += 1 }
        distinctSets = counts.count
        let commonest = counts.values.max() ?? 0
        dissenter =
            distinctSets <= 1 ? nil : digests.first { counts[$0.digest] != commonest }?.node ?? digests.first?.node
    }
}
