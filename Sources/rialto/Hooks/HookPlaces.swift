internal import DequeModule

/// How many programs of hooks run at once: a burst of leases must not use up what the system has.
///
/// Who waits longest is served first, and what ends a workload before all else.
actor HookPlaces {
    private var free: Int
    private var owed: Deque<CheckedContinuation<Void, Never>> = []
    private var waiting: Deque<CheckedContinuation<Void, Never>> = []

    init(count: Int) { free = count }

    var waitingCount: Int { owed.count + waiting.count }

    /// Waits for a place, which `leave` gives back.
    func enter(isOwed: Bool) async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { continuation in
            if isOwed { owed.append(continuation) } else { waiting.append(continuation) }
        }
    }

    func leave() {
        if let next = owed.popFirst() ?? waiting.popFirst() {
            next.resume()
        } else {
            free += 1
        }
    }
}
