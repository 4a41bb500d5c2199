import DaemonControl
import Identity
import Primitives
import Swarm
import Testing

extension Interoperability {
    @Suite struct `With a daemon, connections` {
        /// With the extension on both sides the daemon sends frames of the session behind the handshake, and would hang if we asked
        /// for the muxer by name; without ours it asks by name.
        @Test(arguments: DaemonKind.allCases, [true, false])
        func `our dial is secured and identified, the muxer named early or late`(kind: DaemonKind, isEarly: Bool) throws
        {
            let daemon = try DaemonPeer(kind)
            let host = try InteropHost { $0.connection.offersEarlyMuxer = isEarly }
            defer { host.stop() }
            try host.connect(to: daemon.address)
            #expect(try host.connection(with: daemon.peer).direction == .outbound)
            try expectDescription(of: daemon, at: host)
            let lengths = try host.handshakeLengths(with: daemon.peer)
            #expect(lengths.sent.prefix(2) == [32, isEarly ? 184 : 168])
            #expect(lengths.received.first == 216)
        }

        @Test(arguments: DaemonKind.allCases, [true, false])
        func `its dial is secured and identified, the muxer named early or late`(kind: DaemonKind, isEarly: Bool) throws
        {
            let daemon = try DaemonPeer(kind)
            let host = try InteropHost { $0.connection.offersEarlyMuxer = isEarly }
            defer { host.stop() }
            try daemon.client.connect(to: host.address)
            #expect(try host.connection(with: daemon.peer).direction == .inbound)
            try expectDescription(of: daemon, at: host)
            let lengths = try host.handshakeLengths(with: daemon.peer)
            #expect(lengths.received.prefix(2) == [32, 184])
            #expect(lengths.sent.first == (isEarly ? 216 : 200))
        }

        @Test(arguments: DaemonKind.allCases) func `each answers the other's pings`(kind: DaemonKind) throws {
            let daemon = try DaemonPeer(kind)
            let host = try InteropHost()
            defer { host.stop() }
            try host.connect(to: daemon.address)
            #expect(try host.waitForPing(of: daemon.peer) > .zero)

            let stream = try daemon.client.openStream(to: host.peer, "/ipfs/ping/1.0.0")
            for number in UInt8(0)..<3 {
                let payload = (0..<32).map { UInt8($0) ^ number }
                try stream.write(payload)
                #expect(try stream.read(exactly: 32) == payload)
            }
        }

        @Test(arguments: DaemonKind.allCases) func `a dial that expects somebody else is refused by us`(
            kind: DaemonKind
        ) throws {
            let daemon = try DaemonPeer(kind)
            let host = try InteropHost()
            defer { host.stop() }
            let other = try InteropHost(9)
            defer { other.stop() }
            #expect(throws: ConnectFailure.self) {
                try host.connect(to: daemon.address.withoutPeer.with(peer: other.peer))
            }
        }

        @Test(arguments: DaemonKind.allCases) func `the end of a connection reaches the other side, whoever ends it`(
            kind: DaemonKind
        ) throws {
            let daemon = try DaemonPeer(kind)
            let (first, second) = (try InteropHost(1), try InteropHost(2))
            defer {
                first.stop()
                second.stop()
            }
            try first.connect(to: daemon.address)
            _ = try first.description(of: daemon.peer)
            try daemon.client.disconnect(from: first.peer)
            try first.waitForDisconnect(of: daemon.peer)

            try second.connect(to: daemon.address)
            _ = try second.description(of: daemon.peer)
            let stream = try daemon.client.openStream(to: second.peer, HostDriver.keep)
            try stream.write([1])
            _ = try second.inboundStreams(HostDriver.keep, count: 1)
            second.tell(.disconnect(daemon.peer))
            try second.waitForDisconnect(of: daemon.peer)
            #expect(try stream.read() == [])
        }

        private func expectDescription(of daemon: DaemonPeer, at host: InteropHost) throws {
            let description = try host.description(of: daemon.peer) {
                $0.signedPeerRecord != nil && $0.protocols.contains("/meshsub/1.1.0")
            }
            #expect(description.agentVersion == daemon.kind.agentVersion)
            #expect(description.protocolVersion == "")
            for name in ["/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0", "/meshsub/1.1.0"] {
                #expect(description.protocols.contains(name))
            }
            #expect(description.listenAddresses.map(\.withoutPeer).contains(daemon.address.withoutPeer))
            let record = try PeerRecord.open(#require(description.signedPeerRecord))
            #expect(record.peer == daemon.peer)
            #expect(record.addresses.contains(daemon.address.withoutPeer))
            #expect(description.observedAddress != nil)
        }
    }
}
