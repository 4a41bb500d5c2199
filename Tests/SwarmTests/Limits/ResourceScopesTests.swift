import Identity
import Primitives
import Testing

@testable import Swarm

@Suite struct `Resource scopes` {
    private let connection = ConnectionID(rawValue: 1)

    private func open(_ scopes: inout ResourceScopes, _ number: UInt64, _ peer: UInt8) throws {
        try scopes.open(ConnectionID(rawValue: number), .inbound)
        try scopes.assign(ConnectionID(rawValue: number), to: TestPeer.id(peer))
    }

    @Test func `a connection counts in the transient scope until its peer is known`() throws {
        var scopes = ResourceScopes(limits: ResourceLimits())
        try scopes.open(connection, .inbound)
        #expect(scopes.transient == ResourceUsage(inboundConnections: 1, descriptors: 1))
        try scopes.assign(connection, to: TestPeer.id(1))
        #expect(scopes.transient.isZero)
        #expect(scopes.usage(of: TestPeer.id(1)) == ResourceUsage(inboundConnections: 1, descriptors: 1))
        scopes.close(connection)
        scopes.close(connection)
        #expect(scopes.system.isZero && scopes.usage(of: TestPeer.id(1)).isZero)
        scopes.checkInvariants()
    }

    @Test func `a peer has eight connections and the ninth stays nobody's`() throws {
        var scopes = ResourceScopes(limits: ResourceLimits())
        for number in UInt64(1)...8 { try open(&scopes, number, 1) }
        try scopes.open(ConnectionID(rawValue: 9), .inbound)
        #expect(throws: ResourceRefusal(scope: .peer, resource: .inboundConnections)) {
            try scopes.assign(ConnectionID(rawValue: 9), to: TestPeer.id(1))
        }
        #expect(scopes.transient.inboundConnections == 1)
        scopes.checkInvariants()
    }

    @Test func `a connection has sixty-four inbound streams`() throws {
        var scopes = ResourceScopes(limits: ResourceLimits())
        try open(&scopes, 1, 1)
        for stream in UInt32(1)...64 { try scopes.open(StreamHandle(connection: connection, stream: stream), .inbound) }
        let before = scopes.system
        #expect(throws: ResourceRefusal(scope: .connection, resource: .inboundStreams)) {
            try scopes.open(StreamHandle(connection: connection, stream: 65), .inbound)
        }
        #expect(scopes.system == before)
        try scopes.open(StreamHandle(connection: connection, stream: 66), .outbound)
        scopes.checkInvariants()
    }

    @Test func `a stream holds what its limit allows and not a byte more`() throws {
        var limits = ResourceLimits()
        limits.stream.each.memoryBytes = 100
        var scopes = ResourceScopes(limits: limits)
        try open(&scopes, 1, 1)
        let stream = StreamHandle(connection: connection, stream: 2)
        try scopes.open(stream, .outbound)
        try scopes.setMemory(of: stream, to: 100)
        #expect(throws: ResourceRefusal(scope: .stream, resource: .memoryBytes)) {
            try scopes.setMemory(of: stream, to: 101)
        }
        #expect(scopes.system.memoryBytes == 100)
        try scopes.setMemory(of: stream, to: 40)
        #expect(scopes.usage(of: connection).memoryBytes == 40)
        scopes.close(stream)
        #expect(scopes.system.memoryBytes == 0)
    }

    @Test func `the whole transport's memory is shared by all`() throws {
        var limits = ResourceLimits()
        limits.system.each.memoryBytes = 150
        var scopes = ResourceScopes(limits: limits)
        try open(&scopes, 1, 1)
        try open(&scopes, 3, 2)
        try scopes.setMemory(of: ConnectionID(rawValue: 1), to: 100)
        #expect(throws: ResourceRefusal(scope: .system, resource: .memoryBytes)) {
            try scopes.setMemory(of: ConnectionID(rawValue: 3), to: 51)
        }
        try scopes.setMemory(of: ConnectionID(rawValue: 3), to: 50)
        scopes.checkInvariants()
    }

    @Test func `the transient scope and the descriptors have ends`() throws {
        var limits = ResourceLimits()
        limits.transient.connections = 2
        limits.system.each.descriptors = 3
        var scopes = ResourceScopes(limits: limits)
        try scopes.openDescriptor()
        try open(&scopes, 1, 1)
        try scopes.open(ConnectionID(rawValue: 3), .outbound)
        #expect(throws: ResourceRefusal(scope: .system, resource: .descriptors)) {
            try scopes.open(ConnectionID(rawValue: 5), .inbound)
        }
        scopes.closeDescriptor()
        try scopes.open(ConnectionID(rawValue: 5), .inbound)
        scopes.close(ConnectionID(rawValue: 1))
        #expect(throws: ResourceRefusal(scope: .transient, resource: .inboundConnections)) {
            try scopes.open(ConnectionID(rawValue: 7), .inbound)
        }
    }

    @Test(arguments: 1...8) func `whatever is reserved and refused, everything returns to zero`(seed: UInt8) throws {
        var random = random(seed)
        var limits = ResourceLimits()
        limits.peer.streams = 20
        limits.connection.each.memoryBytes = 500
        limits.stream.each.memoryBytes = 200
        limits.system.each.memoryBytes = 2000
        var scopes = ResourceScopes(limits: limits)
        var connections: [ConnectionID] = []
        var assigned: Set<ConnectionID> = []
        var streams: [StreamHandle] = []
        for step in 0..<800 {
            switch random.below(8) {
            case 0:
                let id = ConnectionID(rawValue: UInt64(step))
                if (try? scopes.open(id, random.chance(1, in: 2) ? .inbound : .outbound)) != nil {
                    connections.append(id)
                }
            case 1:
                guard let id = connections.first(where: { !assigned.contains($0) }) else { break }
                if (try? scopes.assign(id, to: TestPeer.id(UInt8(random.below(4))))) != nil { assigned.insert(id) }
            case 2...4:
                guard let id = connections.filter(assigned.contains).last else { break }
                let stream = StreamHandle(connection: id, stream: UInt32(step))
                if (try? scopes.open(stream, random.chance(1, in: 2) ? .inbound : .outbound)) != nil {
                    streams.append(stream)
                }
            case 5:
                if let stream = random.sample(streams, 1).first {
                    try? scopes.setMemory(of: stream, to: random.below(300))
                }
                if let id = random.sample(connections, 1).first { try? scopes.setMemory(of: id, to: random.below(300)) }
            case 6:
                if !streams.isEmpty { scopes.close(streams.remove(at: random.below(streams.count))) }
            default:
                if connections.count > 6 { scopes.close(connections.remove(at: random.below(connections.count))) }
            }
            scopes.checkInvariants()
        }
        #expect(!scopes.system.isZero)
        for stream in streams { scopes.close(stream) }
        for id in connections { scopes.close(id) }
        scopes.checkInvariants()
        #expect(scopes.system.isZero && scopes.transient.isZero)
    }
}
