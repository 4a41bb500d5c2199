internal import CUV
internal import Glibc
package import Primitives

/// A socket of one IPv4 multicast group on the networks that this machine is on; what it sends never leaves them.
///
/// Several programs of a machine may share the port, as multicast DNS demands (RFC 6762, 15). Datagrams come to `receive` on the
/// loop's thread; those that the group's members send, this one included, and no others.
package final class MulticastSocket {
    /// A turn of the loop reads so many datagrams: a flood on the LAN must not keep the other sockets from their turn.
    private static let datagramsPerTurnMax = 32
    private static let byteCountMax = 9_000

    /// Where the group's datagrams are sent.
    package let group: Endpoint
    private let descriptor: Int32
    private let interfaces: [IPAddress]
    private var poll: UVHandle?
    private let receive: ([UInt8], IPAddress) -> Void
    private var buffer = [UInt8](repeating: 0, count: byteCountMax + 1)

    /// Joins the group on each of these interfaces, named by an IPv4 address of theirs; port 0 lets the system choose.
    package init?(
        group: IPAddress,
        port: UInt16,
        interfaces: [IPAddress],
        on loop: UVLoop,
        receive: @escaping ([UInt8], IPAddress) -> Void
    ) {
        let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let made = socket(AF_INET, kind, 0)
        guard made >= 0 else { return nil }
        let usable = interfaces.filter(\.isIPv4)
        guard Self.prepare(made), let bound = Self.bind(made, to: Endpoint(address: group, port: port)),
            usable.count(where: { Self.join(made, group, at: $0) }) > 0
        else {
            _ = Glibc.close(made)
            return nil
        }
        (descriptor, self.interfaces, self.receive) = (made, usable, receive)
        self.group = Endpoint(address: group, port: bound)
        poll = unsafe UVHandle(UV_POLL, on: loop) { memory in
            let native = unsafe memory.assumingMemoryBound(to: uv_poll_t.self)
            return unsafe uv_poll_init(loop.pointer, native, made)
        }
        guard let poll else {
            _ = Glibc.close(made)
            return nil
        }
        poll.attach(self)
        unsafe uv_poll_start(poll.pointer(), Int32(UV_READABLE.rawValue)) { native, _, _ in
            (unsafe UVHandle.target(of: native) as? MulticastSocket)?.readWaiting()
        }
    }

    /// Sends to the group on every interface; what cannot be sent is lost, as datagrams may be.
    package func send(_ bytes: [UInt8]) {
        guard poll != nil else { return }
        for interface in interfaces {
            var native = Self.native(interface)
            let size = socklen_t(MemoryLayout<in_addr>.size)
            guard unsafe setsockopt(descriptor, Int32(IPPROTO_IP), IP_MULTICAST_IF, &native, size) == 0 else {
                continue
            }
            _ = unsafe group.withSocketAddress { address, length in
                unsafe bytes.withUnsafeBytes { unsafe sendto(descriptor, $0.baseAddress, $0.count, 0, address, length) }
            }
        }
    }

    package func close() {
        guard let poll else { return }
        self.poll = nil
        poll.close()
        _ = Glibc.close(descriptor)
    }

    private func readWaiting() {
        for _ in 0..<Self.datagramsPerTurnMax where poll != nil {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let count = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    unsafe recvfrom(descriptor, &buffer, buffer.count, 0, address, &length)
                }
            }
            guard count >= 0 else { return }
            // One that is longer than it may be fills the buffer.
            guard count <= Self.byteCountMax, let source = Endpoint(storage) else { continue }
            receive(Array(buffer.prefix(count)), source.address)
        }
    }

    // MARK: The system

    private static func prepare(_ descriptor: Int32) -> Bool {
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) && set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1)
            // RFC 6762, 11: whoever checks sees that it came from this network.
            && set(descriptor, Int32(IPPROTO_IP), IP_MULTICAST_TTL, 255)
            && set(descriptor, Int32(IPPROTO_IP), IP_MULTICAST_LOOP, 1)
            // Not what other sockets of this machine have joined (ip(7)).
            && set(descriptor, Int32(IPPROTO_IP), IP_MULTICAST_ALL, 0)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        return unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    /// The port that the socket has then.
    private static func bind(_ descriptor: Int32, to endpoint: Endpoint) -> UInt16? {
        let status = unsafe endpoint.withSocketAddress { unsafe Glibc.bind(descriptor, $0, $1) }
        guard status == 0 else { return nil }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let named = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe getsockname(descriptor, address, &length)
            }
        }
        return named == 0 ? Endpoint(storage)?.port : nil
    }

    private static func join(_ descriptor: Int32, _ group: IPAddress, at interface: IPAddress) -> Bool {
        var request = ip_mreq(imr_multiaddr: native(group), imr_interface: native(interface))
        let size = socklen_t(MemoryLayout<ip_mreq>.size)
        return unsafe setsockopt(descriptor, Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, &request, size) == 0
    }

    private static func native(_ address: IPAddress) -> in_addr {
        var native = in_addr()
        unsafe withUnsafeMutableBytes(of: &native) { unsafe $0.copyBytes(from: address.bytes) }
        return native
    }
}
