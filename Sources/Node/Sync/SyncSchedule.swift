internal import Primitives

/// When this node next compares of its own accord, and how much.
struct SyncSchedule: Sendable {
    private let wholeInterval: Duration
    /// The next turn of the lazy lane; `nil` before the start.
    private(set) var turnAt: Instant?
    /// From when on a turn compares everything.
    private var wholeAt: Instant?
    /// So many turns more compare everything.
    private var owedWholes = 0
    private(set) var turnCount = 0
    /// The place of the mesh peer that had the last turn, among the partners.
    var lastPlace = -1
    /// Until when no waiting run begins beside one that is under way.
    private(set) var staggeredUntil: Instant?

    init(wholeInterval: Duration) { self.wholeInterval = wholeInterval }

    mutating func start(at now: Instant, random: inout SeededRandom) {
        turnAt = now.advanced(by: random.jittered(SyncLimits.lazyInterval, by: 0.2))
        wholeAt = now.advanced(by: random.jittered(wholeInterval, by: 0.2))
    }

    /// Whether it is somebody's turn; then the next one is set.
    mutating func takeTurn(at now: Instant, random: inout SeededRandom) -> Bool {
        guard let due = turnAt, due <= now else { return false }
        turnAt = now.advanced(by: random.jittered(SyncLimits.lazyInterval, by: 0.2))
        turnCount += 1
        return true
    }

    /// Whether this turn goes to a peer outside the meshes.
    var isForStranger: Bool { turnCount % SyncLimits.strangerTurn == 0 }

    func scope(at now: Instant) -> SyncScope { wholeAt.map { $0 <= now } ?? false ? .whole : .window }

    /// A comparison of everything begins.
    mutating func beganWhole(at now: Instant, random: inout SeededRandom) {
        owedWholes = max(0, owedWholes - 1)
        wholeAt = owedWholes > 0 ? now : now.advanced(by: random.jittered(wholeInterval, by: 0.2))
    }

    /// Much was found: there may be more elsewhere, and others may lack it.
    mutating func hurry(at now: Instant, random: inout SeededRandom) {
        guard let due = turnAt else { return }
        foundLate(at: now)
        turnAt = min(due, now.advanced(by: random.jittered(SyncLimits.eagerInterval, by: 0.5)))
    }

    /// Something was found that gossip has missed: the next turns compare everything, each with somebody else.
    mutating func foundLate(at now: Instant) {
        owedWholes = SyncLimits.wholesAfterFind
        wantWhole(at: now)
    }

    /// A comparison of everything came to nothing: the next turn tries again.
    mutating func wantWhole(at now: Instant) { wholeAt = wholeAt.map { min($0, now) } }

    mutating func stagger(at now: Instant) { staggeredUntil = now.advanced(by: SyncLimits.runStagger) }
}
