internal import Cryptography

/// A place in the key space: SHA-256 of a peer id's or a record key's bytes (libp2p/specs, kad-dht, "Distance").
///
/// Four words kept inline, so that a comparison of distances costs a few instructions and no allocation.
public struct KademliaKey: Hashable, Sendable {
    public static let bitCount = 256
    public static let byteCount = 32

    /// The key as a number, the most significant word first.
    private let first, second, third, fourth: UInt64

    /// The key of raw bytes: a peer id's multihash, or a record's key.
    public init(hashing bytes: [UInt8]) {
        self.init(digest: SHA256.hash(bytes))
    }

    /// A key that is given as it stands, 32 bytes, the most significant first.
    public init(digest bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount, "a key has 32 bytes, not \(bytes.count)")
        func word(_ start: Int) -> UInt64 { bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        (first, second, third, fourth) = (word(0), word(8), word(16), word(24))
    }

    /// A key whose first 64 bits are `prefix` and whose others are zero: for models whose keys have 64 bits.
    public init(prefix: UInt64) {
        (first, second, third, fourth) = (prefix, 0, 0, 0)
    }

    public func distance(to other: KademliaKey) -> KademliaDistance {
        KademliaDistance(
            first: first ^ other.first,
            second: second ^ other.second,
            third: third ^ other.third,
            fourth: fourth ^ other.fourth
        )
    }

    /// How many leading bits both keys share, 256 for equal keys: the number of the k-bucket.
    public func commonPrefixLength(with other: KademliaKey) -> Int {
        distance(to: other).leadingZeroBitCount
    }
}

/// How far two keys lie apart: their exclusive or, read as a number.
public struct KademliaDistance: Hashable, Comparable, Sendable {
    fileprivate let first, second, third, fourth: UInt64

    public static func < (left: KademliaDistance, right: KademliaDistance) -> Bool {
        if left.first != right.first { return left.first < right.first }
        if left.second != right.second { return left.second < right.second }
        if left.third != right.third { return left.third < right.third }
        return left.fourth < right.fourth
    }

    public var leadingZeroBitCount: Int {
        if first != 0 { return first.leadingZeroBitCount }
        if second != 0 { return 64 + second.leadingZeroBitCount }
        if third != 0 { return 128 + third.leadingZeroBitCount }
        return 192 + fourth.leadingZeroBitCount
    }

    /// Whether the keys differ in the bit `index`, counted from the most significant one.
    func differs(inBit index: Int) -> Bool {
        let word =
            switch index / 64 {
            case 0: first
            case 1: second
            case 2: third
            default: fourth
            }
        return (word >> UInt64(63 - index % 64)) & 1 == 1
    }
}

/// A small number that stands for a contact in tables and lookups.
///
/// Whoever owns the table or the lookup keeps an array of keys in which this number is the index; names and addresses stay with
/// the owner too. So ten thousand tables of a simulation share one array.
public struct ContactID: Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }
}

extension [KademliaKey] {
    /// The key of a contact; the owner keeps an entry for every number that it gives away.
    subscript(contact: ContactID) -> KademliaKey {
        self[Int(contact.rawValue)]
    }
}
