import Glibc
import Testing

/// A client of a Unix socket, and a limit of this process under which nobody can accept it.
final class DescriptorThief {
    private let path: String
    /// Made before there are no more descriptors.
    private let descriptor: Int32
    private var usual = rlimit()

    init(_ path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        try #require(unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &usual) == 0)
    }

    deinit {
        giveBack()
        _ = close(descriptor)
    }

    /// From now on this process cannot open anything.
    func takeAll() {
        let lowestFree = dup(descriptor)
        _ = close(lowestFree)
        limit(to: rlim_t(max(0, lowestFree)))
    }

    func giveBack() { limit(to: usual.rlim_cur) }

    func connect() {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let connected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
                unsafe Glibc.connect(descriptor, place, length)
            }
        }
        #expect(connected == 0)
    }

    private func limit(to count: rlim_t) {
        var limit = rlimit(rlim_cur: count, rlim_max: usual.rlim_max)
        #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
    }
}
