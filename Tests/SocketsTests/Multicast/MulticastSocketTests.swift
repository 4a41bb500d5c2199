import Primitives
import Testing

@testable import Sockets

@Suite struct `A multicast socket` {
    /// A group of the range for private use (RFC 2365), on the loopback interface alone.
    static let group = IPAddress(239, 255, 77, 1)
    static let loopback = IPAddress(127, 0, 0, 1)

    static var interface: NetworkInterface {
        get throws { try #require(InterfaceAddresses.interfaces(isIPv4: true).first { $0.address == loopback }) }
    }

    @Test(.timeLimit(.minutes(1))) func `reaches whoever shares group and port on this machine, itself included`()
        throws
    {
        let loop = UVLoop()
        var heard: [[UInt8]] = []
        var sockets: [MulticastSocket] = []
        let receive = { (bytes: [UInt8], source: IPAddress) in
            #expect(source == Self.loopback)
            heard.append(bytes)
            guard heard.count == 2 else { return }
            for socket in sockets { socket.close() }
        }
        let interface = try Self.interface
        let first = try #require(
            MulticastSocket(group: Self.group, port: 0, interface: interface, on: loop, receive: receive)
        )
        let port = first.group.port
        let second = try #require(
            MulticastSocket(group: Self.group, port: port, interface: interface, on: loop, receive: receive)
        )
        sockets = [first, second]
        first.send([1, 2, 3])
        loop.run()
        loop.close()
        #expect(heard == [[1, 2, 3], [1, 2, 3]])
    }

    @Test func `is none on an interface that is not there`() throws {
        let loop = UVLoop()
        defer { loop.close() }
        let groups = [Self.group.bytes, [0xff, 0x02] + [UInt8](repeating: 0, count: 13) + [0xfb]]
        for group in groups.compactMap({ IPAddress($0) }) {
            let missing = NetworkInterface(number: 0x7fff_ffff, name: "none", address: Self.loopback)
            #expect(MulticastSocket(group: group, port: 0, interface: missing, on: loop, receive: { _, _ in }) == nil)
        }
    }

    @Test func `each interface counts once for a family`() {
        for isIPv4 in [true, false] {
            let found = InterfaceAddresses.interfaces(isIPv4: isIPv4)
            #expect(Set(found.map(\.number)).count == found.count)
            #expect(found.allSatisfy { $0.address.isIPv4 == isIPv4 })
        }
    }
}
