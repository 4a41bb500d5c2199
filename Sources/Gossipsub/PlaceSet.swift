/// A small number that a connected peer has for the time of its connection: the lowest that is free when it comes.
typealias PeerPlace = UInt16

/// Peers by their places: one word for the first 64, more only for whoever has more peers.
struct PlaceSet: Hashable, Sendable {
    private var low: UInt64 = 0
    /// The words behind the first.
    private var rest: [UInt64] = []

    init() {}

    func contains(_ place: PeerPlace) -> Bool {
        let (word, bit) = Self.position(place)
        if word == 0 { return low & bit != 0 }
        return word <= rest.count && rest[word - 1] & bit != 0
    }

    /// Whether the peer is new here.
    @discardableResult
    mutating func insert(_ place: PeerPlace) -> Bool {
        let (word, bit) = Self.position(place)
        if word == 0 {
            defer { low |= bit }
            return low & bit == 0
        }
        while rest.count < word { rest.append(0) }
        defer { rest[word - 1] |= bit }
        return rest[word - 1] & bit == 0
    }

    mutating func remove(_ place: PeerPlace) {
        let (word, bit) = Self.position(place)
        if word == 0 {
            low &= ~bit
        } else if word <= rest.count {
            rest[word - 1] &= ~bit
        }
    }

    /// The lowest place that is not here.
    var lowestFree: PeerPlace {
        if low != .max { return PeerPlace((~low).trailingZeroBitCount) }
        for (index, word) in rest.enumerated() where word != .max {
            return PeerPlace(64 * (index + 1) + (~word).trailingZeroBitCount)
        }
        return PeerPlace(64 * (rest.count + 1))
    }

    private static func position(_ place: PeerPlace) -> (word: Int, bit: UInt64) {
        (Int(place >> 6), 1 << UInt64(place & 63))
    }
}
