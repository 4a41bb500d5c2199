public import Cryptography
public import Primitives

/// Names a bid along its versions and all that becomes of it: 16 random bytes.
public struct BidID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: Bytes16

    public init(_ value: Bytes16) {
        self.value = value
    }

    /// `nil` unless there are exactly 16 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let value = Bytes16(bytes) else { return nil }
        self.value = value
    }

    /// Draws a new id.
    public init(random: inout SeededRandom) {
        guard let value = Bytes16(random.bytes(Bytes16.byteCount)) else { preconditionFailure("16 bytes were drawn") }
        self.value = value
    }

    public var bytes: [UInt8] { value.bytes }
    public var description: String { hexadecimal(bytes) }
    public static func < (left: BidID, right: BidID) -> Bool { left.value < right.value }
}

/// Names a request along its versions: 16 random bytes, unique per renter.
public struct RequestID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: Bytes16

    public init(_ value: Bytes16) {
        self.value = value
    }

    /// `nil` unless there are exactly 16 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let value = Bytes16(bytes) else { return nil }
        self.value = value
    }

    /// Draws a new id.
    public init(random: inout SeededRandom) {
        guard let value = Bytes16(random.bytes(Bytes16.byteCount)) else { preconditionFailure("16 bytes were drawn") }
        self.value = value
    }

    public var bytes: [UInt8] { value.bytes }
    public var description: String { hexadecimal(bytes) }
    public static func < (left: RequestID, right: RequestID) -> Bool { left.value < right.value }
}

/// Names a lease: the first 16 bytes of SHA-256(provider ‖ renter ‖ bid id), so that one bid never makes two leases.
public struct LeaseID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: Bytes16

    public init(_ value: Bytes16) {
        self.value = value
    }

    /// `nil` unless there are exactly 16 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let value = Bytes16(bytes) else { return nil }
        self.value = value
    }

    public init(provider: Ed25519.PublicKey, renter: Ed25519.PublicKey, bid: BidID) {
        let digest = SHA256.hash(provider.bytes + renter.bytes + bid.bytes)
        guard let value = Bytes16(digest.prefix(Bytes16.byteCount)) else {
            preconditionFailure("SHA-256 has 32 bytes")
        }
        self.value = value
    }

    public var bytes: [UInt8] { value.bytes }
    public var description: String { hexadecimal(bytes) }
    public static func < (left: LeaseID, right: LeaseID) -> Bool { left.value < right.value }
}
