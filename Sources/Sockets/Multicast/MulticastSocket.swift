internal import CUV
internal import Glibc
package import Primitives

/// A socket of one multicast group on one interface of this machine; what it sends never leaves the network that is there.
///
/// Several programs of a machine may share the port, as multicast DNS demands (RFC 6762, 15). Datagrams come to `receive` on the
/// loop's thread; those that the group's members send there, this one included, and no others.
package final class MulticastSocket {
    /// A turn of the loop reads so many datagrams: a flood on the LAN must not keep the other sockets from their turn.
    private static let datagramsPerTurnMax = 32
    private static let byteCountMax = 9_000

    /// Where the group's datagrams are sent.
    package let group: Endpoint
    private let descriptor: Int32
    let interface: NetworkInterface
    private var poll: UVHandle?
    private let receive: ([UInt8], IPAddress) -> Void
    private var buffer = [UInt8](repeating: 0, count: byteCountMax + 1)

    /// Joins the group on the interface, or is `nil` where the system does not allow it; port 0 lets the system choose.
    package init?(
        group: IPAddress,
        port: UInt16,
        interface: NetworkInterface,
        on loop: UVLoop,
        receive: @escaping ([UInt8], IPAddress) -> Void
    ) {
        let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let made = socket(group.isIPv4 ? AF_INET : AF_INET6, kind, 0)
        guard made >= 0 else { return nil }
        guard Self.share(made), group.isIPv4 ? Self.prepareIPv4(made, interface) : Self.prepareIPv6(made),
            // Bound to the group, on its interface, the socket hears nothing else.
            let bound = Self.bind(made, to: Endpoint(address: group, port: port), on: interface),
            Self.join(made, group, on: interface)
        else {
            _ = Glibc.close(made)
            return nil
        }
        (descriptor, self.interface, self.receive) = (made, interface, receive)
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
        unsafe uv_poll_start(poll.pointer(), Int32(UV_READABLE.rawValue)) { native, status, _ in
            (unsafe UVHandle.target(of: native) as? MulticastSocket)?.polled(status)
        }
    }

    /// Whether it was neither closed nor ended by an error.
    var isOpen: Bool { poll != nil }

    /// Sends to the group; what cannot be sent is lost, as datagrams may be.
    package func send(_ bytes: [UInt8]) {
        guard poll != nil else { return }
        _ = unsafe group.withSocketAddress(on: interface) { address, length in
            unsafe bytes.withUnsafeBytes { unsafe sendto(descriptor, $0.baseAddress, $0.count, 0, address, length) }
        }
    }

    package func close() {
        guard let poll else { return }
        self.poll = nil
        poll.close()
        _ = Glibc.close(descriptor)
    }

    /// What libuv saw at the socket: something to read, or an error, after which it watches no more.
    func polled(_ status: Int32) {
        guard status == 0 else { return close() }
        readWaiting()
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

    private static func share(_ descriptor: Int32) -> Bool {
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, Int32(1)) && set(descriptor, SOL_SOCKET, SO_REUSEPORT, Int32(1))
    }

    private static func prepareIPv4(_ descriptor: Int32, _ interface: NetworkInterface) -> Bool {
        let level = Int32(IPPROTO_IP)
        // RFC 6762, 11: whoever checks sees that it came from this network.
        return set(descriptor, level, IP_MULTICAST_TTL, Int32(255))
            && set(descriptor, level, IP_MULTICAST_LOOP, Int32(1))
            // Not what other sockets of this machine have joined (ip(7)).
            && set(descriptor, level, IP_MULTICAST_ALL, Int32(0))
            && set(descriptor, level, IP_MULTICAST_IF, request(interface))
    }

    private static func prepareIPv6(_ descriptor: Int32) -> Bool {
        let level = Int32(IPPROTO_IPV6)
        return set(descriptor, level, IPV6_V6ONLY, Int32(1)) && set(descriptor, level, IPV6_MULTICAST_HOPS, Int32(255))
            && set(descriptor, level, IPV6_MULTICAST_LOOP, Int32(1))
    }

    private static func join(_ descriptor: Int32, _ group: IPAddress, on interface: NetworkInterface) -> Bool {
        if group.isIPv4 {
            var request = request(interface)
            unsafe withUnsafeMutableBytes(of: &request.imr_multiaddr) { unsafe $0.copyBytes(from: group.bytes) }
            return set(descriptor, Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, request)
        }
        var request = ipv6_mreq()
        request.ipv6mr_interface = interface.number
        unsafe withUnsafeMutableBytes(of: &request.ipv6mr_multiaddr) { unsafe $0.copyBytes(from: group.bytes) }
        return set(descriptor, Int32(IPPROTO_IPV6), IPV6_JOIN_GROUP, request)
    }

    /// Names the interface; its address is the one to send from.
    private static func request(_ interface: NetworkInterface) -> ip_mreqn {
        var request = ip_mreqn()
        request.imr_ifindex = Int32(bitPattern: interface.number)
        unsafe withUnsafeMutableBytes(of: &request.imr_address) { unsafe $0.copyBytes(from: interface.address.bytes) }
        return request
    }

    private static func set<Value>(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Value) -> Bool {
        unsafe withUnsafeBytes(of: value) {
            unsafe setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count)) == 0
        }
    }

    /// The port that the socket has then.
    private static func bind(_ descriptor: Int32, to endpoint: Endpoint, on interface: NetworkInterface) -> UInt16? {
        let status = unsafe endpoint.withSocketAddress(on: interface) { unsafe Glibc.bind(descriptor, $0, $1) }
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
}
