internal import Kademlia
internal import Market
internal import OrderedCollections
internal import Primitives

/// Finds the peers of the followed segments by the hash table, and lets them find us.
///
/// A server says under the keys of its interest that it is there; the table repeats it hourly. Whoever lacks peers for a topic
/// looks under one key after the other, in an order of its own. A node of the whole market stands under keys of its own, which
/// everybody looks at too: so it need not say the same under those of every segment.
struct Rendezvous: Sendable {
    enum Output: Hashable, Sendable {
        case provide([UInt8])
        case withdraw([UInt8])
        case find([UInt8])
    }

    /// Peers of a topic that are enough: a mesh.
    static let enough = 6
    /// Between two statements, and between two searches.
    static let statementInterval = Duration.seconds(2)
    static let searchInterval = Duration.seconds(5)
    /// How long an interest rests after a search, doubled while searches find nobody new.
    static let restMin = Duration.seconds(15)
    static let restMax = Duration.seconds(600)

    private struct Search: Sendable {
        var replica: Int
        var rest = Rendezvous.restMin
        var dueAt: Instant
    }

    private let network: String
    private let profile: MarketProfile
    private var own: [Interest] = []
    private var unsaid: [[UInt8]] = []
    private var isServer = false
    private var searches: OrderedDictionary<Interest, Search> = [:]
    private var underWay: [[UInt8]: Interest] = [:]
    private var statementAt: Instant?
    private var searchAt: Instant?
    private var random: SeededRandom

    /// `segments` are those that the node follows, `nil` for the whole market.
    init(segments: Set<Segment>?, network: String, profile: MarketProfile, random: SeededRandom) {
        (self.network, self.profile, self.random) = (network, profile, random)
        var said: [Output] = []
        follow(segments, at: .zero, into: &said)
        precondition(said.isEmpty, "nothing is said before the node serves")
    }

    /// The node follows other segments from now on: what it said of those that it leaves is taken back.
    mutating func follow(_ segments: Set<Segment>?, at now: Instant, into outputs: inout [Output]) {
        let old = own
        own = segments.map { $0.sorted().map(Interest.segment) } ?? [.market]
        // A node of the whole market looks for those of every segment; one of some segments also for those of the whole market.
        let sought = segments == nil ? Interest.all(of: profile) : own + [.market]
        searches.removeAll { !sought.contains($0.key) }
        for interest in sought where searches[interest] == nil {
            let replica = random.below(Interest.replicaCount)
            searches[interest] = Search(replica: replica, dueAt: now)
        }
        guard isServer else { return }
        let left = keys(of: old.filter { !own.contains($0) })
        unsaid.removeAll(where: left.contains)
        outputs.append(contentsOf: left.map(Output.withdraw))
        speak(keys(of: own.filter { !old.contains($0) }), at: now)
    }

    private func keys(of interests: [Interest]) -> [[UInt8]] {
        interests.flatMap { interest in
            (0..<Interest.replicaCount).map { interest.key($0, network: network, profile: profile) }
        }
    }

    /// What is to be said waits its turn.
    private mutating func speak(_ keys: [[UInt8]], at now: Instant) {
        guard !keys.isEmpty else { return }
        unsaid += keys
        random.shuffle(&unsaid)
        statementAt = statementAt ?? now.advanced(by: random.jittered(Self.statementInterval, by: 0.5))
    }

    var nextDeadline: Instant? { earliest(statementAt, searchAt) }

    /// The node serves the table from now on, or no longer.
    mutating func set(isServer: Bool, at now: Instant, into outputs: inout [Output]) {
        guard isServer != self.isServer else { return }
        self.isServer = isServer
        let keys = keys(of: own)
        guard isServer else {
            (unsaid, statementAt) = ([], nil)
            return outputs.append(contentsOf: keys.map(Output.withdraw))
        }
        speak(keys, at: now)
    }

    /// There is somebody to ask.
    mutating func tableHasFilled(at now: Instant) {
        guard searchAt == nil else { return }
        searchAt = now.advanced(by: random.jittered(.seconds(1), by: 0.5))
    }

    /// Does what is due; `peerCount` tells how many connected peers a segment has.
    mutating func expire(at now: Instant, peerCount: (Interest) -> Int, into outputs: inout [Output]) {
        if let due = statementAt, due <= now {
            statementAt = nil
            if let key = unsaid.popLast() {
                outputs.append(.provide(key))
                statementAt = now.advanced(by: random.jittered(Self.statementInterval, by: 0.5))
            }
        }
        guard let due = searchAt, due <= now else { return }
        searchAt = now.advanced(by: random.jittered(Self.searchInterval, by: 0.2))
        guard underWay.isEmpty else { return }
        let wanting = searches.elements.first { interest, search in
            search.dueAt <= now && peerCount(interest) < Self.enough
        }
        guard let (interest, search) = wanting else { return }
        let key = interest.key(search.replica, network: network, profile: profile)
        underWay[key] = interest
        outputs.append(.find(key))
    }

    /// A search has ended; `newCount` of those that it found are not connected yet.
    mutating func found(_ key: [UInt8], newCount: Int, at now: Instant) {
        guard let interest = underWay.removeValue(forKey: key), var search = searches[interest] else { return }
        search.replica = (search.replica + 1) % Interest.replicaCount
        search.rest = newCount > 0 ? Self.restMin : min(search.rest * 2, Self.restMax)
        search.dueAt = now.advanced(by: random.jittered(search.rest, by: 0.2))
        // Behind the others that wait.
        searches[interest] = nil
        searches[interest] = search
    }

    func checkInvariants() {
        precondition(underWay.count <= 1 && unsaid.count <= own.count * Interest.replicaCount)
    }
}
