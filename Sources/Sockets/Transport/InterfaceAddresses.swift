internal import CUV
package import Primitives

/// The addresses of this machine's interfaces.
package enum InterfaceAddresses {
    /// More than a sane machine has; what comes behind is left out.
    static let countMax = 64

    /// Of all interfaces that are up, loopback included, IPv4 first, in the order of their bytes.
    package static func current() -> [IPAddress] {
        var list: UnsafeMutablePointer<uv_interface_address_t>?
        var count: Int32 = 0
        guard unsafe uv_interface_addresses(&list, &count) == 0 else { return [] }
        defer { unsafe uv_free_interface_addresses(list, count) }
        var found: Set<IPAddress> = []
        for index in 0..<Int(count) {
            guard var entry = unsafe list?[index] else { continue }
            let endpoint = unsafe withUnsafePointer(to: &entry.address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Endpoint($0) }
            }
            guard let address = endpoint?.address, !address.isUnspecified else { continue }
            // A link-local IPv6 address is useless without its interface's name, which an endpoint does not carry.
            guard address.isIPv4 || !address.isLinkLocal else { continue }
            found.insert(address)
        }
        return Array(found.sorted().prefix(countMax))
    }
}
