import Identity
import Primitives
import Swarm
import Testing

extension Interoperability {
    @Suite struct `With go-libp2p, connections` {
        /// With the extension on both sides go sends frames of the session behind the handshake, and would hang if we asked
        /// for the muxer by name; without ours it asks by name.
        @Test(arguments: [true, false])
        func `our dial is secured and identified, the muxer named early or late`(isEarly: Bool) throws {
            let go = try GoPeer()
            let host = try InteropHost { $0.connection.offersEarlyMuxer = isEarly }
            defer { host.stop() }
            try host.connect(to: go.address)
            #expect(try host.connection(with: go.peer).direction == .outbound)
            try expectDescription(of: go, at: host)
            let lengths = try host.handshakeLengths(with: go.peer)
            #expect(lengths.sent.prefix(2) == [32, isEarly ? 184 : 168])
            #expect(lengths.received.first == 216)
        }

        @Test(arguments: [true, false])
        func `its dial is secured and identified, the muxer named early or late`(isEarly: Bool) throws {
            let go = try GoPeer()
            let host = try InteropHost { $0.connection.offersEarlyMuxer = isEarly }
            defer { host.stop() }
            try go.connect(to: host.address)
            #expect(try host.connection(with: go.peer).direction == .inbound)
            try expectDescription(of: go, at: host)
            let lengths = try host.handshakeLengths(with: go.peer)
            #expect(lengths.received.prefix(2) == [32, 184])
            #expect(lengths.sent.first == (isEarly ? 216 : 200))
        }

        @Test func `each answers the other's pings`() throws {
            let go = try GoPeer()
            let host = try InteropHost()
            defer { host.stop() }
            try host.connect(to: go.address)
            #expect(try host.waitForPing(of: go.peer) > .zero)

            let stream = try go.openStream(to: host.peer, "/ipfs/ping/1.0.0")
            for number in UInt8(0)..<3 {
                let payload = (0..<32).map { UInt8($0) ^ number }
                try stream.write(payload)
                #expect(try stream.read(exactly: 32) == payload)
            }
        }

        @Test func `a dial that expects somebody else is refused by us`() throws {
            let go = try GoPeer()
            let host = try InteropHost()
            defer { host.stop() }
            let other = try InteropHost(9)
            defer { other.stop() }
            #expect(throws: ConnectFailure.self) { try host.connect(to: go.address.withoutPeer.with(peer: other.peer)) }
        }

        @Test func `the end of a connection reaches the other side, whoever ends it`() throws {
            let go = try GoPeer()
            let (first, second) = (try InteropHost(1), try InteropHost(2))
            defer {
                first.stop()
                second.stop()
            }
            try first.connect(to: go.address)
            _ = try first.description(of: go.peer)
            try go.disconnect(from: first.peer)
            try first.waitForDisconnect(of: go.peer)

            try second.connect(to: go.address)
            _ = try second.description(of: go.peer)
            let stream = try go.openStream(to: second.peer, HostDriver.keep)
            try stream.write([1])
            _ = try second.inboundStreams(HostDriver.keep, count: 1)
            second.tell(.disconnect(go.peer))
            try second.waitForDisconnect(of: go.peer)
            #expect(try stream.read() == [])
        }

        private func expectDescription(of go: GoPeer, at host: InteropHost) throws {
            let description = try host.description(of: go.peer) {
                $0.signedPeerRecord != nil && $0.protocols.contains("/meshsub/1.1.0")
            }
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
