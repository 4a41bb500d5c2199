internal import Primitives

/// The leading bytes of an address that one party is taken to own: a stranger can choose the rest freely.
struct NetworkGroup: Hashable, Comparable, Sendable {
    private let prefix: [UInt8]

    /// One host: IPv4 /32 or IPv6 /56.
    static func host(of address: IPAddress) -> NetworkGroup {
        group(of: address, ipv4ByteCount: 4, ipv6ByteCount: 7)
    }

    /// One site: IPv4 /32 (a host, there is nothing wider to count) or IPv6 /48.
    static func site(of address: IPAddress) -> NetworkGroup {
        group(of: address, ipv4ByteCount: 4, ipv6ByteCount: 6)
    }

    /// One provider's neighbourhood, for counting independent witnesses: IPv4 /16 or IPv6 /32.
    static func neighbourhood(of address: IPAddress) -> NetworkGroup {
        group(of: address, ipv4ByteCount: 2, ipv6ByteCount: 4)
    }

    /// An IPv4-mapped address counts as the IPv4 address that it is.
    private static func group(of address: IPAddress, ipv4ByteCount: Int, ipv6ByteCount: Int) -> NetworkGroup {
        let host = address.unmapped
        return NetworkGroup(
            prefix: [host.isIPv4 ? 4 : 6] + host.bytes.prefix(host.isIPv4 ? ipv4ByteCount : ipv6ByteCount)
        )
    }

    static func < (left: NetworkGroup, right: NetworkGroup) -> Bool {
        left.prefix.lexicographicallyPrecedes(right.prefix)
    }
}
