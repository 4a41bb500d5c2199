/// A hierarchical timer wheel (Varghese and Lauck, SOSP 1987): sorts events roughly, in constant time each.
///
/// The tick of an instant is its number of whole 2^14 ns, about 16 µs. Read to base 256 it has seven digits; an event lies on the level of
/// the highest digit in which its tick differs from the present one, in the slot of that digit. So every event of a level
/// comes before every event of the level above, and within a level the slots are in order.
struct TimerWheel: Sendable {
    typealias Entry = QuaternaryHeap.Entry

    private static let tickBits = 14
    private static let digitBits = 8
    private static let slotsPerLevel = 1 << digitBits
    /// Seven digits of eight bits, after fourteen of the tick, hold every instant of 63 bits.
    private static let levelCount = 7
    private static let wordsPerLevel = slotsPerLevel / 64

    private var present: Int64 = 0
    private var slots = [[Entry]](repeating: [], count: levelCount * slotsPerLevel)
    /// A bit per slot: whether it holds anything.
    private var occupied = [UInt64](repeating: 0, count: levelCount * wordsPerLevel)

    /// Takes an event in; `false` if its tick has come, and only an exact order will do.
    @inline(__always)
    mutating func insert(_ entry: Entry) -> Bool {
        let tick = entry.nanoseconds >> Int64(Self.tickBits)
        guard tick > present else { return false }
        let level = (63 - (tick ^ present).leadingZeroBitCount) / Self.digitBits
        let digit = Int(truncatingIfNeeded: tick >> Int64(level * Self.digitBits)) & (Self.slotsPerLevel - 1)
        let slot = level * Self.slotsPerLevel + digit
        slots[slot].append(entry)
        occupied[slot >> 6] |= 1 << UInt64(slot & 63)
        return true
    }

    /// Moves on to the next slot that holds anything, of which there must be one, and exchanges its events for an empty buffer.
    mutating func advance(emptying buffer: inout [Entry]) {
        for level in 0..<Self.levelCount {
            guard let slot = firstOccupied(level: level) else { continue }
            let shift = Int64(level * Self.digitBits)
            let above = shift + Int64(Self.digitBits)
            present = (present >> above) << above | Int64(slot & (Self.slotsPerLevel - 1)) << shift
            occupied[slot >> 6] &= ~(1 << UInt64(slot & 63))
            swap(&slots[slot], &buffer)
            return
        }
        preconditionFailure("the wheel is empty")
    }

    private func firstOccupied(level: Int) -> Int? {
        for word in level * Self.wordsPerLevel..<(level + 1) * Self.wordsPerLevel where occupied[word] != 0 {
            return word << 6 + occupied[word].trailingZeroBitCount
        }
        return nil
    }
}
