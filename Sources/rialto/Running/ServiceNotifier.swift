internal import Foundation
internal import Glibc

/// Tells systemd how a service is (sd_notify(3)): a datagram of `NAME=value` lines to the socket that it names.
struct ServiceNotifier: Sendable {
    private let path: String
    /// How often the service must prove that it lives; `nil` if nobody watches it.
    let watchdogInterval: Duration?

    /// `nil` where nobody asked to be told.
    init?(environment: [String: String] = ProcessInfo.processInfo.environment) {
        // The longest path that a socket's address holds with its final zero.
        guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/") || path.hasPrefix("@"),
            (2...107).contains(path.utf8.count)
        else { return nil }
        self.path = path
        let isForUs = environment["WATCHDOG_PID"].map { $0 == "\(getpid())" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.flatMap { $0 > 0 ? $0 : nil }
        watchdogInterval = isForUs ? microseconds.map { .microseconds($0) } : nil
    }

    /// Whether the datagram went out; a service goes on without.
    @discardableResult
    func tell(_ lines: String...) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { _ = close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A leading @ stands for the zero byte of an abstract name (unix(7)).
        let name = Array(path.utf8).enumerated().map { $0 == 0 && $1 == UInt8(ascii: "@") ? 0 : $1 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in unsafe field.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count + (path.hasPrefix("@") ? 0 : 1))
        let message = Array(lines.joined(separator: "\n").utf8)
        let sent = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), generic, length)
            }
        }
        return sent == message.count
    }
}
