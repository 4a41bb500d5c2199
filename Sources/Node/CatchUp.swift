internal import Identity
internal import OrderedCollections
internal import Primitives

/// Whether the node may sign yet: a home that may have been restored first asks peers for its own newest records.
///
/// Up to three peers are asked, for at most 5 s after the first connection and 60 s in all; with no peer configured it goes on after
/// 5 s.
struct CatchUp: Sendable {
    static let peerCount = 3
    static let afterFirst = Duration.seconds(5)
    static let inAll = Duration.seconds(60)

    private enum State: Sendable {
        case waiting
        case asking(deadline: Instant)
        case done
    }

    private let hasSeeds: Bool
    private let isNeeded: Bool
    private var state: State
    private var asked: OrderedSet<PeerID> = []
    private var outstanding: OrderedSet<PeerID> = []
    private var answeredCount = 0

    init(isNeeded: Bool, hasSeeds: Bool) {
        (self.hasSeeds, self.isNeeded) = (hasSeeds, isNeeded)
        state = isNeeded ? .waiting : .done
    }

    var isDone: Bool {
        if case .done = state { true } else { false }
    }

    /// Whether peers are configured and none of them has said what it knows.
    var isUnheard: Bool { hasSeeds && isNeeded && answeredCount == 0 }

    var nextDeadline: Instant? {
        if case .asking(let deadline) = state { deadline } else { nil }
    }

    mutating func start(at now: Instant) {
        guard case .waiting = state else { return }
        state = .asking(deadline: now.advanced(by: hasSeeds ? Self.inAll : Self.afterFirst))
    }

    /// Whether this peer should be asked for our own records.
    mutating func wants(_ peer: PeerID, at now: Instant) -> Bool {
        guard case .asking(let deadline) = state, asked.count < Self.peerCount, !asked.contains(peer) else {
            return false
        }
        if asked.isEmpty { state = .asking(deadline: min(deadline, now.advanced(by: Self.afterFirst))) }
        asked.append(peer)
        outstanding.append(peer)
        return true
    }

    /// Whether this peer was asked for our own records and has not answered yet.
    func isAsked(_ peer: PeerID) -> Bool { outstanding.contains(peer) }

    /// Notes that a peer has said what it knows; says whether that was the last word needed.
    mutating func answered(by peer: PeerID) -> Bool {
        guard outstanding.remove(peer) != nil, case .asking = state else { return false }
        answeredCount += 1
        guard answeredCount == Self.peerCount else { return false }
        state = .done
        return true
    }

    /// Says whether waiting ends now.
    mutating func expire(at now: Instant) -> Bool {
        guard case .asking(let deadline) = state, deadline <= now else { return false }
        state = .done
        return true
    }
}
