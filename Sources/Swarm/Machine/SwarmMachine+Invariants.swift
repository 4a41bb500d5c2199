internal import DequeModule
internal import Identity
internal import OrderedCollections
internal import Primitives

extension SwarmMachine {
    /// Stops a debug build where the machine contradicts itself; free in release builds.
    public func checkInvariants() {
        #if DEBUG
        if case .stopped = phase { return }
        precondition(events.isEmpty && unsent.isEmpty, "a step ends with everything said and sent")
        scopes.checkInvariants()
        limits.checkInvariants()
        dialing.checkInvariants()
        addressBook.checkInvariants()
        observed.checkInvariants()
        connectionTimers.checkInvariants()
        streamTimers.checkInvariants()
        var (established, streamCount): (Int, Int) = (0, 0)
        for id in connections.keys {
            guard let connection = connections[id] else { continue }
            connection.machine?.checkInvariants()
            precondition(connection.machine == nil || !connection.isClosing)
            precondition(connection.machine != nil || connection.streams.isEmpty)
            precondition(connectionTimers.deadline(of: id) == connection.machine?.nextDeadline || connection.isClosing)
            streamCount += connection.streams.count
            guard let peer = connection.peer, connection.machine != nil else { continue }
            established += 1
            precondition(connectedPeers[peer]?.connections.contains(id) == true)
        }
        precondition(established == establishedCount)
        precondition(connectedPeers.values.reduce(0) { $0 + $1.connections.count } == established)
        precondition(connectedPeers.values.allSatisfy { !$0.connections.isEmpty })
        precondition(scopes.system.streams == streamCount, "streams and their accounts differ")
        precondition(scopes.system.connections == connections.count)
        precondition(listeners.isEmpty || scopes.system.descriptors >= connections.count + listeners.count)
        #endif
    }
}
