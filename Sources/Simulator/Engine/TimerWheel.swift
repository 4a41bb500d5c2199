/// A hierarchical timer wheel (Varghese and Lauck, SOSP 1987): sorts events roughly, in constant time each.
///
/// The tick of an instant is its number of whole 2^14 ns, about 16 µs. Read to base 256 it has seven digits; an event lies on the level of
/// the highest digit in which its tick differs from the present one, in the slot of that digit. So every event of a level
/// comes before every event of the level above, and within a level the slots are in order.
///
/// A slot is a chain of blocks of 64 events. Emptied blocks are used again at once, while they are still in the processor's cache, so
/// that the wheel is as large as what is pending, not as what each slot once held.
struct TimerWheel: Sendable {
    typealias Entry = QuaternaryHeap.Entry

    private static let tickBits = 14
    private static let digitBits = 8
    private static let slotsPerLevel = 1 << digitBits
    /// Seven digits of eight bits, after fourteen of the tick, hold every instant of 63 bits.
    private static let levelCount = 7
    private static let wordsPerLevel = slotsPerLevel / 64
    private static let blockSize = 64
    private static let none = UInt32.max

    private var present: Int64 = 0
    /// Where the next event of each slot goes; a multiple of the block size where it needs a block first, and zero where the slot is empty.
    private var ends = [Int](repeating: 0, count: levelCount * slotsPerLevel)
    /// A bit per slot: whether it holds anything.
    private var occupied = [UInt64](repeating: 0, count: levelCount * wordsPerLevel)
    /// The events of all blocks.
    private var entries: [Entry] = []
    /// Behind each block, the one that its slot filled before it, or the next free one.
    private var links: [UInt32] = []
    private var firstFree = none

    /// How many blocks there are, free ones included.
    var blockCount: Int { links.count }

    /// Takes an event in; `false` if its tick has come, and only an exact order will do.
    @inline(__always)
    mutating func insert(_ entry: Entry) -> Bool {
        let tick = entry.nanoseconds >> Int64(Self.tickBits)
        guard tick > present else { return false }
        let level = (63 - (tick ^ present).leadingZeroBitCount) / Self.digitBits
        let digit = Int(truncatingIfNeeded: tick >> Int64(level * Self.digitBits)) & (Self.slotsPerLevel - 1)
        let slot = level * Self.slotsPerLevel + digit
        var end = ends[slot]
        if end & (Self.blockSize - 1) == 0 { end = claimBlock(after: end, slot) }
        entries[end] = entry
        ends[slot] = end + 1
        return true
    }

    /// Moves on to the next slot that holds anything, of which there must be one, and moves its events to `found`.
    mutating func advance(into found: inout [Entry]) {
        for level in 0..<Self.levelCount {
            guard let slot = firstOccupied(level: level) else { continue }
            let shift = Int64(level * Self.digitBits)
            let above = shift + Int64(Self.digitBits)
            present = (present >> above) << above | Int64(slot & (Self.slotsPerLevel - 1)) << shift
            empty(slot, into: &found)
            return
        }
        preconditionFailure("the wheel is empty")
    }

    private mutating func empty(_ slot: Int, into found: inout [Entry]) {
        var end = ends[slot]
        while true {
            let block = (end - 1) / Self.blockSize
            found.append(contentsOf: entries[block * Self.blockSize..<end])
            let previous = links[block]
            links[block] = firstFree
            firstFree = UInt32(block)
            guard previous != Self.none else { break }
            end = (Int(previous) + 1) * Self.blockSize
        }
        ends[slot] = 0
        occupied[slot >> 6] &= ~(1 << UInt64(slot & 63))
    }

    /// Gives a slot an empty block and answers where it begins; `end` is where its full ones end.
    private mutating func claimBlock(after end: Int, _ slot: Int) -> Int {
        let previous = end == 0 ? Self.none : UInt32(end / Self.blockSize - 1)
        occupied[slot >> 6] |= 1 << UInt64(slot & 63)
        guard firstFree == Self.none else {
            let block = Int(firstFree)
            firstFree = links[block]
            links[block] = previous
            return block * Self.blockSize
        }
        let empty = Entry(nanoseconds: 0, number: 0, place: 0)
        entries.append(contentsOf: repeatElement(empty, count: Self.blockSize))
        links.append(previous)
        return entries.count - Self.blockSize
    }

    private func firstOccupied(level: Int) -> Int? {
        for word in level * Self.wordsPerLevel..<(level + 1) * Self.wordsPerLevel where occupied[word] != 0 {
            return word << 6 + occupied[word].trailingZeroBitCount
        }
        return nil
    }
}
