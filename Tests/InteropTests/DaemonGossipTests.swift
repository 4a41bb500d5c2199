import DaemonControl
import Gossipsub
import Identity
import Primitives
import Testing

extension Interoperability {
    @Suite struct `With a daemon, gossip` {
        static let topic: Topic = "interop"

        @Test(arguments: DaemonKind.allCases) func `a thousand signed messages arrive there`(kind: DaemonKind) throws {
            let (host, daemon, subscription) = try mesh(kind)
            defer { host.stop() }
            var seen: Set<[UInt8]> = []
            for number in 0..<1008 {
                if number < 1000 { host.tell(.publish(Self.topic, payload(number))) }
                guard number >= 8 else { continue }
                let message = try subscription.next()
                #expect(message.author == host.peer.bytes)
                seen.insert(message.data)
            }
            #expect(seen == Set((0..<1000).map(payload)))
            withExtendedLifetime(daemon) {}
        }

        @Test(arguments: DaemonKind.allCases) func `a thousand signed messages arrive here`(kind: DaemonKind) throws {
            let (host, daemon, subscription) = try mesh(kind)
            defer { host.stop() }
            // It sends to its mesh alone, and nothing but a message that comes through tells when we are in it.
            for _ in 0..<100 {
                try daemon.client.publish([0], in: Self.topic)
                if (try? arrived(at: host, byteCount: 1, atLeast: 1, within: .milliseconds(100))) != nil { break }
            }
            for number in 0..<1000 {
                try daemon.client.publish(payload(number), in: Self.topic)
                if number >= 8 { _ = try arrived(at: host, byteCount: 512, atLeast: number - 7) }
            }
            let messages = try arrived(at: host, byteCount: 512, atLeast: 1000)
            #expect(Set(messages.map(\.data)) == Set((0..<1000).map(payload)))
            #expect(messages.count == 1000)
            #expect(messages.allSatisfy { $0.author == daemon.peer })
            withExtendedLifetime(subscription) {}
        }

        @Test(arguments: DaemonKind.allCases) func `an empty message on the wire is accepted, and what follows is read`(
            kind: DaemonKind
        ) throws {
            let (host, daemon, _) = try mesh(kind)
            defer { host.stop() }
            let stream = try daemon.client.openStream(to: host.peer, "/meshsub/1.1.0")
            var subscribe = ProtobufWriter()
            subscribe.message(1) { options in
                options.bool(1, true)
                options.text(2, "by-hand")
            }
            try stream.write([0] + LengthPrefixedFrames.framed(subscribe.bytes))
            try host.journal.wait(for: "the subscription") {
                $0.gossip.contains(.peerSubscribed(daemon.peer, "by-hand")) ? () : nil
            }
        }

        private func arrived(
            at host: InteropHost,
            byteCount: Int,
            atLeast count: Int,
            within duration: Duration = .seconds(10)
        ) throws -> [GossipMessage] {
            try host.journal.wait(for: "\(count) messages", within: duration) { content in
                let found = content.messages.filter { $0.data.count == byteCount }
                return found.count >= count ? found : nil
            }
        }

        private func payload(_ number: Int) -> [UInt8] {
            [UInt8(number >> 8), UInt8(number & 0xff)] + pattern(510, seed: UInt8(number % 251))
        }

        /// Two subscribers in each other's mesh.
        private func mesh(_ kind: DaemonKind) throws -> (InteropHost, DaemonPeer, TopicSubscription) {
            let daemon = try DaemonPeer(kind)
            let host = try InteropHost()
            host.tell(.subscribe(Self.topic, TopicConfig(signatures: .strictSign)))
            let subscription = try daemon.client.subscribe(Self.topic)
            try host.connect(to: daemon.address)
            try host.waitForMesh(of: Self.topic, with: daemon.peer)
            return (host, daemon, subscription)
        }
    }
}
