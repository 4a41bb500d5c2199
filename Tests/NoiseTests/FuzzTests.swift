internal import Noise
internal import Primitives
import Testing

/// Random, truncated and changed bytes: never a trap, always failed or waiting, at most one end.
@Suite struct `Noise fuzz` {
    static func mutated(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        switch random.below(4) {
        case 0: bytes = random.bytes(random.below(300))
        case 1: bytes.removeLast(1 + random.below(bytes.count))
        case 2: bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8))
        default: bytes.insert(UInt8(random.below(256)), at: random.below(bytes.count))
        }
        return bytes
    }

    @Test(arguments: 0..<12)
    func `an initiator survives any answer`(seed: UInt8) throws {
        var random = SeededRandom(seed)
        var (alice, bob) = (Party(8), Party(9))
        for _ in 0..<12 {
            var (initiator, responder) = (alice.handshake(.initiator, muxers: ["/a"]), bob.handshake(.responder))
            _ = responder.start()
            let answer = responder.receive(initiator.start().sent).sent
            var outputs: [NoiseHandshake.Output] = []
            for piece in Self.mutated(answer, &random).pieces(&random) { outputs += initiator.receive(piece) }
            #expect(outputs.session == nil)
            #expect(outputs.endCount <= 1)
            #expect(outputs.sent.isEmpty)
        }
    }

    @Test(arguments: 0..<12)
    func `a responder survives any dialer`(seed: UInt8) throws {
        var random = SeededRandom(seed)
        var (alice, bob) = (Party(10), Party(11))
        for _ in 0..<12 {
            var (initiator, responder) = (alice.handshake(.initiator), bob.handshake(.responder, muxers: ["/a"]))
            _ = responder.start()
            let first = initiator.start().sent
            var outputs: [NoiseHandshake.Output] = []
            if random.chance(1, in: 3) {
                for piece in Self.mutated(first, &random).pieces(&random) { outputs += responder.receive(piece) }
            } else {
                let third = initiator.receive(responder.receive(first).sent).sent
                for piece in Self.mutated(third, &random).pieces(&random) { outputs += responder.receive(piece) }
            }
            #expect(outputs.session == nil)
            #expect(outputs.endCount <= 1)
        }
    }

    @Test(arguments: 0..<12)
    func `a transport survives any bytes and keeps at most one frame`(seed: UInt8) throws {
        var random = SeededRandom(seed)
        let (left, right) = try transports()
        for _ in 0..<10 {
            var (sending, receiving) = (left, right)
            var (wire, received): ([UInt8], [UInt8]) = ([], [])
            for _ in 0..<3 { try sending.seal(random.bytes(random.below(60)), into: &wire) }
            let bytes = wire.isEmpty ? [] : Self.mutated(wire, &random)
            do throws(NoiseFailure) {
                for piece in bytes.pieces(&random) { try receiving.receive(piece, into: &received) }
                #expect(receiving.pendingByteCount < 2 + NoiseTransport.messageByteCountMax)
            } catch {
                #expect(receiving.pendingByteCount == 0)
            }
            #expect(received.count < 3 * 60)
        }
    }

    @Test(arguments: 0..<12)
    func `a payload parses back, and any bytes parse or are refused`(seed: UInt8) throws {
        var random = SeededRandom(seed)
        for _ in 0..<40 {
            let payload = HandshakePayload(
                identityKey: random.bytes(1 + random.below(40)),
                identitySignature: random.bytes(1 + random.below(70)),
                muxers: (0..<random.below(4)).map { "/muxer/\($0)" }
            )
            let encoded = payload.encoded
            #expect(try HandshakePayload(parsing: encoded.span) == payload)
            let other = Self.mutated(encoded, &random)
            _ = try? HandshakePayload(parsing: other.span)
        }
    }
}
