internal import Glibc

/// A socket of the Unix domain.
package enum UnixSocket {
    package static func connect(to path: String) throws -> Descriptor {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw PeerFailure.ended("the system's sockets") }
        let descriptor = Descriptor(owning: number, name: path)
        let status = unsafe try withAddress(path) { unsafe Glibc.connect(number, $0, $1) }
        guard status == 0 else { throw PeerFailure.ended(path) }
        return descriptor
    }

    package static func listen(at path: String) throws -> Descriptor {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw PeerFailure.ended("the system's sockets") }
        let descriptor = Descriptor(owning: number, name: path)
        let status = unsafe try withAddress(path) { unsafe Glibc.bind(number, $0, $1) }
        guard status == 0, Glibc.listen(number, 512) == 0 else { throw PeerFailure.ended(path) }
        return descriptor
    }

    package static func accept(on listener: Descriptor, before deadline: Deadline = .within()) throws -> Descriptor {
        while true {
            let number = Glibc.accept(listener.number, nil, nil)
            if number >= 0 { return Descriptor(owning: number, name: "a stream of the peer") }
            let left = deadline.remainingMilliseconds
            guard left > 0 else { throw PeerFailure.timedOut("a stream of the peer") }
            var entry = pollfd(fd: listener.number, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&entry, 1, left)
        }
    }

    private static func withAddress(
        _ path: String,
        _ use: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // The path's last byte stays zero.
        guard bytes.count < MemoryLayout<sockaddr_un>.size - MemoryLayout<sa_family_t>.size else {
            throw PeerFailure.malformed(path)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe use(pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
