internal import CUV
internal import Glibc
internal import Primitives

/// A stream socket of the Unix domain or of TCP, as the system knows it; none of these calls blocks.
struct LocalSocketDescriptor {
    let descriptor: Int32

    init(owning descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// A new socket of the family that the address needs.
    init(for address: LocalAddress) throws(SystemError) {
        switch address {
        case .endpoint(let endpoint):
            descriptor = try SystemSocket(isIPv4: endpoint.address.isIPv4).descriptor
        case .path:
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            descriptor = socket(AF_UNIX, kind, 0)
            guard descriptor >= 0 else { throw SystemError(errno: errno) }
        }
    }

    /// Whether it is connected already; if not, it is when it becomes writable without an error.
    func connect(to address: LocalAddress) throws(SystemError) -> Bool {
        let status = unsafe try Self.withNative(address) { pointer, byteCount in
            unsafe Glibc.connect(descriptor, pointer, byteCount)
        }
        if status == 0 { return true }
        guard errno == EINPROGRESS else { throw SystemError(errno: errno) }
        return false
    }

    /// Gives the address as it was bound; a path that nobody listens at any more is taken over.
    func listen(at address: LocalAddress, backlog: Int32) throws(SystemError) -> LocalAddress {
        if case .path(let path) = address, Self.isAbandoned(path) { _ = unsafe unlink(path) }
        if case .endpoint = address {
            var on: Int32 = 1
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        }
        let status = unsafe try Self.withNative(address) { pointer, byteCount in
            unsafe Glibc.bind(descriptor, pointer, byteCount)
        }
        guard status == 0 else { throw SystemError(errno: errno) }
        // Whoever can connect commands the daemon.
        if case .path(let path) = address { _ = unsafe chmod(path, 0o600) }
        guard Glibc.listen(descriptor, backlog) == 0 else { throw SystemError(errno: errno) }
        guard case .endpoint(let endpoint) = address else { return address }
        var storage = sockaddr_storage()
        var byteCount = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let told = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { native in
                unsafe getsockname(descriptor, native, &byteCount)
            }
        }
        guard told == 0, let bound = Endpoint(storage) else { return .endpoint(endpoint) }
        return .endpoint(bound)
    }

    /// The next program that waits; EAGAIN when there is none.
    func accept() throws(SystemError) -> Int32 {
        let accepted = rialto_accept(descriptor, nil, nil)
        guard accepted >= 0 else { throw SystemError(errno: errno) }
        return accepted
    }

    /// Why a connection could not be made; 0 if it was.
    var pendingError: Int32 {
        var failure: Int32 = 0
        var byteCount = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &byteCount) == 0 else { return errno }
        return failure
    }

    /// Whether the other end neither sends nor reads any more.
    var isHungUp: Bool {
        var entry = Glibc.pollfd(fd: descriptor, events: 0, revents: 0)
        return unsafe Glibc.poll(&entry, 1, 0) > 0 && entry.revents & Int16(POLLHUP | POLLERR) != 0
    }

    func close() {
        _ = Glibc.close(descriptor)
    }

    /// Whether a socket lies at the path at which a process listened that is no more.
    private static func isAbandoned(_ path: String) -> Bool {
        guard let probe = try? LocalSocketDescriptor(for: .path(path)) else { return false }
        defer { probe.close() }
        do throws(SystemError) {
            _ = try probe.connect(to: .path(path))
            return false
        } catch {
            return error.isAny(of: ECONNREFUSED)
        }
    }

    private static func withNative(
        _ address: LocalAddress,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SystemError) -> Int32 {
        switch address {
        case .endpoint(let endpoint):
            return unsafe endpoint.withSocketAddress { pointer, byteCount in unsafe body(pointer, byteCount) }
        case .path(let path):
            var native = sockaddr_un()
            native.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8)
            // The last byte stays zero.
            guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: native.sun_path) else {
                throw SystemError(errno: ENAMETOOLONG)
            }
            unsafe withUnsafeMutableBytes(of: &native.sun_path) { unsafe $0.copyBytes(from: bytes) }
            return unsafe withUnsafePointer(to: native) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    unsafe body(pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
    }
}
