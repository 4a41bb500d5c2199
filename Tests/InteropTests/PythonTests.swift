import Foundation
import Gossipsub
import Identity
import Primitives
import Swarm
import Testing

extension Interoperability {
    @Suite struct `With py-libp2p` {
        static let topic: Topic = "interop"

        struct Identified: Decodable {
            let protocols: [String]
            let hasRecord: Bool
        }

        /// It names no muxer in the handshake, so both dials fall back to multistream.
        @Test func `both dials are secured, identified and pinged`() throws {
            let python = try PythonPeer(signs: true)
            let dialling = try InteropHost(1)
            let dialled = try InteropHost(2)
            defer {
                dialling.stop()
                dialled.stop()
                python.stop()
            }
            try dialling.connect(to: python.address)
            try python.tell("connect", ["address": dialled.address.description])
            #expect(try dialling.connection(with: python.peer).direction == .outbound)
            #expect(try dialled.connection(with: python.peer).direction == .inbound)
            for host in [dialling, dialled] {
                let description = try host.description(of: python.peer) { $0.signedPeerRecord != nil }
                #expect(description.agentVersion == "py-libp2p/0.8.1")
                #expect(description.protocolVersion == "ipfs/0.1.0")
                #expect(description.protocols.contains("/meshsub/1.1.0"))
                #expect(try PeerRecord.open(#require(description.signedPeerRecord)).peer == python.peer)

                let identified: Identified = try python.ask("identified", ["peer": host.peer.description])
                #expect(identified.protocols.contains("/meshsub/1.1.0"))
                #expect(identified.hasRecord)

                #expect(try host.waitForPing(of: python.peer) > .zero)
                let roundTrips: [Double] = try python.ask("ping", ["peer": host.peer.description])
                #expect(roundTrips.count == 3)
            }
            #expect(try dialling.handshakeLengths(with: python.peer).received.first == 200)
            #expect(try dialled.handshakeLengths(with: python.peer).received.prefix(2) == [32, 168])
        }

        @Test func `streams carry a megabyte, half an end and a reset, both ways`() throws {
            let python = try PythonPeer(signs: true)
            let host = try InteropHost()
            defer {
                host.stop()
                python.stop()
            }
            try host.connect(to: python.address)
            _ = try host.description(of: python.peer)

            let sent = pattern(1 << 20)
            let stream = try host.openStream(HostDriver.echo, to: python.peer)
            try stream.write(sent)
            stream.closeWrite()
            #expect(try stream.received(atLeast: sent.count) == sent)
            try stream.waitForRemoteEnd()
            let isSame: Bool = try python.ask("echo", EchoArguments(peer: host.peer.description, count: 1 << 20))
            #expect(isSame)

            let halfClosed = try host.openStream(HostDriver.keep, to: python.peer)
            try halfClosed.write([1, 2, 3])
            halfClosed.closeWrite()
            let end = try python.next("kept")
            #expect(end.end == "eof" && end.count == 3)
            #expect(try halfClosed.received(atLeast: 14) == Array("after your end".utf8))

            let reset = try host.openStream(HostDriver.keep, to: python.peer)
            try reset.write([1])
            // It has no use for what a reset overtakes, the stream's beginning included.
            while try python.next("read").count != 1 {}
            reset.reset()
            #expect(["reset", "StreamReset"].contains(try python.next("kept").end))
            try python.tell("reset", ["peer": host.peer.description])
            try host.inboundStreams(HostDriver.keep, count: 1)[0].waitForReset()
        }

        @Test func `a thousand signed messages pass each way`() throws {
            let python = try PythonPeer(signs: true)
            let host = try InteropHost()
            defer {
                host.stop()
                python.stop()
            }
            host.tell(.subscribe(Self.topic, TopicConfig(signatures: .strictSign)))
            try python.tell("subscribe", ["topic": Self.topic.text])
            try host.connect(to: python.address)
            try host.waitForMesh(of: Self.topic, with: python.peer)
            try python.tell("mesh", MeshArguments(topic: Self.topic.text, count: 1))

            var seen: Set<String> = []
            for number in 0..<1008 {
                if number < 1000 { host.tell(.publish(Self.topic, payload(number))) }
                guard number >= 8 else { continue }
                seen.insert(try #require(try python.next("message").data))
            }
            #expect(seen == Set((0..<1000).map { hex(payload($0)) }))

            for number in 1000..<2000 {
                try python.tell("publish", ["topic": Self.topic.text, "data": hex(payload(number))])
                if number >= 1008 { _ = try host.messages(of: Self.topic, atLeast: number - 1007) }
            }
            let messages = try host.messages(of: Self.topic, atLeast: 1000)
            #expect(messages.count == 1000)
            #expect(Set(messages.map(\.data)) == Set((1000..<2000).map(payload)))
            #expect(messages.allSatisfy { $0.author == python.peer })
        }

        struct EchoArguments: Encodable {
            let peer: String
            let count: Int
        }

        struct MeshArguments: Encodable {
            let topic: String
            let count: Int
        }

        private func payload(_ number: Int) -> [UInt8] {
            [UInt8(number >> 8), UInt8(number & 0xff)] + pattern(100, seed: UInt8(number % 251))
        }
    }
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String(format: "%02x", $0) }.joined()
}
