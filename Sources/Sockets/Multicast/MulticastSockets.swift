package import Primitives

/// The sockets of some multicast groups: one for each group and interface of this machine.
///
/// Interfaces come and go while a program runs: a network that is up late, a cable, an interface that is made anew, which takes the
/// system's memberships with it. So they are looked up again and again, and the sockets follow them.
package final class MulticastSockets {
    private let groups: [IPAddress]
    private let port: UInt16
    private let loop: UVLoop
    private let receive: ([UInt8], IPAddress) -> Void
    private let lookUp: (_ isIPv4: Bool) -> [NetworkInterface]
    private(set) var sockets: [MulticastSocket] = []
    private var timer: LoopTimer?

    /// Opens what can be opened; where the system does not allow it there is no socket, and nothing else fails.
    ///
    /// By default the interfaces are looked up as often as the transport looks up their addresses.
    package init(
        groups: [IPAddress],
        port: UInt16,
        on loop: UVLoop,
        every interval: Duration = TCPLimits().interfaceInterval,
        receive: @escaping ([UInt8], IPAddress) -> Void,
        lookUp: @escaping (_ isIPv4: Bool) -> [NetworkInterface] = { InterfaceAddresses.interfaces(isIPv4: $0) }
    ) {
        (self.groups, self.port, self.loop) = (groups, port, loop)
        (self.receive, self.lookUp) = (receive, lookUp)
        let timer = LoopTimer(on: loop) { [weak self] in self?.update() }
        timer.arm(after: interval, every: interval)
        self.timer = timer
        update()
    }

    /// How many are open.
    package var count: Int { sockets.count(where: \.isOpen) }

    /// Closes the sockets of interfaces that are gone, and opens those that are missing.
    package func update() {
        guard timer != nil else { return }
        for group in groups { update(group, to: lookUp(group.isIPv4)) }
    }

    /// Sends to every group on every interface.
    package func send(_ bytes: [UInt8]) {
        for socket in sockets { socket.send(bytes) }
    }

    package func close() {
        timer?.close()
        timer = nil
        for socket in sockets { socket.close() }
        sockets = []
    }

    private func update(_ group: IPAddress, to found: [NetworkInterface]) {
        // One that ended by an error is no more: so its interface counts as new.
        sockets.removeAll { !$0.isOpen }
        let own = sockets.filter { $0.group.address == group }
        let change = InterfaceChange(from: own.map(\.interface), to: found)
        // Those that are gone first: an interface may be the same but for its address.
        for socket in own where change.gone.contains(socket.interface) { socket.close() }
        sockets.removeAll { !$0.isOpen }
        sockets += change.new.compactMap { interface in
            MulticastSocket(group: group, port: port, interface: interface, on: loop, receive: receive)
        }
    }
}
