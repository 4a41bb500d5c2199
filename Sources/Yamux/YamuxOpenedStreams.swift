/// Which ids the peer has used, so that none is used twice and a late word about an old stream never reaches a new one.
///
/// Ids rise, but not strictly: go takes an id before it takes the lock under which frames are written, so neighbours may swap.
/// Therefore the ids that were skipped stay usable for a while, as in the replay window of IPsec (RFC 4303 §3.4.3).
struct YamuxOpenedStreams: Sendable {
    /// How many skipped ids stay usable: the backlog that a peer may have on its way.
    static let skippedCountMax = 256

    private let first: UInt32
    /// The id that follows the highest one used; `nil` once there is none.
    private var next: UInt32?
    /// Unused ids below `next`, ascending.
    private var skipped: [UInt32] = []

    init(openedBy role: YamuxRole) {
        first = role.firstStream
        next = first
    }

    /// Marks an id of the right parity as used; `false` if it was used before or skipped long ago.
    mutating func admit(_ stream: YamuxStreamID) -> Bool {
        let id = stream.rawValue
        precondition(id % 2 == first % 2)
        if let next, id >= next {
            skip(from: next, to: id)
            let (following, overflow) = id.addingReportingOverflow(2)
            self.next = overflow ? nil : following
            return true
        }
        guard let index = skipped.firstIndex(of: id) else { return false }
        skipped.remove(at: index)
        return true
    }

    private mutating func skip(from low: UInt32, to high: UInt32) {
        let count = min(Int((high - low) / 2), Self.skippedCountMax)
        for step in stride(from: count, to: 0, by: -1) { skipped.append(high - 2 * UInt32(step)) }
        skipped.removeFirst(max(0, skipped.count - Self.skippedCountMax))
    }

    var skippedCount: Int { skipped.count }
}
