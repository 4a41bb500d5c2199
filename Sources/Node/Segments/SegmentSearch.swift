internal import Cryptography
internal import Identity
internal import Kademlia
internal import Market
internal import OrderedCollections
internal import Primitives

/// One search in segments that the node does not follow.
///
/// Ask three libraries in three towns for the same shelf. What one shows proves itself, so the union of the three is the answer; and
/// who does not show what another has, and cannot say why it is gone, has left it out. Records are not believed because of who sent
/// them, so a library can hide but not invent, and hides in vain while one of the three is honest. If one does not open, the next town's
/// is asked too, and nobody waits at its door; what it says after all is still welcome.
struct SegmentSearch: Sendable {
    /// Replicas of each segment, in distinct networks.
    static let replicaCount = 3
    /// One more for each that left something out or says nothing, up to so many.
    static let replicaCountMax = 5
    /// How long a replica may say nothing before it is doubled by another: many round trips, and a batch over a slow line.
    static let patience = Duration.seconds(2)
    /// How long the node looks for replicas beyond those that it is connected with.
    static let gatherTimeout = Duration.seconds(3)
    /// When it answers with what it has.
    static let timeout = Duration.seconds(12)
    /// What was said later may not have reached everybody: twice the time between two comparisons of everything.
    static let settledMilliseconds: Int64 = 240_000
    /// Batches of one replica: some six hundred offers.
    static let pageCountMax = 8
    /// Providers over which one replica is heard.
    static let hearingCountMax = 4

    /// A connected peer that follows some of the lanes.
    struct Candidate {
        let peer: PeerID
        /// Where it lives.
        let group: IPGroup
        let lanes: Set<Int>
    }

    enum Question: Hashable, Sendable {
        case find(after: OfferPlace?, lanes: Set<Int>)
        /// Why the provider's offer was not shown.
        case hear(Ed25519.PublicKey)
    }

    struct Replica: Sendable {
        let group: IPGroup
        var lanes: Set<Int>
        var found: Set<RecordID> = []
        /// Everything up to here was shown; `nil`: nothing was.
        var shownUpTo: OfferPlace?
        var isWhole = false
        var pageCount = 0
        /// Questions under way.
        var pendingCount = 0
        var hasAnswered = false
        /// When it was asked last, or spoke last.
        var movedAt: Instant
        /// It has tried the search's patience: nobody waits for what else it may say.
        var isSlow = false
        /// A question of the search got no answer.
        var hasFailed = false
        var heard: OrderedSet<Ed25519.PublicKey> = []
        var omitted: Set<RecordID> = []

        /// Whether nobody waits for it, or no longer.
        var isDone: Bool { pendingCount == 0 || isSlow }

        /// Whether another one is wanted in its place.
        var isBad: Bool { !omitted.isEmpty || hasFailed || (pendingCount > 0 ? isSlow : !hasAnswered) }

        /// Whether an offer at this place would have been in its answer.
        func covers(_ place: OfferPlace) -> Bool { isWhole || shownUpTo.map { place <= $0 } ?? false }
    }

    let lanes: Set<Int>
    let models: Set<String>
    let startedAt: Instant
    /// By our wall clock at the start.
    let unixMilliseconds: Int64
    /// Whether replicas may still turn up that the node is not connected with.
    private(set) var isGathering = true
    private(set) var replicas: OrderedDictionary<PeerID, Replica> = [:]

    init(lanes: Set<Int>, models: Set<String>, unixMilliseconds: Int64, at now: Instant) {
        (self.lanes, self.models, self.unixMilliseconds, startedAt) = (lanes, models, unixMilliseconds, now)
    }

    var nextDeadline: Instant {
        let end = startedAt.advanced(by: isGathering ? Self.gatherTimeout : Self.timeout)
        return replicas.values.reduce(end) { deadline, replica in
            replica.isDone ? deadline : min(deadline, replica.movedAt.advanced(by: Self.patience))
        }
    }

    /// Lanes for which more replicas are wanted.
    var lacking: Set<Int> {
        lanes.filter { lane in
            let asked = replicas.values.filter { $0.lanes.contains(lane) }
            return asked.count < min(Self.replicaCount + asked.count(where: \.isBad), Self.replicaCountMax)
        }
    }

    /// Those who tried the search's patience, in the order in which they were asked.
    var slow: [PeerID] { replicas.elements.filter(\.value.isSlow).map(\.key) }

    /// Whether nothing more is to come, or nothing that is worth the wait.
    func isOver(at now: Instant) -> Bool {
        if startedAt.advanced(by: Self.timeout) <= now { return true }
        guard replicas.values.allSatisfy(\.isDone), lacking.isEmpty || !isGathering else { return false }
        // A late word is better than none.
        return lanes.allSatisfy { lane in
            let asked = replicas.values.filter { $0.lanes.contains(lane) }
            return asked.contains(where: \.hasAnswered) || asked.allSatisfy { $0.pendingCount == 0 }
        }
    }

    /// Time has passed.
    mutating func expire(at now: Instant) {
        if startedAt.advanced(by: Self.gatherTimeout) <= now { isGathering = false }
        for (peer, replica) in replicas.elements
        where !replica.isDone && replica.movedAt.advanced(by: Self.patience) <= now {
            replicas[peer]?.isSlow = true
        }
    }

    /// Nobody else can be found.
    mutating func endGathering() { isGathering = false }

    /// Whoever is to be asked next, of the candidates in their order.
    mutating func choose(from candidates: [Candidate], at now: Instant) -> [(PeerID, Question)] {
        var chosen: [(PeerID, Question)] = []
        for candidate in candidates where replicas[candidate.peer] == nil {
            let neighbours = replicas.values.filter { $0.group == candidate.group && !$0.group.isExempt }
            let lanes = lacking.intersection(candidate.lanes).filter { lane in
                !neighbours.contains { $0.lanes.contains(lane) }
            }
            guard !lanes.isEmpty else { continue }
            replicas[candidate.peer] = Replica(group: candidate.group, lanes: lanes, pendingCount: 1, movedAt: now)
            chosen.append((candidate.peer, .find(after: nil, lanes: lanes)))
        }
        return chosen
    }

    /// A replica has shown something or, with `nil`, has not answered.
    ///
    /// Returns what it is to be asked next.
    mutating func found(_ finding: SyncFinding?, by peer: PeerID, at now: Instant) -> Question? {
        guard var replica = replicas[peer] else { return nil }
        replica.pendingCount -= 1
        replica.movedAt = now
        replica.hasFailed = finding == nil
        defer { replicas[peer] = replica }
        guard let finding else { return nil }
        replica.found.formUnion(finding.ids)
        replica.lanes.subtract(finding.unknown.map(Int.init))
        replica.hasAnswered = !replica.lanes.isEmpty
        replica.pageCount += 1
        replica.isWhole = finding.next == nil
        // Who would turn in a circle has said all.
        guard let next = finding.next, replica.shownUpTo.map({ $0 < next }) ?? true else { return nil }
        replica.shownUpTo = next
        guard replica.pageCount < Self.pageCountMax else { return nil }
        replica.pendingCount += 1
        return .find(after: next, lanes: replica.lanes)
    }

    /// A replica has said what it knows of a provider, or has not.
    mutating func heard(_ peer: PeerID, at now: Instant) {
        replicas[peer]?.pendingCount -= 1
        replicas[peer]?.movedAt = now
    }

    /// Compares what the replicas have shown with what the book holds of it: each must say why it left an offer out.
    ///
    /// Once it has said all that it knows of the provider, an offer that still stands was left out.
    mutating func confront(
        _ book: RecordBook,
        unixMilliseconds: Int64,
        at now: Instant
    ) -> [(PeerID, Question)] {
        guard replicas.values.allSatisfy(\.isDone) else { return [] }
        let shown = replicas.values.reduce(into: Set<RecordID>()) { $0.formUnion($1.found) }
        let question = OfferQuestion(segments: segments(of: lanes, in: book.profile), models: models)
        let standing = book.listings(answering: question, at: unixMilliseconds).filter { listing in
            shown.contains(listing.record.id) && listing.issuedAt <= self.unixMilliseconds - Self.settledMilliseconds
        }
        return replicas.keys.flatMap { peer in
            confront(peer, with: standing, book.profile, at: now).map { (peer, $0) }
        }
    }

    private mutating func confront(
        _ peer: PeerID,
        with standing: [Listing],
        _ profile: MarketProfile,
        at now: Instant
    ) -> [Question] {
        // Who has not said all yet may still show it.
        guard var replica = replicas[peer], replica.hasAnswered, replica.pendingCount == 0 else { return [] }
        var questions: [Question] = []
        let own = OfferQuestion(segments: segments(of: replica.lanes, in: profile))
        for listing in standing where own.asks(for: listing, in: profile) && replica.covers(listing.place) {
            guard !replica.found.contains(listing.record.id) else { continue }
            if replica.heard.contains(listing.provider) {
                replica.omitted.insert(listing.record.id)
            } else if replica.heard.count < Self.hearingCountMax {
                replica.heard.append(listing.provider)
                replica.pendingCount += 1
                replica.movedAt = now
                questions.append(.hear(listing.provider))
            }
        }
        replicas[peer] = replica
        return questions
    }

    private func segments(of lanes: Set<Int>, in profile: MarketProfile) -> Set<Segment> {
        Set(lanes.compactMap { if case .offers(let segment) = profile.lanes[$0] { segment } else { nil } })
    }

    /// What came of it.
    func report(_ profile: MarketProfile) -> SearchReport {
        let answered = replicas.filter { $0.value.hasAnswered }
        return SearchReport(
            segments: segments(of: lanes, in: profile).sorted(),
            replicas: answered.map { peer, replica in
                SearchReport.Replica(
                    peer: peer,
                    segments: segments(of: replica.lanes, in: profile).sorted(),
                    recordCount: replica.found.count,
                    omittedCount: replica.omitted.count,
                    isGood: !replica.isBad
                )
            }
        )
    }

    /// Checks what must always hold; for tests and the simulator.
    func checkInvariants() {
        for replica in replicas.values {
            precondition(replica.pageCount <= Self.pageCountMax && replica.heard.count <= Self.hearingCountMax)
            precondition(replica.pendingCount >= 0)
        }
    }
}
