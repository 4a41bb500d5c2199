import Foundation
import Identify
import Identity
import Primitives
import Swarm
import Testing

/// Bytes that show every shift and swap.
func pattern(_ count: Int, seed: UInt8 = 1) -> [UInt8] {
    var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
    return random.bytes(count)
}

/// Does something on a thread of its own; `wait` throws what it threw.
final class Concurrently<Value: Sendable>: @unchecked Sendable {
    // `@unchecked`: the thread writes `result` before it signals, `wait` reads it after.
    private let ended = DispatchSemaphore(value: 0)
    private var result: Result<Value, any Error>?

    init(_ work: @escaping @Sendable () throws -> Value) {
        Thread { [self] in
            result = Result { try work() }
            ended.signal()
        }.start()
    }

    func wait() throws -> Value {
        guard ended.wait(timeout: .now() + 30) == .success, let result else { throw PeerFailure.timedOut("a thread") }
        return try result.get()
    }
}

extension Interoperability {
    @Suite struct `With go-libp2p, streams` {
        static let name = "/rialto-interop/foreign/1.0.0"

        @Test(arguments: [100, 64 << 10, 1 << 20])
        func `what we send comes back as it was`(count: Int) throws {
            try withConnection { host, go in
                let streams = try go.handle(Self.name)
                let stream = try host.openStream(Self.name, to: go.peer)
                let echo = Concurrently {
                    let (accepted, opener) = try streams.next()
                    #expect(opener == host.peer)
                    var left = count
                    while left > 0 {
                        let piece = try accepted.read()
                        guard !piece.isEmpty else { return }
                        try accepted.write(piece)
                        left -= piece.count
                    }
                }
                let sent = pattern(count)
                try stream.write(sent)
                #expect(try stream.received(atLeast: count) == sent)
                try echo.wait()
            }
        }

        @Test(arguments: [100, 64 << 10, 1 << 20])
        func `what it sends comes back as it was`(count: Int) throws {
            try withConnection { host, go in
                let stream = try go.openStream(to: host.peer, HostDriver.echo)
                let sent = pattern(count)
                let writing = Concurrently { try stream.write(sent) }
                #expect(try stream.read(exactly: count) == sent)
                try writing.wait()
            }
        }

        /// The daemon hands no half-close on to its driver, so this is about a protocol of go's own.
        @Test func `we hear the answer after our side is closed`() throws {
            try withConnection { host, go in
                let stream = try host.openStream("/ipfs/id/1.0.0", to: go.peer)
                stream.closeWrite()
                try stream.waitForRemoteEnd()
                let answer = try stream.received(atLeast: 1)
                var reader = IdentifyReader()
                try reader.receive(answer)
                #expect(try reader.finished().agentVersion == "p2pd/0.1")
            }
        }

        @Test func `our end of a stream arrives behind its bytes`() throws {
            try withConnection { host, go in
                let streams = try go.handle(Self.name)
                let stream = try host.openStream(Self.name, to: go.peer)
                try stream.write([1, 2, 3])
                stream.closeWrite()
                #expect(try streams.next().stream.readToEnd() == [1, 2, 3])
            }
        }

        @Test func `its end of a stream arrives behind its bytes`() throws {
            try withConnection { host, go in
                let stream = try go.openStream(to: host.peer, HostDriver.keep)
                try stream.write([7, 8])
                stream.closeWrite()
                let kept = try host.inboundStreams(HostDriver.keep, count: 1)[0]
                try kept.waitForRemoteEnd()
                #expect(try kept.received(atLeast: 2) == [7, 8])
            }
        }

        @Test func `a reset ends the stream there and nothing else`() throws {
            try withConnection { host, go in
                let streams = try go.handle(Self.name)
                let stream = try host.openStream(Self.name, to: go.peer)
                try stream.write([1])
                let (accepted, _) = try streams.next()
                #expect(try accepted.read(exactly: 1) == [1])
                stream.reset()
                #expect(try accepted.read() == [])
                try expectEcho(from: host, for: go)
            }
        }

        @Test func `a protocol that it does not know fails there and nothing else`() throws {
            try withConnection { host, go in
                let request = host.beginOpening("/nobody/handles/this", to: go.peer)
                #expect {
                    try host.opened(request)
                } throws: { error in
                    if case .negotiation? = error as? StreamFailure { true } else { false }
                }
                #expect(throws: PeerFailure.self) { try go.openStream(to: host.peer, "/nobody/handles/this") }
                try expectEcho(from: host, for: go)
            }
        }

        @Test func `a sender stops at a reader that stopped, and goes on with it`() throws {
            try withConnection { host, go in
                host.setReading(false)
                let stream = try go.openStream(to: host.peer, HostDriver.keep)
                let sent = pattern(1 << 20)
                let writing = Concurrently { try stream.write(sent, before: .within(.seconds(20))) }
                let kept = try host.inboundStreams(HostDriver.keep, count: 1)[0]
                // The window is of the whole stream: the two messages that agree on its protocol count.
                let window = (256 << 10) - "_/multistream/1.0.0__\(HostDriver.keep)_".utf8.count
                _ = try kept.received(atLeast: window)
                // What is behind the window on the same connection has come round, so nothing beyond the window was sent.
                try expectEcho(from: host, for: go)
                #expect(kept.receivedCount == window)
                host.setReading(true)
                #expect(try kept.received(atLeast: sent.count) == sent)
                try writing.wait()
            }
        }

        @Test func `we stop at its reader that stopped, and go on with it`() throws {
            try withConnection { host, go in
                let streams = try go.handle(Self.name)
                let stream = try host.openStream(Self.name, to: go.peer)
                let sent = pattern(4 << 20)
                let writing = Concurrently { try stream.write(sent) }
                let (accepted, _) = try streams.next()
                // Its window, its buffers and ours are full.
                try host.journal.wait(for: "congestion") { $0.congested.contains(stream.handle) ? () : nil }
                try expectEcho(from: host, for: go)
                #expect(try accepted.read(exactly: sent.count) == sent)
                try writing.wait()
            }
        }

        @Test func `three hundred streams that we have open at once all work`() throws {
            let go = try GoPeer(hasPubsub: false)
            let host = try InteropHost()
            defer { host.stop() }
            try host.connect(to: go.address)
            _ = try host.description(of: go.peer)
            let streams = try go.handle(Self.name)
            let echo = Concurrently {
                var accepted: [Descriptor] = []
                while accepted.count < 300 {
                    let stream = try streams.next().stream
                    try stream.write(try stream.read(exactly: 2))
                    accepted.append(stream)
                }
                for stream in accepted { try stream.write(try stream.read(exactly: 2)) }
            }
            // More than may be unacknowledged at a time (libp2p/specs, yamux, "ACK backlog"): the rest waits its turn.
            let requests = (0..<300).map { _ in host.beginOpening(Self.name, to: go.peer) }
            let opened = try requests.map { try host.opened($0) }
            for stream in opened { try stream.write([1, 2]) }
            for stream in opened { _ = try stream.received(atLeast: 2) }
            for (index, stream) in opened.enumerated() { try stream.write([UInt8(index >> 8), UInt8(index & 0xff)]) }
            for (index, stream) in opened.enumerated() {
                #expect(try stream.received(atLeast: 4) == [1, 2, UInt8(index >> 8), UInt8(index & 0xff)])
            }
            try echo.wait()
        }

        @Test func `of three hundred that it opens at once, as many stay as our limit says, and later ones succeed`()
            throws
        {
            let go = try GoPeer(hasPubsub: false)
            let host = try InteropHost()
            defer { host.stop() }
            try host.connect(to: go.address)
            _ = try host.description(of: go.peer)
            var opened = try (0..<300).map { _ in try go.openStream(to: host.peer, HostDriver.keep) }
            for stream in opened { try? stream.write([1]) }
            #expect(try Descriptor.ended(236, among: opened).count == 236)
            let kept = try host.inboundStreams(HostDriver.keep, count: 64)
            #expect(kept.count == 64)

            opened = []
            for stream in kept {
                try stream.waitForRemoteEnd()
                stream.closeWrite()
            }
            try host.sync()
            try expectEcho(from: host, for: go)
        }

        @Test func `three hundred streams in succession all work`() throws {
            try withConnection { host, go in
                for number in 0..<300 {
                    let stream = try go.openStream(to: host.peer, HostDriver.echo)
                    let sent = [1, UInt8(number & 0xff)]
                    try stream.write(sent)
                    #expect(try stream.read(exactly: 2) == sent)
                    stream.closeWrite()
                }
            }
        }

        // MARK: The bench

        private func withConnection(_ body: (InteropHost, GoPeer) throws -> Void) throws {
            let go = try GoPeer(hasPubsub: false)
            let host = try InteropHost()
            defer { host.stop() }
            try host.connect(to: go.address)
            _ = try host.description(of: go.peer)
            try body(host, go)
        }

        private func expectEcho(from host: InteropHost, for go: GoPeer) throws {
            let stream = try go.openStream(to: host.peer, HostDriver.echo)
            let sent = pattern(100, seed: 2)
            try stream.write(sent)
            #expect(try stream.read(exactly: sent.count) == sent)
        }
    }
}
