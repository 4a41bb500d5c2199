internal import Identity

/// Whose limit was hit.
public enum ScopeKind: Hashable, Sendable {
    case system
    case transient
    case peer
    case connection
    case stream
}

/// Which limit refused a reservation.
public struct ResourceRefusal: Error, Hashable, Sendable {
    public let scope: ScopeKind
    public let resource: Resource

    public init(scope: ScopeKind, resource: Resource) {
        (self.scope, self.resource) = (scope, resource)
    }
}

/// The resource accounts, a tree: system → peer → connection → stream, with one transient scope in the peer's place for
/// connections whose peer is not yet known.
///
/// What a scope reserves is reserved in every scope above it, or in none: a reservation either fits everywhere or changes
/// nothing. Closing a scope gives back exactly what it and its children still hold.
struct ResourceScopes: Sendable {
    private struct ConnectionScope: Sendable {
        var peer: PeerID?
        var usage = ResourceUsage.zero
        /// Bytes of the connection itself, beside those of its streams.
        var ownMemoryBytes = 0
        var streams: [UInt32: ResourceUsage] = [:]
    }

    let limits: ResourceLimits
    private(set) var system = ResourceUsage.zero
    private(set) var transient = ResourceUsage.zero
    private var peers: [PeerID: ResourceUsage] = [:]
    private var connections: [ConnectionID: ConnectionScope] = [:]

    init(limits: ResourceLimits) {
        self.limits = limits
    }

    func usage(of peer: PeerID) -> ResourceUsage {
        peers[peer] ?? .zero
    }

    func usage(of connection: ConnectionID) -> ResourceUsage {
        connections[connection]?.usage ?? .zero
    }

    func usage(of stream: StreamHandle) -> ResourceUsage {
        connections[stream.connection]?.streams[stream.stream] ?? .zero
    }

    /// Reserves a descriptor of no connection: a listening socket.
    mutating func openDescriptor() throws(ResourceRefusal) {
        let amount = ResourceUsage(descriptors: 1)
        try Self.check(system, plus: amount, against: limits.system, of: .system)
        system.descriptors += 1
    }

    mutating func closeDescriptor() {
        system.descriptors -= 1
        assert(system.descriptors >= 0)
    }

    /// Reserves a connection and its descriptor in the transient scope.
    mutating func open(_ id: ConnectionID, _ direction: Direction) throws(ResourceRefusal) {
        precondition(connections[id] == nil, "connection \(id.rawValue) was opened twice")
        var amount = ResourceUsage(descriptors: 1)
        amount[direction == .inbound ? .inboundConnections : .outboundConnections] = 1
        try Self.check(transient, plus: amount, against: limits.transient, of: .transient)
        try Self.check(system, plus: amount, against: limits.system, of: .system)
        transient = transient + amount
        system = system + amount
        connections[id] = ConnectionScope(usage: amount)
    }

    /// Moves what a connection holds from the transient scope to its peer's, now that the peer is known.
    mutating func assign(_ id: ConnectionID, to peer: PeerID) throws(ResourceRefusal) {
        guard let scope = connections[id] else { preconditionFailure("connection \(id.rawValue) is not open") }
        precondition(scope.peer == nil, "connection \(id.rawValue) has a peer already")
        try Self.check(usage(of: peer), plus: scope.usage, against: limits.peer, of: .peer)
        transient = transient - scope.usage
        peers[peer] = usage(of: peer) + scope.usage
        connections[id]?.peer = peer
    }

    /// Reserves a stream of a connection that is open and has a peer.
    mutating func open(_ stream: StreamHandle, _ direction: Direction) throws(ResourceRefusal) {
        precondition(usage(of: stream).isZero, "stream \(stream.stream) was opened twice")
        var amount = ResourceUsage.zero
        amount[direction == .inbound ? .inboundStreams : .outboundStreams] = 1
        try reserve(amount, in: stream.connection)
        connections[stream.connection]?.streams[stream.stream] = amount
    }

    /// Makes the bytes that a stream holds exactly `byteCount`; unknown streams are gone and hold nothing.
    mutating func setMemory(of stream: StreamHandle, to byteCount: Int) throws(ResourceRefusal) {
        let old = usage(of: stream)
        guard !old.isZero, old.memoryBytes != byteCount else { return }
        guard byteCount > old.memoryBytes else {
            release(ResourceUsage(memoryBytes: old.memoryBytes - byteCount), in: stream.connection)
            connections[stream.connection]?.streams[stream.stream]?.memoryBytes = byteCount
            return
        }
        let growth = ResourceUsage(memoryBytes: byteCount - old.memoryBytes)
        try Self.check(old, plus: growth, against: limits.stream, of: .stream)
        try reserve(growth, in: stream.connection)
        connections[stream.connection]?.streams[stream.stream]?.memoryBytes = byteCount
    }

    /// Makes the bytes that a connection holds beside its streams exactly `byteCount`.
    mutating func setMemory(of id: ConnectionID, to byteCount: Int) throws(ResourceRefusal) {
        guard let old = connections[id]?.ownMemoryBytes, old != byteCount else { return }
        if byteCount > old {
            try reserve(ResourceUsage(memoryBytes: byteCount - old), in: id)
        } else {
            release(ResourceUsage(memoryBytes: old - byteCount), in: id)
        }
        connections[id]?.ownMemoryBytes = byteCount
    }

    /// Gives back what a stream holds; a second time has no effect.
    mutating func close(_ stream: StreamHandle) {
        guard let held = connections[stream.connection]?.streams.removeValue(forKey: stream.stream) else { return }
        release(held, in: stream.connection)
    }

    /// Gives back what a connection and its streams hold; a second time has no effect.
    mutating func close(_ id: ConnectionID) {
        guard let scope = connections[id] else { return }
        release(scope.usage, in: id)
        connections[id] = nil
    }

    func checkInvariants() {
        var (all, unassigned, byPeer): (ResourceUsage, ResourceUsage, [PeerID: ResourceUsage]) = (.zero, .zero, [:])
        for scope in connections.values {
            let streams = scope.streams.values.reduce(ResourceUsage.zero, +)
            assert(scope.usage.streams == streams.streams && scope.usage.connections == 1)
            assert(scope.usage.memoryBytes == streams.memoryBytes + scope.ownMemoryBytes)
            all = all + scope.usage
            if let peer = scope.peer {
                byPeer[peer] = (byPeer[peer] ?? .zero) + scope.usage
            } else {
                unassigned = unassigned + scope.usage
            }
        }
        assert(unassigned == transient && byPeer == peers)
        assert(system.descriptors >= all.descriptors)
        all.descriptors = system.descriptors
        assert(all == system)
    }

    /// Reserves in a connection and everything above it, or nowhere.
    private mutating func reserve(_ amount: ResourceUsage, in id: ConnectionID) throws(ResourceRefusal) {
        guard let scope = connections[id] else { preconditionFailure("connection \(id.rawValue) is not open") }
        try Self.check(scope.usage, plus: amount, against: limits.connection, of: .connection)
        if let peer = scope.peer {
            try Self.check(usage(of: peer), plus: amount, against: limits.peer, of: .peer)
        } else {
            try Self.check(transient, plus: amount, against: limits.transient, of: .transient)
        }
        try Self.check(system, plus: amount, against: limits.system, of: .system)
        add(amount, in: id, sign: 1)
    }

    private mutating func release(_ amount: ResourceUsage, in id: ConnectionID) {
        add(amount, in: id, sign: -1)
    }

    private mutating func add(_ amount: ResourceUsage, in id: ConnectionID, sign: Int) {
        guard let scope = connections[id] else { return }
        let change = sign > 0 ? amount : .zero - amount
        connections[id]?.usage = scope.usage + change
        system = system + change
        if let peer = scope.peer {
            let sum = usage(of: peer) + change
            peers[peer] = sum.isZero ? nil : sum
        } else {
            transient = transient + change
        }
    }

    private static func check(
        _ usage: ResourceUsage,
        plus amount: ResourceUsage,
        against limits: ScopeLimits,
        of scope: ScopeKind
    ) throws(ResourceRefusal) {
        if amount.isMemoryAlone {
            guard amount.memoryBytes > 0, usage.memoryBytes + amount.memoryBytes > limits.each.memoryBytes else {
                return
            }
            throw ResourceRefusal(scope: scope, resource: .memoryBytes)
        }
        let sum = usage + amount
        for resource in Resource.allCases where amount[resource] > 0 && sum[resource] > limits.each[resource] {
            throw ResourceRefusal(scope: scope, resource: resource)
        }
        if amount.connections > 0 && sum.connections > limits.connections {
            throw ResourceRefusal(
                scope: scope,
                resource: amount.inboundConnections > 0 ? .inboundConnections : .outboundConnections
            )
        }
        if amount.streams > 0 && sum.streams > limits.streams {
            throw ResourceRefusal(
                scope: scope,
                resource: amount.inboundStreams > 0 ? .inboundStreams : .outboundStreams
            )
        }
    }
}
