internal import CUV
internal import Glibc
internal import Primitives

/// A TCP socket before libuv takes it over: what libuv's own functions cannot ask for.
struct SystemSocket {
    let descriptor: Int32

    /// A new socket that neither blocks nor survives `exec`.
    init(isIPv4: Bool) throws(SystemError) {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        descriptor = socket(isIPv4 ? AF_INET : AF_INET6, kind, 0)
        guard descriptor >= 0 else { throw SystemError(errno: errno) }
    }

    /// A socket that listens, and from whose port one can dial.
    ///
    /// SO_REUSEPORT comes after `bind`: so a port that another process listens on is refused, instead of being shared with it
    /// in silence, and sockets that dial may still share ours.
    static func listening(at endpoint: Endpoint, backlog: Int32) throws(SystemError) -> SystemSocket {
        let made = try SystemSocket(isIPv4: endpoint.address.isIPv4)
        do throws(SystemError) {
            try made.set(SO_REUSEADDR)
            if !endpoint.address.isIPv4 { try made.set(IPV6_V6ONLY, level: Int32(IPPROTO_IPV6)) }
            try made.bind(to: endpoint)
            try made.set(SO_REUSEPORT)
            guard listen(made.descriptor, backlog) == 0 else { throw SystemError(errno: errno) }
            return made
        } catch {
            made.close()
            throw error
        }
    }

    /// A socket to dial with, from `source` if there is one.
    static func dialing(isIPv4: Bool, from source: Endpoint?) throws(SystemError) -> SystemSocket {
        let made = try SystemSocket(isIPv4: isIPv4)
        guard let source else { return made }
        do throws(SystemError) {
            try made.set(SO_REUSEADDR)
            try made.set(SO_REUSEPORT)
            if !isIPv4 { try made.set(IPV6_V6ONLY, level: Int32(IPPROTO_IPV6)) }
            try made.bind(to: source)
            return made
        } catch {
            made.close()
            throw error
        }
    }

    /// The address that the system chose.
    func localEndpoint() throws(SystemError) -> Endpoint {
        var storage = sockaddr_storage()
        var byteCount = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe getsockname(descriptor, address, &byteCount)
            }
        }
        guard status == 0 else { throw SystemError(errno: errno) }
        guard let endpoint = Endpoint(storage) else { throw SystemError(errno: EAFNOSUPPORT) }
        return endpoint
    }

    /// The next connection that waits; EAGAIN when there is none.
    func accept() throws(SystemError) -> (descriptor: Int32, remote: Endpoint) {
        var storage = sockaddr_storage()
        var byteCount = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let accepted = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe rialto_accept(descriptor, address, &byteCount)
            }
        }
        guard accepted >= 0 else { throw SystemError(errno: errno) }
        guard let remote = Endpoint(storage) else {
            _ = Glibc.close(accepted)
            throw SystemError(errno: ECONNABORTED)
        }
        return (accepted, remote)
    }

    func close() {
        _ = Glibc.close(descriptor)
    }

    private func bind(to endpoint: Endpoint) throws(SystemError) {
        let status = unsafe endpoint.withSocketAddress { address, byteCount in
            unsafe Glibc.bind(descriptor, address, byteCount)
        }
        guard status == 0 else { throw SystemError(errno: errno) }
    }

    private func set(_ option: Int32, level: Int32 = SOL_SOCKET) throws(SystemError) {
        var on: Int32 = 1
        let status = unsafe setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
        guard status == 0 else { throw SystemError(errno: errno) }
    }
}
