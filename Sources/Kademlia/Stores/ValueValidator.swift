/// What a validator says of a value that may be kept.
public struct ValueStanding: Hashable, Sendable {
    /// The higher one is better: a sequence number, as a rule.
    public let rank: UInt64
    /// From when on the value is worth nothing.
    public let expiresAtUnixMilliseconds: Int64

    public init(rank: UInt64, expiresAtUnixMilliseconds: Int64) {
        self.rank = rank
        self.expiresAtUnixMilliseconds = expiresAtUnixMilliseconds
    }

    /// Whether a value beats another of the same key; the bytes decide between equals, so that all holders decide alike.
    func isBetter(than other: ValueStanding, _ value: [UInt8], _ otherValue: [UInt8]) -> Bool {
        if rank != other.rank { return rank > other.rank }
        return otherValue.lexicographicallyPrecedes(value)
    }
}

/// Judges the values of the namespaces that a network has (libp2p/specs, kad-dht, "Entry validation").
///
/// The specification's `Validate` and `Select` are one here: `judge` answers `nil` to what must not be kept, and the rank that it
/// gives decides between two values. It must be pure: the same bytes at the same time have the same standing everywhere.
public protocol ValueValidator: Sendable {
    func judge(_ value: KademliaValue, unixMilliseconds: Int64) -> ValueStanding?

    /// Whether this node wants no value of the key, whatever it says: its own choice, unlike the standing.
    func shuns(_ key: [UInt8], unixMilliseconds: Int64) -> Bool
}

extension ValueValidator {
    public func shuns(_ key: [UInt8], unixMilliseconds: Int64) -> Bool { false }
}

/// A network without values: providers and peers alone.
public struct NoValues: ValueValidator {
    public init() {}

    public func judge(_ value: KademliaValue, unixMilliseconds: Int64) -> ValueStanding? { nil }
}
