public import Cryptography
public import Primitives

/// Names a bid along its versions and all that becomes of it: 16 random bytes.
public struct BidID: Identifier16 {
    public let value: Bytes16

    public init(_ value: Bytes16) {
        self.value = value
    }

    /// Draws a new id.
    public init(random: inout SeededRandom) {
        value = drawn(random: &random)
    }
}

/// Names a request along its versions: 16 random bytes, unique per renter.
public struct RequestID: Identifier16 {
    public let value: Bytes16

    public init(_ value: Bytes16) {
        self.value = value
    }

    /// Draws a new id.
    public init(random: inout SeededRandom) {
        value = drawn(random: &random)
    }
}

/// Names a lease: the first 16 bytes of SHA-256(provider ‖ renter ‖ bid id), so that one bid never makes two leases.
public struct LeaseID: Identifier16 {
    public let value: Bytes16

    public init(_ value: Bytes16) {
        self.value = value
    }

    public init(provider: Ed25519.PublicKey, renter: Ed25519.PublicKey, bid: BidID) {
        let digest = SHA256.hash(provider.bytes + renter.bytes + bid.bytes)
        guard let value = Bytes16(digest.prefix(Bytes16.byteCount)) else {
            preconditionFailure("SHA-256 has 32 bytes")
        }
        self.value = value
    }
}
