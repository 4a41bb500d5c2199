public import Primitives

/// The neighbourhood of an address for the limits of the table: an IPv4 /16 or an IPv6 /32, what one party is taken to own.
///
/// Loopback, private and link-local addresses belong to no group and are never limited: homes, laboratories and tests live there.
public struct IPGroup: Hashable, Comparable, Sendable {
    /// Zero for none; IPv4 groups have 16 bits, and no IPv6 unicast range in use begins with 16 zero bits.
    private let prefix: UInt32

    /// The group of those who are not limited.
    public static let exempt = IPGroup(prefix: 0)

    private init(prefix: UInt32) {
        self.prefix = prefix
    }

    /// The group of the host at `address`.
    public init(_ address: IPAddress) {
        guard !address.isExemptFromNetworkLimits else {
            self = .exempt
            return
        }
        let bytes = address.unmapped.bytes
        prefix = bytes.prefix(bytes.count == 4 ? 2 : 4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    public var isExempt: Bool { prefix == 0 }

    /// Four bytes that no other group has.
    public var bytes: [UInt8] {
        stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: prefix >> UInt32($0)) }
    }

    public static func < (left: IPGroup, right: IPGroup) -> Bool { left.prefix < right.prefix }
}
