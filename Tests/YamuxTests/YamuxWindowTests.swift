import Primitives
import Testing

@testable import Yamux

/// A window that grows while it is what holds the peer up, and no further than its limits.
@Suite struct `Yamux window` {
    var server = LoneServer()
    private static let half = 128 << 10

    /// A round trip of ten milliseconds, and one stream.
    init() {
        // A machine of the same seed asks with the same value.
        var twin = YamuxMachine(
            role: .server,
            config: YamuxConfig(),
            random: SeededRandom(seed: Array(repeating: 7, count: 32))
        )
        var asked: [YamuxMachine.Output] = []
        twin.handle(.started, at: .zero, into: &asked)
        server.now = server.now.advanced(by: .milliseconds(10))
        for case .send(let bytes) in asked { _ = server.receive(frame(2, ack, 0, Self.lastWord(of: bytes))) }
        _ = server.receive(windowUpdate(syn, 1))
    }

    private static func lastWord(of bytes: [UInt8]) -> UInt32 {
        bytes.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The peer sends so much, the application takes it all after a while; the credit that goes back.
    private mutating func credit(_ byteCount: Int, after pause: Duration) -> UInt32? {
        for _ in 0..<byteCount / (64 << 10) { _ = server.receive(data(0, 1, [UInt8](repeating: 1, count: 64 << 10))) }
        server.now = server.now.advanced(by: pause)
        for case .send(let bytes) in server.feed(.consumed(YamuxStreamID(rawValue: 1), byteCount)) {
            return Self.lastWord(of: bytes)
        }
        return nil
    }

    @Test mutating func `a stream that is read quickly gets more and more, up to its limit`() {
        // The first credit shows when the next is quick.
        #expect(credit(Self.half, after: .milliseconds(1)) == UInt32(Self.half))
        #expect(credit(Self.half, after: .milliseconds(1)) == UInt32(Self.half + 256 << 10))
        #expect(server.machine.windowGrowthByteCount == 256 << 10)
        #expect(credit(256 << 10, after: .milliseconds(1)) == UInt32(512 << 10))
        #expect(server.machine.windowGrowthByteCount == 512 << 10)
        #expect(credit(384 << 10, after: .milliseconds(1)) == UInt32(384 << 10))
    }

    @Test mutating func `a stream that is read slowly keeps its window`() {
        for _ in 0..<4 { #expect(credit(Self.half, after: .milliseconds(41)) == UInt32(Self.half)) }
    }

    @Test mutating func `what a stream has grown by is free again when it ends`() {
        for _ in 0..<2 { _ = credit(Self.half, after: .milliseconds(1)) }
        #expect(server.machine.windowGrowthByteCount == 256 << 10)
        _ = server.receive(windowUpdate(rst, 1))
        #expect(server.machine.windowGrowthByteCount == 0)
    }
}
