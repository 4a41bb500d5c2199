/// Finds numbered things by a 64-bit hash that the things themselves keep: four bytes for each place, and of
/// equal hashes all are asked about, in no order that means anything.
///
/// Open addressing with linear probing; removal closes the gap that it leaves (Knuth, TAOCP 3, 6.4, algorithm R), so that nothing slows
/// down as things come and go. Numbers ascend, and those that are held at a time lie within 2³⁰ of each other.
struct NumberIndex: Sendable {
    private static let isUsed: UInt32 = 1 << 31

    /// Each used place holds the lowest 31 bits of a number.
    private var places: [UInt32] = []
    private(set) var count = 0

    private var mask: Int { places.count - 1 }

    /// The first number at the hash's places that `isWanted`; it is asked with the number's distance from `first`.
    func find(_ hash: UInt64, first: Int, isWanted: (Int) -> Bool) -> Int? {
        guard count > 0 else { return nil }
        var place = Int(truncatingIfNeeded: hash) & mask
        while places[place] != 0 {
            let offset = Self.offset(places[place], first)
            if isWanted(offset) { return offset }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Takes a number in; `hash` gives the hash of the one at a distance from `first`, for when the table grows.
    mutating func insert(_ number: Int, _ hash: UInt64, first: Int, hashOf: (Int) -> UInt64) {
        if (count + 1) * 4 > places.count * 3 { grow(first: first, hashOf: hashOf) }
        put(UInt32(truncatingIfNeeded: number) | Self.isUsed, hash)
        count += 1
    }

    /// Takes a number out that is in the table.
    mutating func remove(_ number: Int, _ hash: UInt64, first: Int, hashOf: (Int) -> UInt64) {
        let wanted = UInt32(truncatingIfNeeded: number) | Self.isUsed
        var hole = Int(truncatingIfNeeded: hash) & mask
        while places[hole] != wanted { hole = (hole + 1) & mask }
        var next = hole
        while true {
            next = (next + 1) & mask
            guard places[next] != 0 else { break }
            let home = Int(truncatingIfNeeded: hashOf(Self.offset(places[next], first))) & mask
            // Whoever's home does not lie behind the hole may fall into it.
            if (next &- home) & mask >= (next &- hole) & mask {
                places[hole] = places[next]
                hole = next
            }
        }
        places[hole] = 0
        count -= 1
    }

    private static func offset(_ place: UInt32, _ first: Int) -> Int {
        Int((place &- UInt32(truncatingIfNeeded: first)) & ~isUsed)
    }

    private mutating func put(_ entry: UInt32, _ hash: UInt64) {
        var place = Int(truncatingIfNeeded: hash) & mask
        while places[place] != 0 { place = (place + 1) & mask }
        places[place] = entry
    }

    private mutating func grow(first: Int, hashOf: (Int) -> UInt64) {
        let old = places
        places = Array(repeating: 0, count: max(16, 2 * old.count))
        for entry in old where entry != 0 { put(entry, hashOf(Self.offset(entry, first))) }
    }
}
