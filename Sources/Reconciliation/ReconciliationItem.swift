/// The 32 bytes that name one element: an array of its own would cost an allocation for each of a million elements.
public struct ItemID: Hashable, Comparable, Sendable {
    public static let byteCount = 32
    static let zero = ItemID(words: (0, 0, 0, 0))

    /// Big-endian words, the first bytes first: their order is the order of the bytes.
    private let words: SIMD4<UInt64>

    private init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = SIMD4(words.0, words.1, words.2, words.3)
    }

    /// The id's bytes as four big-endian numbers, the first bytes first.
    public init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        self.init(words: (first, second, third, fourth))
    }

    /// The same four numbers.
    public var quarters: (UInt64, UInt64, UInt64, UInt64) { (words[0], words[1], words[2], words[3]) }

    /// `nil` unless there are 32 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(prefix: bytes)
    }

    /// At most 32 bytes; the rest is zero.
    init(prefix bytes: some Collection<UInt8>) {
        precondition(bytes.count <= Self.byteCount, "an id has 32 bytes, not \(bytes.count)")
        var words = SIMD4<UInt64>.zero
        for (index, byte) in bytes.enumerated() { words[index >> 3] |= UInt64(byte) << UInt64(56 - 8 * (index & 7)) }
        self.words = words
    }

    public var bytes: [UInt8] { (0..<Self.byteCount).map(byte(at:)) }

    func byte(at index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: words[index >> 3] >> UInt64(56 - 8 * (index & 7)))
    }

    /// One quarter of the id, read as a little-endian number: what the fingerprint adds.
    func limb(_ index: Int) -> UInt64 { words[index].byteSwapped }

    /// How many leading bytes two ids share.
    func sharedByteCount(with other: ItemID) -> Int {
        for index in 0..<4 {
            let difference = words[index] ^ other.words[index]
            if difference != 0 { return 8 * index + difference.leadingZeroBitCount / 8 }
        }
        return Self.byteCount
    }

    public static func < (left: ItemID, right: ItemID) -> Bool {
        for index in 0..<4 where left.words[index] != right.words[index] {
            return left.words[index] < right.words[index]
        }
        return false
    }
}

/// One element of a set: ordered by its time, then by its id.
public struct ReconciliationItem: Hashable, Comparable, Sendable {
    /// Below `UInt64.max`, which stands for infinity; the unit is the owner's.
    public let timestamp: UInt64
    public let id: ItemID

    public init(timestamp: UInt64, id: ItemID) {
        precondition(timestamp < .max, "the last time stands for infinity")
        self.timestamp = timestamp
        self.id = id
    }

    public static func < (left: ReconciliationItem, right: ReconciliationItem) -> Bool {
        left.timestamp != right.timestamp ? left.timestamp < right.timestamp : left.id < right.id
    }
}

/// Where a range ends: before the first element that is not less (negentropy protocol v1, "Bound").
struct RangeBound: Hashable, Comparable, Sendable {
    /// `UInt64.max` is infinity.
    let timestamp: UInt64
    /// The bytes of an id that tell this bound from its neighbours; what is left out is zero.
    let prefix: ItemID
    let prefixByteCount: Int

    static let infinity = RangeBound(timestamp: .max, prefix: .zero, prefixByteCount: 0)
    static let start = RangeBound(timestamp: 0, prefix: .zero, prefixByteCount: 0)

    init(timestamp: UInt64, prefix: ItemID, prefixByteCount: Int) {
        self.timestamp = timestamp
        self.prefix = prefix
        self.prefixByteCount = prefixByteCount
    }

    /// The shortest bound between two neighbours of a set.
    init(between left: ReconciliationItem, and right: ReconciliationItem) {
        guard left.timestamp == right.timestamp else {
            self.init(timestamp: right.timestamp, prefix: .zero, prefixByteCount: 0)
            return
        }
        let count = left.id.sharedByteCount(with: right.id) + 1
        self.init(
            timestamp: right.timestamp,
            prefix: ItemID(prefix: (0..<count).map(right.id.byte(at:))),
            prefixByteCount: count
        )
    }

    /// The bound that begins with an element.
    init(at item: ReconciliationItem) {
        self.init(timestamp: item.timestamp, prefix: item.id, prefixByteCount: ItemID.byteCount)
    }

    static func < (left: RangeBound, right: RangeBound) -> Bool {
        left.timestamp != right.timestamp ? left.timestamp < right.timestamp : left.prefix < right.prefix
    }

    func isAbove(_ item: ReconciliationItem) -> Bool {
        item.timestamp != timestamp ? item.timestamp < timestamp : item.id < prefix
    }
}
