import Glibc
import Primitives
import Testing

@testable import Sockets

@Suite struct `Multicast sockets` {
    static let group = IPAddress(239, 255, 77, 2)
    /// Below the ports that Linux gives out by itself; all tests of a run hear each other there.
    static let port = UInt16.random(in: 20_000..<30_000)

    @Test func `an interface that is made anew, renamed or given another address is another one`() {
        let address = IPAddress(192, 0, 2, 1)
        let old = NetworkInterface(number: 2, name: "eth0", address: address)
        let stays = NetworkInterface(number: 1, name: "lo", address: IPAddress(127, 0, 0, 1))
        let others = [
            NetworkInterface(number: 3, name: "eth0", address: address),
            NetworkInterface(number: 2, name: "eth1", address: address),
            NetworkInterface(number: 2, name: "eth0", address: IPAddress(192, 0, 2, 9)),
        ]
        for other in others {
            let change = InterfaceChange(from: [stays, old], to: [other, stays])
            #expect(change.gone == [old])
            #expect(change.new == [other])
        }
        #expect(InterfaceChange(from: [], to: [stays, old]).new == [stays, old])
        #expect(InterfaceChange(from: [stays, old], to: []).gone == [stays, old])
        let none = InterfaceChange(from: [stays, old], to: [old, stays])
        #expect(none.gone.isEmpty && none.new.isEmpty)
    }

    @Test func `an interface that comes up late is joined, and left when it is gone`() throws {
        let interface = try `A multicast socket`.interface
        let loop = UVLoop()
        var found: [NetworkInterface] = []
        var heard: [[UInt8]] = []
        let sockets = MulticastSockets(
            groups: [Self.group],
            port: Self.port,
            on: loop,
            every: .milliseconds(10),
            receive: { bytes, _ in heard.append(bytes) },
            lookUp: { isIPv4 in isIPv4 ? found : [] }
        )
        #expect(sockets.count == 0)
        found = [interface]
        Self.turn(loop) { sockets.count == 1 }
        sockets.send([1, 2, 3])
        Self.turn(loop) { heard.contains([1, 2, 3]) }
        found = []
        Self.turn(loop) { sockets.count == 0 }
        sockets.close()
        sockets.update()
        #expect(sockets.count == 0)
        loop.close()
    }

    @Test func `an interface that was made anew gets a socket of its own`() throws {
        let interface = try `A multicast socket`.interface
        let loop = UVLoop()
        var found = [NetworkInterface(number: interface.number, name: "before", address: interface.address)]
        var heard: [[UInt8]] = []
        let sockets = MulticastSockets(
            groups: [Self.group],
            port: Self.port,
            on: loop,
            receive: { bytes, _ in heard.append(bytes) },
            lookUp: { _ in found }
        )
        #expect(sockets.count == 1)
        found = [interface]
        sockets.update()
        sockets.update()
        #expect(sockets.count == 1)
        sockets.send([4])
        Self.turn(loop) { heard.contains([4]) }
        sockets.close()
        loop.close()
    }

    @Test func `a socket that ended by an error is opened anew`() throws {
        let interface = try `A multicast socket`.interface
        let loop = UVLoop()
        let single = MulticastSocket(group: Self.group, port: 0, interface: interface, on: loop, receive: { _, _ in })
        let socket = try #require(single)
        socket.polled(0)
        #expect(socket.isOpen)
        socket.polled(-EBADF)
        #expect(!socket.isOpen)

        let sockets = MulticastSockets(
            groups: [Self.group],
            port: Self.port,
            on: loop,
            receive: { _, _ in },
            lookUp: { _ in [interface] }
        )
        let first = try #require(sockets.sockets.first)
        first.polled(-EBADF)
        #expect(sockets.count == 0)
        sockets.update()
        #expect(sockets.count == 1)
        #expect(sockets.sockets.first !== first)
        sockets.close()
        loop.close()
    }

    /// Turns the loop until `condition` holds.
    private static func turn(_ loop: UVLoop, until condition: () -> Bool) {
        let end = ContinuousClock.now.advanced(by: .seconds(20))
        let waker = LoopTimer(on: loop) {}
        waker.arm(after: .milliseconds(10), every: .milliseconds(10))
        while !condition(), ContinuousClock.now < end { loop.runOnce() }
        waker.close()
        #expect(condition(), "waited in vain")
    }
}
