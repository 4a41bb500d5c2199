internal import DequeModule
internal import Market
internal import Primitives

/// Records that this node was given and did not take: banned, over a quota, older than what it knows.
///
/// They are left out of later runs, or every run would fetch them again. For an hour only, as a quota may have room by then; and the
/// oldest make room for new ones.
struct RefusedRecords: Sendable {
    private var ids: Set<RecordID> = []
    private var order: Deque<(id: RecordID, until: Instant)> = []

    var count: Int { ids.count }

    func contains(_ id: RecordID) -> Bool { ids.contains(id) }

    mutating func insert(_ id: RecordID, at now: Instant) {
        forgetDue(at: now)
        guard ids.insert(id).inserted else { return }
        order.append((id, now.advanced(by: SyncLimits.refusedFor)))
        if order.count > SyncLimits.refusedCountMax { ids.remove(order.removeFirst().id) }
    }

    mutating func forgetDue(at now: Instant) {
        while let first = order.first, first.until <= now { ids.remove(order.removeFirst().id) }
    }
}
