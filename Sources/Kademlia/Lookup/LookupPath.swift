/// One way towards a target: its candidates, nearest first.
struct LookupPath: Sendable {
    enum State: UInt8, Sendable {
        case fresh
        case asked
        case answered
        case failed
        /// Another path asked it and waits.
        case askedElsewhere
        /// Another path asked it in vain.
        case failedElsewhere

        var isLive: Bool { self != .failed && self != .failedElsewhere }
    }

    struct Candidate: Sendable {
        let distance: KademliaDistance
        let contact: ContactID
        /// One for our own contacts, one more for what each answer brought.
        let hops: UInt8
        var state: State
    }

    /// What the nearest candidates say about the path.
    struct Survey {
        /// The nearest `beta` that live have all answered.
        var isComplete: Bool
        /// The nearest of the `k` that was not asked yet.
        var fresh: Int?
    }

    private(set) var candidates: [Candidate] = []
    private(set) var inFlightCount = 0

    init(capacity: Int) {
        candidates.reserveCapacity(capacity)
    }

    func survey(k: Int, beta: Int) -> Survey {
        var survey = Survey(isComplete: true, fresh: nil)
        var liveCount = 0
        for index in candidates.indices {
            let state = candidates[index].state
            guard state.isLive else { continue }
            liveCount += 1
            if state != .answered && liveCount <= beta { survey.isComplete = false }
            if state == .fresh {
                survey.fresh = index
                // What lies behind says nothing more: one of the nearest is yet to be asked, or the path is complete.
                break
            }
            if liveCount == k { break }
        }
        return survey
    }

    /// Adds a candidate unless it is known, or too far for a full list.
    mutating func insert(_ contact: ContactID, at distance: KademliaDistance, hops: UInt8, countMax: Int) {
        let position = firstIndex(notNearerThan: distance)
        if position < candidates.count && candidates[position].distance == distance { return }
        if candidates.count >= countMax {
            guard let farthest = candidates.lastIndex(where: { $0.state != .asked }), farthest >= position else {
                return
            }
            candidates.remove(at: farthest)
        }
        let candidate = Candidate(distance: distance, contact: contact, hops: hops, state: .fresh)
        candidates.insert(candidate, at: position)
    }

    func index(of contact: ContactID) -> Int? {
        candidates.firstIndex { $0.contact == contact }
    }

    func state(at distance: KademliaDistance) -> State? {
        let position = firstIndex(notNearerThan: distance)
        guard position < candidates.count, candidates[position].distance == distance else { return nil }
        return candidates[position].state
    }

    mutating func set(_ index: Int, to state: State) {
        if candidates[index].state == .asked { inFlightCount -= 1 }
        if state == .asked { inFlightCount += 1 }
        candidates[index].state = state
    }

    private func firstIndex(notNearerThan distance: KademliaDistance) -> Int {
        var (low, high) = (0, candidates.count)
        while low < high {
            let middle = (low + high) / 2
            if candidates[middle].distance < distance { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
