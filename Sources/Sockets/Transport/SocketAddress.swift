internal import CUV
internal import Glibc
internal import Primitives

extension Endpoint {
    /// Lends the endpoint as the system's structure; link-local IPv6 addresses need the interface on which they are meant.
    func withSocketAddress<Result>(
        on interface: NetworkInterface? = nil,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var storage = sockaddr_storage()
        let byteCount: Int
        if address.isIPv4 {
            var native = sockaddr_in()
            native.sin_family = sa_family_t(AF_INET)
            native.sin_port = port.bigEndian
            unsafe withUnsafeMutableBytes(of: &native.sin_addr) { unsafe $0.copyBytes(from: address.bytes) }
            byteCount = MemoryLayout<sockaddr_in>.size
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: native, as: sockaddr_in.self) }
        } else {
            var native = sockaddr_in6()
            native.sin6_family = sa_family_t(AF_INET6)
            native.sin6_port = port.bigEndian
            native.sin6_scope_id = interface?.number ?? 0
            unsafe withUnsafeMutableBytes(of: &native.sin6_addr) { unsafe $0.copyBytes(from: address.bytes) }
            byteCount = MemoryLayout<sockaddr_in6>.size
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: native, as: sockaddr_in6.self) }
        }
        return unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe body(address, socklen_t(byteCount))
            }
        }
    }

    /// `nil` unless the family is IPv4 or IPv6.
    init?(_ storage: sockaddr_storage) {
        let endpoint = unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Endpoint($0) }
        }
        guard let endpoint else { return nil }
        self = endpoint
    }

    /// Reads the structure that the system gave; its memory is as long as its family says.
    init?(_ native: UnsafePointer<sockaddr>) {
        let raw = unsafe UnsafeRawPointer(native)
        switch unsafe Int32(native.pointee.sa_family) {
        case AF_INET:
            let native = unsafe raw.loadUnaligned(as: sockaddr_in.self)
            let bytes = unsafe withUnsafeBytes(of: native.sin_addr) { unsafe [UInt8]($0) }
            guard let address = IPAddress(bytes) else { return nil }
            self.init(address: address, port: UInt16(bigEndian: native.sin_port))
        case AF_INET6:
            let native = unsafe raw.loadUnaligned(as: sockaddr_in6.self)
            let bytes = unsafe withUnsafeBytes(of: native.sin6_addr) { unsafe [UInt8]($0) }
            guard let address = IPAddress(bytes) else { return nil }
            self.init(address: address, port: UInt16(bigEndian: native.sin6_port))
        default:
            return nil
        }
    }
}
