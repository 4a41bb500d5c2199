package import Primitives

/// When each of many keys is next due: the smallest first, re-armed in logarithmic time.
///
/// A binary heap with lazy deletion: re-arming a key leaves its old entry behind, which is skipped when it surfaces. The heap is
/// rebuilt before such leftovers outnumber the armed keys, so it holds at most `2 · armed + spareEntryCount` entries.
package struct DeadlineQueue<Key: Hashable & Comparable & Sendable>: Sendable {
    static var spareEntryCount: Int { 64 }

    private struct Entry: Sendable {
        let deadline: Instant
        let key: Key

        func precedes(_ other: Entry) -> Bool {
            deadline == other.deadline ? key < other.key : deadline < other.deadline
        }
    }

    package init() {}

    private var armed: [Key: Instant] = [:]
    private var heap: [Entry] = []

    /// The keys that are armed.
    package var count: Int { armed.count }

    /// The smallest deadline; `nil` while nothing is armed.
    package var earliest: Instant? { heap.first?.deadline }

    /// The key of the smallest deadline; equal deadlines come in the order of the keys.
    package var first: Key? { heap.first?.key }

    package func deadline(of key: Key) -> Instant? {
        armed[key]
    }

    /// Arms, re-arms or, with `nil`, disarms a key.
    package mutating func arm(_ key: Key, at deadline: Instant?) {
        guard armed[key] != deadline else { return }
        armed[key] = deadline
        if let deadline { insert(Entry(deadline: deadline, key: key)) }
        dropStale()
        if heap.count > 2 * armed.count + Self.spareEntryCount { rebuild() }
    }

    /// Disarms and returns the first key that is due at `now`.
    package mutating func popDue(at now: Instant) -> Key? {
        guard let first = heap.first, first.deadline <= now else { return nil }
        arm(first.key, at: nil)
        return first.key
    }

    /// Every leftover that surfaced is gone: the first entry is an armed one.
    package func checkInvariants() {
        assert(heap.count <= 2 * armed.count + Self.spareEntryCount)
        assert(heap.first.map { armed[$0.key] == $0.deadline } ?? armed.isEmpty)
    }

    private mutating func dropStale() {
        while let first = heap.first, armed[first.key] != first.deadline { removeFirst() }
    }

    private mutating func rebuild() {
        let live = heap.filter { armed[$0.key] == $0.deadline }
        var seen: Set<Key> = []
        heap.removeAll(keepingCapacity: true)
        for entry in live where seen.insert(entry.key).inserted { insert(entry) }
    }

    private mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var index = heap.count - 1
        while index > 0, heap[index].precedes(heap[(index - 1) / 2]) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var index = 0
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].precedes(heap[smallest])
            {
                smallest = child
            }
            guard smallest != index else { return }
            heap.swapAt(index, smallest)
            index = smallest
        }
    }
}
