internal import Identity
internal import OrderedCollections
internal import Primitives

/// Until when whom must not be grafted into which mesh (gossipsub 1.1, "Prune Backoff and Peer Exchange").
///
/// Both ends of a pruned link keep the time. A peer that grafts too early is charged; we ourselves wait `slack` longer, so that
/// our clock running ahead of the peer's never makes us look like an offender.
struct Backoffs: Sendable {
    struct Key: Hashable, Sendable {
        let topic: Topic
        let peer: PeerID
    }

    struct Entry: Hashable, Sendable {
        let since: Instant
        let until: Instant
        /// Whether a link of ours ended by it, so that we could want to graft the peer again.
        var endedLink = true
    }

    let slack: Duration
    /// Peers come and go but their backoffs stay, so their number is bounded.
    ///
    /// Those that ended no link of ours give way first, then those that end first: nobody's PRUNEs make us forget whom we must not
    /// graft. A sixteenth goes at a time, because finding them costs a walk over all; where fewer ended no link, no more are noted.
    let countMax: Int
    private var entries: OrderedDictionary<Key, Entry> = [:]
    /// Of those that ended no link.
    private var looseCount = 0

    init(slack: Duration, countMax: Int) {
        precondition(countMax > 0)
        self.slack = slack
        self.countMax = countMax
    }

    var count: Int { entries.count }

    /// The backoff of a pair, kept until it is cleared, that is some time after it ended.
    func entry(_ topic: Topic, _ peer: PeerID) -> Entry? {
        entries[Key(topic: topic, peer: peer)]
    }

    /// Whether the peer's GRAFT comes too early.
    func holds(_ topic: Topic, _ peer: PeerID, at now: Instant) -> Bool {
        entry(topic, peer).map { now < $0.until } ?? false
    }

    /// Whether we may graft the peer; every path that grafts must ask.
    func allowsOurGraft(_ topic: Topic, _ peer: PeerID, at now: Instant) -> Bool {
        entry(topic, peer).map { now >= $0.until.advanced(by: slack) } ?? true
    }

    /// Starts or extends a backoff; it is never shortened.
    mutating func start(
        _ topic: Topic,
        _ peer: PeerID,
        for duration: Duration,
        endedLink: Bool = true,
        at now: Instant
    ) {
        let key = Key(topic: topic, peer: peer)
        let until = now.advanced(by: duration)
        if let known = entries[key] {
            if !known.endedLink && endedLink { looseCount -= 1 }
            let endedLink = known.endedLink || endedLink
            entries[key] = Entry(since: now, until: max(known.until, until), endedLink: endedLink)
            return
        }
        guard entries.count < countMax || makeRoom(isLoose: !endedLink, at: now) else { return }
        if !endedLink { looseCount += 1 }
        entries[key] = Entry(since: now, until: until, endedLink: endedLink)
    }

    /// Forgets what ended more than `slack` ago.
    mutating func clear(at now: Instant) {
        remove { [slack] in $0.value.until.advanced(by: slack) <= now }
    }

    /// Whether a full table has room now.
    private mutating func makeRoom(isLoose: Bool, at now: Instant) -> Bool {
        let count = max(1, countMax / 16)
        if isLoose && looseCount < count { return false }
        clear(at: now)
        guard entries.count == countMax else { return true }
        func rank(_ entry: Entry) -> (Int, Instant) { (entry.endedLink ? 1 : 0, entry.until) }
        let leaving = Set(entries.elements.sorted { rank($0.value) < rank($1.value) }.prefix(count).map(\.key))
        remove { leaving.contains($0.key) }
        return true
    }

    private mutating func remove(where isGone: ((key: Key, value: Entry)) -> Bool) {
        entries.removeAll(where: isGone)
        looseCount = entries.values.count { !$0.endedLink }
    }

    func checkInvariants(at now: Instant, durationMax: Duration) {
        assert(entries.count <= countMax && looseCount == entries.values.count { !$0.endedLink })
        assert(entries.values.allSatisfy { $0.until <= now.advanced(by: durationMax) })
    }
}
