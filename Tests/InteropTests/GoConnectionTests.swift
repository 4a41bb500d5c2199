import Identity
import Primitives
import Swarm
import Testing

extension Interoperability {
    @Suite struct `With go-libp2p, connections` {
        @Test(arguments: [true, false])
        func `our dial is secured, identified and pinged`(offersEarlyMuxer: Bool) throws {
            let go = try GoPeer()
            let host = try InteropHost { $0.connection.offersEarlyMuxer = offersEarlyMuxer }
            defer { host.stop() }
            try host.connect(to: go.address)
            #expect(try host.connection(with: go.peer).direction == .outbound)
            try expectDescription(of: go, at: host)
        }

        @Test(arguments: [true, false])
        func `its dial is secured, identified and pinged`(offersEarlyMuxer: Bool) throws {
            let go = try GoPeer()
            let host = try InteropHost { $0.connection.offersEarlyMuxer = offersEarlyMuxer }
            defer { host.stop() }
            try go.connect(to: host.address)
            #expect(try host.connection(with: go.peer).direction == .inbound)
            try expectDescription(of: go, at: host)
        }

        private func expectDescription(of go: GoPeer, at host: InteropHost) throws {
            let description = try host.description(of: go.peer)
            #expect(description.agentVersion == "p2pd/0.1")
            #expect(description.protocolVersion == "")
            for name in ["/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0", "/meshsub/1.1.0"] {
                #expect(description.protocols.contains(name))
            }
            #expect(description.listenAddresses.map(\.withoutPeer).contains(go.address.withoutPeer))
            let record = try PeerRecord.open(#require(description.signedPeerRecord))
            #expect(record.peer == go.peer)
            #expect(record.addresses.contains(go.address.withoutPeer))
            #expect(description.observedAddress != nil)
        }
    }
}
