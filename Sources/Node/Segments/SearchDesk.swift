internal import Identity
internal import OrderedCollections
internal import Primitives

/// The searches under way in segments that the node does not follow, and who has left something out lately.
struct SearchDesk: Sendable {
    /// Each holds a few replies in memory and asks three peers and more.
    static let countMax = 16
    /// How long who left something out is asked after all others.
    static let omitterRest = Duration.seconds(3_600)
    static let omitterCountMax = 256

    /// By the command that waits.
    var searches: OrderedDictionary<CommandID, SegmentSearch> = [:]
    private var questions: OrderedDictionary<SyncQueryID, (command: CommandID, question: SegmentSearch.Question)> = [:]
    private var omitters: OrderedDictionary<PeerID, Instant> = [:]
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

    mutating func note(omitter peer: PeerID, at now: Instant) {
        omitters[peer] = nil
        omitters[peer] = now.advanced(by: Self.omitterRest)
        if omitters.count > Self.omitterCountMax { omitters.removeFirst() }
    }

    func isOmitter(_ peer: PeerID, at now: Instant) -> Bool { omitters[peer].map { $0 > now } ?? false }

    /// Checks what must always hold; for tests and the simulator.
    func checkInvariants() {
        precondition(searches.count <= Self.countMax && omitters.count <= Self.omitterCountMax)
        for search in searches.values { search.checkInvariants() }
    }
}
