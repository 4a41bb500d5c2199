internal import CUV
internal import Glibc
package import Primitives

/// A network interface, as sockets of one family name it.
package struct NetworkInterface: Hashable, Sendable {
    /// The system's number of it (RFC 3493, 4).
    let number: UInt32
    let name: String
    /// One of its addresses.
    let address: IPAddress
}

/// The addresses of this machine's interfaces.
package enum InterfaceAddresses {
    /// More than a sane machine has; what comes behind is left out.
    static let countMax = 64

    /// Of all interfaces that are up, loopback included, IPv4 first, in the order of their bytes.
    package static func current() -> [IPAddress] {
        // A link-local IPv6 address is useless without its interface's number, which an endpoint does not carry.
        let found = Set(all().map(\.address).filter { $0.isIPv4 || !$0.isLinkLocal })
        return Array(found.sorted().prefix(countMax))
    }

    /// The interfaces that are up and have an address of the family, loopback included, each with the first, in the order of these.
    package static func interfaces(isIPv4: Bool) -> [NetworkInterface] {
        var found: [NetworkInterface] = []
        for (name, address) in all().sorted(by: { $0.address < $1.address }) where address.isIPv4 == isIPv4 {
            let number = unsafe if_nametoindex(name)
            guard number != 0, !found.contains(where: { $0.number == number }) else { continue }
            found.append(NetworkInterface(number: number, name: name, address: address))
        }
        return Array(found.prefix(countMax))
    }

    private static func all() -> [(name: String, address: IPAddress)] {
        var list: UnsafeMutablePointer<uv_interface_address_t>?
        var count: Int32 = 0
        guard unsafe uv_interface_addresses(&list, &count) == 0 else { return [] }
        defer { unsafe uv_free_interface_addresses(list, count) }
        return (0..<Int(count)).compactMap { index in
            guard var entry = unsafe list?[index] else { return nil }
            let endpoint = unsafe withUnsafePointer(to: &entry.address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Endpoint($0) }
            }
            guard let address = endpoint?.address, !address.isUnspecified else { return nil }
            return unsafe (String(cString: entry.name), address)
        }
    }
}
