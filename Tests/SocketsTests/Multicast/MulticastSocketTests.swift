import Primitives
import Testing

@testable import Sockets

@Suite struct `A multicast socket` {
    /// A group of the range for private use (RFC 2365), on the loopback interface alone.
    static let group = IPAddress(239, 255, 77, 1)
    static let loopback = IPAddress(127, 0, 0, 1)

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
        let first = try #require(
            MulticastSocket(group: Self.group, port: 0, interfaces: [Self.loopback], on: loop, receive: receive)
        )
        let port = first.group.port
        let second = try #require(
            MulticastSocket(group: Self.group, port: port, interfaces: [Self.loopback], on: loop, receive: receive)
        )
        sockets = [first, second]
        first.send([1, 2, 3])
        loop.run()
        loop.close()
        #expect(heard == [[1, 2, 3], [1, 2, 3]])
    }

    @Test func `is none without an interface`() {
        let loop = UVLoop()
        defer { loop.close() }
        #expect(MulticastSocket(group: Self.group, port: 0, interfaces: [], on: loop, receive: { _, _ in }) == nil)
    }
}
