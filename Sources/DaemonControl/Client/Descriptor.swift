internal import Glibc
internal import Primitives

/// When a test gives up.
package typealias Deadline = ContinuousClock.Instant

extension Deadline {
    package static func within(_ duration: Duration = .seconds(10)) -> Deadline { .now + duration }

    /// What is left, in whole milliseconds, rounded up.
    var remainingMilliseconds: Int32 {
        let left = ContinuousClock.now.duration(to: self)
        return left <= .zero ? 0 : Int32(min(left.milliseconds + 1, 60_000))
    }
}

/// A socket or pipe that nobody waits for longer than until a deadline.
package final class Descriptor: Sendable {
    package let number: Int32
    private let name: String

    /// Takes over an open descriptor and closes it in the end.
    package init(owning number: Int32, name: String) {
        (self.number, self.name) = (number, name)
        let flags = fcntl(number, F_GETFL)
        _ = fcntl(number, F_SETFL, flags | O_NONBLOCK)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    }

    deinit { _ = close(number) }

    /// Between 1 and `countMax` bytes; none at the end, be it orderly or not.
    package func read(upTo countMax: Int = 64 << 10, before deadline: Deadline = .within()) throws -> [UInt8] {
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
    package func read(exactly count: Int, before deadline: Deadline = .within()) throws -> [UInt8] {
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
    package func readToEnd(before deadline: Deadline = .within()) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let piece = try read(before: deadline)
            if piece.isEmpty { return bytes }
            bytes += piece
        }
    }

    /// One message behind its length.
    package func readFrame(byteCountMax: Int = 2 << 20, before deadline: Deadline = .within()) throws -> [UInt8] {
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

    package func write(_ bytes: [UInt8], before deadline: Deadline = .within()) throws {
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

    /// Reads so many bytes and drops them.
    package func skip(_ byteCount: Int, before deadline: Deadline = .within()) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
        defer { unsafe buffer.deallocate() }
        var left = byteCount
        while left > 0 {
            let count = unsafe Glibc.read(number, buffer.baseAddress, min(left, buffer.count))
            if count > 0 {
                left -= count
            } else {
                guard count < 0, errno == EAGAIN || errno == EINTR else { throw PeerFailure.ended(name) }
                try wait(for: POLLIN, before: deadline)
            }
        }
    }

    /// The numbers of those that have something to read, or have ended; waits for the first.
    package static func readable(_ all: [Descriptor], before deadline: Deadline) throws -> Set<Int32> {
        var entries = all.map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
        _ = unsafe poll(&entries, UInt(entries.count), deadline.remainingMilliseconds)
        return Set(entries.lazy.filter { $0.revents != 0 }.map(\.fd))
    }

    /// Sends the end, and goes on to read.
    package func closeWrite() { _ = shutdown(number, Int32(SHUT_WR)) }

    /// Those that end before they bring anything, once there are so many.
    package static func ended(
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
