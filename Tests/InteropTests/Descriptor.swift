import Glibc
import Primitives

/// When a test gives up.
typealias Deadline = ContinuousClock.Instant

extension Deadline {
    static func within(_ duration: Duration = .seconds(10)) -> Deadline { .now + duration }

    /// What is left, in whole milliseconds, rounded up.
    var remainingMilliseconds: Int32 {
        let left = ContinuousClock.now.duration(to: self)
        return left <= .zero ? 0 : Int32(min(left.milliseconds + 1, 60_000))
    }
}

/// A socket or pipe that nobody waits for longer than until a deadline.
final class Descriptor: Sendable {
    let number: Int32
    private let name: String

    /// Takes over an open descriptor and closes it in the end.
    init(owning number: Int32, name: String) {
        (self.number, self.name) = (number, name)
        let flags = fcntl(number, F_GETFL)
        _ = fcntl(number, F_SETFL, flags | O_NONBLOCK)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    }

    deinit { _ = close(number) }

    /// Between 1 and `countMax` bytes; none at the end, be it orderly or not.
    func read(upTo countMax: Int = 64 << 10, before deadline: Deadline = .within()) throws -> [UInt8] {
        while true {
            var status = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: countMax) { buffer, count in
                status = unsafe Glibc.read(number, buffer.baseAddress, countMax)
                count = max(status, 0)
            }
            // A socket of the Unix domain is reset if its other end is closed with bytes of ours unread.
            if status >= 0 || errno == ECONNRESET { return bytes }
            guard errno == EAGAIN || errno == EINTR else { throw PeerFailure.ended(name) }
            try wait(for: POLLIN, before: deadline)
        }
    }

    /// Exactly so many bytes.
    func read(exactly count: Int, before deadline: Deadline = .within()) throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            let piece = try read(upTo: min(count - bytes.count, 64 << 10), before: deadline)
            guard !piece.isEmpty else { throw PeerFailure.ended(name) }
            bytes += piece
        }
        return bytes
    }

    /// Everything up to the end.
    func readToEnd(before deadline: Deadline = .within()) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let piece = try read(before: deadline)
            if piece.isEmpty { return bytes }
            bytes += piece
        }
    }

    /// One message behind its length.
    func readFrame(byteCountMax: Int = 2 << 20, before deadline: Deadline = .within()) throws -> [UInt8] {
        var length: UInt64 = 0
        for index in 0..<5 {
            let byte = try read(exactly: 1, before: deadline)[0]
            length |= UInt64(byte & 0x7f) << UInt64(7 * index)
            guard byte & 0x80 == 0 else { continue }
            guard length <= UInt64(byteCountMax) else { break }
            return try read(exactly: Int(length), before: deadline)
        }
        throw PeerFailure.malformed("length")
    }

    func write(_ bytes: [UInt8], before deadline: Deadline = .within()) throws {
        var start = 0
        while start < bytes.count {
            let status = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(number, buffer.baseAddress?.advanced(by: start), buffer.count - start)
            }
            if status >= 0 {
                start += status
            } else {
                guard errno == EAGAIN || errno == EINTR else { throw PeerFailure.ended(name) }
                try wait(for: POLLOUT, before: deadline)
            }
        }
    }

    /// Sends the end, and goes on to read.
    func closeWrite() { _ = shutdown(number, Int32(SHUT_WR)) }

    /// Those that end before they bring anything, once there are so many.
    static func ended(
        _ count: Int,
        among all: [Descriptor],
        before deadline: Deadline = .within()
    ) throws -> [Descriptor] {
        var (open, ended): ([Descriptor], [Descriptor]) = (all, [])
        while ended.count < count {
            let left = deadline.remainingMilliseconds
            guard left > 0 else { throw PeerFailure.timedOut("\(count) streams to end, not \(ended.count)") }
            var entries = open.map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
            _ = unsafe poll(&entries, UInt(entries.count), left)
            let ready = Set(entries.lazy.filter { $0.revents != 0 }.map(\.fd))
            ended += try open.filter { try ready.contains($0.number) && $0.read(before: deadline).isEmpty }
            open.removeAll { ready.contains($0.number) }
        }
        return ended
    }

    private func wait(for event: Int32, before deadline: Deadline) throws {
        let left = deadline.remainingMilliseconds
        guard left > 0 else { throw PeerFailure.timedOut(name) }
        var entry = pollfd(fd: number, events: Int16(event), revents: 0)
        _ = unsafe poll(&entry, 1, left)
    }
}

/// A socket of the Unix domain.
enum UnixSocket {
    static func connect(to path: String) throws -> Descriptor {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw PeerFailure.ended("the system's sockets") }
        let descriptor = Descriptor(owning: number, name: path)
        let status = unsafe try withAddress(path) { unsafe Glibc.connect(number, $0, $1) }
        guard status == 0 else { throw PeerFailure.ended(path) }
        return descriptor
    }

    static func listen(at path: String) throws -> Descriptor {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw PeerFailure.ended("the system's sockets") }
        let descriptor = Descriptor(owning: number, name: path)
        let status = unsafe try withAddress(path) { unsafe Glibc.bind(number, $0, $1) }
        guard status == 0, Glibc.listen(number, 512) == 0 else { throw PeerFailure.ended(path) }
        return descriptor
    }

    static func accept(on listener: Descriptor, before deadline: Deadline = .within()) throws -> Descriptor {
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
