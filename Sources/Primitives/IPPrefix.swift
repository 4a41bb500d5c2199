/// The addresses that share their first bits: the key under which limits count the hosts of one owner.
///
/// An IPv4 owner has a /32; an IPv6 owner has a /56 or a /48, for one customer is given as many addresses as there are.
public struct IPPrefix: Hashable, Sendable, CustomStringConvertible {
    /// The lowest address: all bits behind the prefix are zero.
    public let address: IPAddress
    public let bitCount: Int

    fileprivate init(masking address: IPAddress, to bits: Int) {
        var bytes = address.bytes
        for index in bytes.indices {
            let kept = min(8, max(0, bits - index * 8))
            bytes[index] &= UInt8(truncatingIfNeeded: 0xff00 >> kept)
        }
        guard let masked = IPAddress(bytes) else { preconditionFailure("masking keeps the number of bytes") }
        self.address = masked
        bitCount = bits
    }

    /// Such as `10.1.0.0/16`.
    public var description: String { "\(address)/\(bitCount)" }
}

extension IPPrefix: Comparable {
    public static func < (left: IPPrefix, right: IPPrefix) -> Bool {
        (left.address, left.bitCount) < (right.address, right.bitCount)
    }
}

extension IPAddress {
    /// The group of this address by its first `bits` bits, at most all it has: 56 means /56 for IPv6 and /32 for IPv4.
    ///
    /// An IPv4-mapped address falls into the group of the IPv4 address inside.
    public func prefix(_ bits: Int) -> IPPrefix {
        precondition(bits >= 0, "a prefix has no \(bits) bits")
        let address = unmapped
        return IPPrefix(masking: address, to: min(bits, address.bitCount))
    }
}
