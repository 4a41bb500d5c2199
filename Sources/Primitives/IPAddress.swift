/// An IPv4 or IPv6 address as its 4 or 16 bytes in network order.
public struct IPAddress: Hashable, Sendable {
    public let bytes: [UInt8]

    /// `nil` unless there are exactly 4 or 16 bytes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// The IPv4 address with these four bytes, as in `IPAddress(127, 0, 0, 1)`.
    public init(_ first: UInt8, _ second: UInt8, _ third: UInt8, _ fourth: UInt8) {
        bytes = [first, second, third, fourth]
    }

    public var isIPv4: Bool { bytes.count == 4 }

    public var bitCount: Int { bytes.count * 8 }

    /// The IPv4 address inside an IPv4-mapped one (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2); every other address is itself.
    ///
    /// A socket that takes both families reports IPv4 peers in the mapped form: limits must count both forms as one host.
    public var unmapped: IPAddress {
        guard !isIPv4, bytes.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] else { return self }
        return IPAddress(bytes[12], bytes[13], bytes[14], bytes[15])
    }
}

/// IPv4 before IPv6, then by the bytes.
extension IPAddress: Comparable {
    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        if left.bytes.count != right.bytes.count { return left.bytes.count < right.bytes.count }
        return left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

/// What an address is for; IPv4-mapped addresses count as the IPv4 address inside.
extension IPAddress {
    /// `127.0.0.0/8` or `::1`.
    public var isLoopback: Bool {
        let bytes = unmapped.bytes
        return bytes.count == 4 ? bytes[0] == 127 : bytes == Self.loopbackIPv6
    }

    /// `0.0.0.0` or `::`: "any of mine" for a listener, nothing for a dialler.
    public var isUnspecified: Bool {
        unmapped.bytes.allSatisfy { $0 == 0 }
    }

    /// `169.254.0.0/16` or `fe80::/10`.
    public var isLinkLocal: Bool {
        let bytes = unmapped.bytes
        return bytes.count == 4 ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80
    }

    /// The private ranges of RFC 1918, the shared range of carrier-grade NAT (RFC 6598) and `fc00::/7` (RFC 4193).
    public var isPrivate: Bool {
        let bytes = unmapped.bytes
        guard bytes.count == 4 else { return bytes[0] & 0xfe == 0xfc }
        switch (bytes[0], bytes[1]) {
        case (10, _), (172, 16...31), (192, 168), (100, 64...127): return true
        default: return false
        }
    }

    /// `224.0.0.0/4` or `ff00::/8`.
    public var isMulticast: Bool {
        let bytes = unmapped.bytes
        return bytes.count == 4 ? bytes[0] & 0xf0 == 0xe0 : bytes[0] == 0xff
    }

    /// IPv4 ranges that no host has: `0.0.0.0/8` but for the unspecified address, and `240.0.0.0/4` with the broadcast address.
    public var isReserved: Bool {
        let bytes = unmapped.bytes
        guard bytes.count == 4 else { return false }
        return bytes[0] >= 240 || (bytes[0] == 0 && !isUnspecified)
    }

    /// The one policy that exempts homes, laboratories and tests from limits per address: loopback, private and link-local
    /// addresses.
    public var isExemptFromNetworkLimits: Bool {
        isLoopback || isPrivate || isLinkLocal
    }

    private static let loopbackIPv6: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
}
