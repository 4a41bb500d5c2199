internal import Identity
internal import OrderedCollections
internal import Primitives

/// The searches under way in segments that the node does not follow, and who has failed one lately.
struct SearchDesk: Sendable {
    /// Each holds a few replies in memory and asks three peers and more.
    static let countMax = 16
    /// How long who left something out is asked after all others, and who kept a search waiting.
    static let omitterRest = Duration.seconds(3_600)
    static let slowRest = Duration.seconds(600)
    static let demotedCountMax = 256

    /// By the command that waits.
    var searches: OrderedDictionary<CommandID, SegmentSearch> = [:]
    private var questions: OrderedDictionary<SyncQueryID, (command: CommandID, question: SegmentSearch.Question)> = [:]
    /// Who is asked last, and until when.
    private var demoted: OrderedDictionary<PeerID, Instant> = [:]
    private var nextQuery: UInt64 = 1

    var nextDeadline: Instant? { searches.values.lazy.map(\.nextDeadline).min() }

    /// Numbers a question of a search.
    mutating func draw(_ question: SegmentSearch.Question, for command: CommandID) -> SyncQueryID {
        defer { nextQuery += 1 }
        let id = SyncQueryID(rawValue: nextQuery)
        questions[id] = (command, question)
        return id
    }

    /// What a question was, once it is answered.
    mutating func take(_ id: SyncQueryID) -> (command: CommandID, question: SegmentSearch.Question)? {
        questions.removeValue(forKey: id)
    }

    mutating func finish(_ command: CommandID) {
        searches[command] = nil
        questions.removeAll { $0.value.command == command }
    }

    /// From now on a peer is asked after all others for a while.
    mutating func demote(_ peer: PeerID, for rest: Duration, at now: Instant) {
        let until = now.advanced(by: rest)
        let known = demoted.removeValue(forKey: peer)
        demoted[peer] = known.map { max($0, until) } ?? until
        if demoted.count > Self.demotedCountMax { demoted.removeFirst() }
    }

    func isDemoted(_ peer: PeerID, at now: Instant) -> Bool { demoted[peer].map { $0 > now } ?? false }

    /// Checks what must always hold; for tests and the simulator.
    func checkInvariants() {
        precondition(searches.count <= Self.countMax && demoted.count <= Self.demotedCountMax)
        for search in searches.values { search.checkInvariants() }
    }
}
