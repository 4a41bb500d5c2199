import DaemonControl
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
    @Suite struct `With a daemon, streams` {
        static let name = "/rialto-interop/foreign/1.0.0"

        @Test(arguments: DaemonKind.allCases, [100, 64 << 10, 1 << 20])
        func `what we send comes back as it was`(kind: DaemonKind, count: Int) throws {
            try withConnection(kind) { host, daemon in
                let streams = try daemon.handle(Self.name)
                let stream = try host.openStream(Self.name, to: daemon.peer)
                let echo = Concurrently {
                    let (accepted, info) = try streams.next()
                    #expect(info.peer == host.peer && info.protocolName == Self.name)
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

        @Test(arguments: DaemonKind.allCases, [100, 64 << 10, 1 << 20])
        func `what it sends comes back as it was`(kind: DaemonKind, count: Int) throws {
            try withConnection(kind) { host, daemon in
                let stream = try daemon.client.openStream(to: host.peer, HostDriver.echo)
                let sent = pattern(count)
                let writing = Concurrently { try stream.write(sent) }
                #expect(try stream.read(exactly: count) == sent)
                try writing.wait()
            }
        }

        /// Go's daemon hands no half-close on to its driver, so this is about a protocol of the daemon's own.
        @Test(arguments: DaemonKind.allCases) func `we hear the answer after our side is closed`(
            kind: DaemonKind
        ) throws {
            try withConnection(kind) { host, daemon in
                let stream = try host.openStream("/ipfs/id/1.0.0", to: daemon.peer)
                stream.closeWrite()
                try stream.waitForRemoteEnd()
                let answer = try stream.received(atLeast: 1)
                var reader = IdentifyReader()
                try reader.receive(answer)
                #expect(try reader.finished().agentVersion == kind.agentVersion)
            }
        }

        @Test(arguments: DaemonKind.allCases) func `our end of a stream arrives behind its bytes`(
            kind: DaemonKind
        ) throws {
            try withConnection(kind) { host, daemon in
                let streams = try daemon.handle(Self.name)
                let stream = try host.openStream(Self.name, to: daemon.peer)
                try stream.write([1, 2, 3])
                stream.closeWrite()
                #expect(try streams.next().stream.readToEnd() == [1, 2, 3])
            }
        }

        @Test(arguments: DaemonKind.allCases) func `its end of a stream arrives behind its bytes`(
            kind: DaemonKind
        ) throws {
            try withConnection(kind) { host, daemon in
                let stream = try daemon.client.openStream(to: host.peer, HostDriver.keep)
                try stream.write([7, 8])
                stream.closeWrite()
                let kept = try host.inboundStreams(HostDriver.keep, count: 1)[0]
                try kept.waitForRemoteEnd()
                #expect(try kept.received(atLeast: 2) == [7, 8])
            }
        }

        @Test(arguments: DaemonKind.allCases) func `a reset ends the stream there and nothing else`(
            kind: DaemonKind
        ) throws {
            try withConnection(kind) { host, daemon in
                let streams = try daemon.handle(Self.name)
                let stream = try host.openStream(Self.name, to: daemon.peer)
                try stream.write([1])
                let (accepted, _) = try streams.next()
                #expect(try accepted.read(exactly: 1) == [1])
                stream.reset()
                #expect(try accepted.read() == [])
                try expectEcho(from: host, for: daemon)
            }
        }

        @Test(arguments: DaemonKind.allCases) func `a protocol that it does not know fails there and nothing else`(
            kind: DaemonKind
        ) throws {
            try withConnection(kind) { host, daemon in
                let request = host.beginOpening("/nobody/handles/this", to: daemon.peer)
                #expect {
                    try host.opened(request)
                } throws: { error in
                    if case .negotiation? = error as? StreamFailure { true } else { false }
                }
                #expect(throws: PeerFailure.self) {
                    try daemon.client.openStream(to: host.peer, "/nobody/handles/this")
                }
                try expectEcho(from: host, for: daemon)
            }
        }

        @Test(arguments: DaemonKind.allCases) func `a sender stops at a reader that stopped, and goes on with it`(
            kind: DaemonKind
        ) throws {
            try withConnection(kind) { host, daemon in
                host.setReading(false)
                let stream = try daemon.client.openStream(to: host.peer, HostDriver.keep)
                let sent = pattern(1 << 20)
                let writing = Concurrently { try stream.write(sent, before: .within(.seconds(20))) }
                let kept = try host.inboundStreams(HostDriver.keep, count: 1)[0]
                // The window is of the whole stream: the two messages that agree on its protocol count.
                let window = (256 << 10) - "_/multistream/1.0.0__\(HostDriver.keep)_".utf8.count
                _ = try kept.received(atLeast: window)
                // What is behind the window on the same connection has come round, so nothing beyond the window was sent.
                try expectEcho(from: host, for: daemon)
                #expect(kept.receivedCount == window)
                host.setReading(true)
                #expect(try kept.received(atLeast: sent.count) == sent)
                try writing.wait()
            }
        }

        @Test(arguments: DaemonKind.allCases) func `we stop at its reader that stopped, and go on with it`(
            kind: DaemonKind
        ) throws {
            try withConnection(kind) { host, daemon in
                let streams = try daemon.handle(Self.name)
                let stream = try host.openStream(Self.name, to: daemon.peer)
                let sent = pattern(4 << 20)
                let writing = Concurrently { try stream.write(sent) }
                let (accepted, _) = try streams.next()
                // Its window, its buffers and ours are full.
                try host.journal.wait(for: "congestion") { $0.congested.contains(stream.handle) ? () : nil }
                try expectEcho(from: host, for: daemon)
                #expect(try accepted.read(exactly: sent.count) == sent)
                try writing.wait()
            }
        }

        @Test(arguments: DaemonKind.allCases) func `three hundred streams that we have open at once all work`(
            kind: DaemonKind
        ) throws {
            let daemon = try DaemonPeer(kind, hasPubsub: false)
            let host = try InteropHost()
            defer { host.stop() }
            try host.connect(to: daemon.address)
            _ = try host.description(of: daemon.peer)
            let streams = try daemon.handle(Self.name)
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
            let requests = (0..<300).map { _ in host.beginOpening(Self.name, to: daemon.peer) }
            let opened = try requests.map { try host.opened($0) }
            for stream in opened { try stream.write([1, 2]) }
            for stream in opened { _ = try stream.received(atLeast: 2) }
            for (index, stream) in opened.enumerated() { try stream.write([UInt8(index >> 8), UInt8(index & 0xff)]) }
            for (index, stream) in opened.enumerated() {
                #expect(try stream.received(atLeast: 4) == [1, 2, UInt8(index >> 8), UInt8(index & 0xff)])
            }
            try echo.wait()
        }

        @Test(arguments: DaemonKind.allCases)
        func `of three hundred that it opens at once, as many stay as our limit says, and later ones succeed`(
            kind: DaemonKind
        )
            throws
        {
            let daemon = try DaemonPeer(kind, hasPubsub: false)
            let host = try InteropHost()
            defer { host.stop() }
            try host.connect(to: daemon.address)
            _ = try host.description(of: daemon.peer)
            var opened = try (0..<300).map { _ in try daemon.client.openStream(to: host.peer, HostDriver.keep) }
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
            try expectEcho(from: host, for: daemon)
        }

        @Test(arguments: DaemonKind.allCases) func `three hundred streams in succession all work`(
            kind: DaemonKind
        ) throws {
            try withConnection(kind) { host, daemon in
                for number in 0..<300 {
                    let stream = try daemon.client.openStream(to: host.peer, HostDriver.echo)
                    let sent = [1, UInt8(number & 0xff)]
                    try stream.write(sent)
                    #expect(try stream.read(exactly: 2) == sent)
                    stream.closeWrite()
                }
            }
        }

        // MARK: The bench

        private func withConnection(_ kind: DaemonKind, _ body: (InteropHost, DaemonPeer) throws -> Void) throws {
            let daemon = try DaemonPeer(kind, hasPubsub: false)
            let host = try InteropHost()
            defer { host.stop() }
            try host.connect(to: daemon.address)
            _ = try host.description(of: daemon.peer)
            try body(host, daemon)
        }

        private func expectEcho(from host: InteropHost, for daemon: DaemonPeer) throws {
            let stream = try daemon.client.openStream(to: host.peer, HostDriver.echo)
            let sent = pattern(100, seed: 2)
            try stream.write(sent)
            #expect(try stream.read(exactly: sent.count) == sent)
        }
    }
}
