internal import Noise
internal import Primitives
import Testing

@Suite struct `Noise transport` {
    @Test func `frames have a big-endian length and at most 65519 bytes of plaintext`() throws {
        var (sending, _) = try transports()
        var wire: [UInt8] = [9]
        try sending.seal([UInt8](repeating: 7, count: 65520), into: &wire)
        #expect(wire.count == 1 + 2 + 65535 + 2 + 17)
        #expect(wire[0...2] == [9, 0xff, 0xff])
        #expect(wire[(3 + 65535)...].prefix(2) == [0, 17])
    }

    @Test func `an empty plaintext makes no frame`() throws {
        var (sending, _) = try transports()
        var wire: [UInt8] = []
        try sending.seal([], into: &wire)
        #expect(wire == [])
    }

    @Test func `a frame without plaintext is nothing, not an error`() throws {
        let key = [UInt8](repeating: 1, count: 32)
        var (cipher, wire): (CipherState, [UInt8]) = (CipherState(key: key), [0, 16])
        try cipher.encryptWithAd([], [UInt8]().span, into: &wire)
        var receiving = NoiseTransport(sending: CipherState(key: key), receiving: CipherState(key: key))
        var plaintext: [UInt8] = []
        try receiving.receive(wire, into: &plaintext)
        #expect(plaintext == [])
        #expect(receiving.pendingByteCount == 0)
    }

    /// Any sizes, any splits, both directions: what arrives is what was sent.
    @Test(arguments: 0..<16)
    func `carries any bytes in any pieces`(seed: UInt8) throws {
        var random = SeededRandom(seed)
        var (left, right) = try transports(seed)
        for _ in 0..<3 {
            let byteCountMax = [10, 2000, 70_000, 200 << 10][random.below(4)]
            var (sent, wire, received): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
            for _ in 0..<1 + random.below(3) {
                let plaintext = patterned(random.below(byteCountMax + 1), &random)
                sent += plaintext
                try left.seal(plaintext, into: &wire)
            }
            for piece in wire.pieces(&random, pieceMax: [5000, 65_537, .max][random.below(3)]) {
                try right.receive(piece, into: &received)
                #expect(right.pendingByteCount < 2 + NoiseTransport.messageByteCountMax)
            }
            #expect(received == sent)
            #expect(right.pendingByteCount == 0)
            swap(&left, &right)
        }
    }

    @Test func `bytes one by one give the same`() throws {
        var (left, right) = try transports()
        var (wire, received): ([UInt8], [UInt8]) = ([], [])
        for text in ["a", "bc", "def"] { try left.seal(Array(text.utf8), into: &wire) }
        for byte in wire { try right.receive([byte], into: &received) }
        #expect(received == Array("abcdef".utf8))
    }

    @Test(arguments: 0..<30)
    func `one changed bit ends it for good`(seed: UInt8) throws {
        var random = SeededRandom(seed)
        var (left, right) = try transports()
        var (wire, received): ([UInt8], [UInt8]) = ([], [])
        try left.seal(Array("first".utf8), into: &wire)
        let second = wire.count
        try left.seal(Array("second".utf8), into: &wire)
        // In the second frame behind its length, so that the frame is whole.
        wire[second + 2 + random.below(wire.count - second - 2)] ^= UInt8(1 << random.below(8))

        #expect(throws: NoiseFailure.decryptionFailed) { try right.receive(wire, into: &received) }
        #expect(received == Array("first".utf8))
        #expect(throws: NoiseFailure.decryptionFailed) { try right.receive([], into: &received) }
        #expect(throws: NoiseFailure.decryptionFailed) { try right.seal([1], into: &wire) }
        #expect(right.pendingByteCount == 0)
    }

    @Test func `a frame that is repeated, left out or swapped ends it`() throws {
        let (sender, receiver) = try transports()
        var (sending, frames): (NoiseTransport, [[UInt8]]) = (sender, [[], []])
        for index in 0...1 { try sending.seal([1, 2, 3], into: &frames[index]) }
        for order in [[0, 0], [1], [1, 0]] {
            var (receiving, received): (NoiseTransport, [UInt8]) = (receiver, [])
            #expect(throws: NoiseFailure.decryptionFailed) {
                for index in order { try receiving.receive(frames[index], into: &received) }
            }
        }
    }

    @Test(arguments: [0, 1, 15])
    func `a frame too short for a tag is refused at its length`(byteCount: UInt8) throws {
        var (_, right) = try transports()
        var received: [UInt8] = []
        #expect(throws: NoiseFailure.messageLength(UInt16(byteCount))) {
            try right.receive([0], into: &received)
            try right.receive([byteCount], into: &received)
        }
    }

    @Test func `a frame of the greatest length waits whole and no longer`() throws {
        var (left, right) = try transports()
        var (wire, received): ([UInt8], [UInt8]) = ([], [])
        try left.seal([UInt8](repeating: 1, count: NoiseTransport.plaintextByteCountMax), into: &wire)
        try right.receive(Array(wire.dropLast()), into: &received)
        #expect(right.pendingByteCount == NoiseTransport.messageByteCountMax + 1)
        try right.receive(Array(wire.suffix(1)), into: &received)
        #expect(right.pendingByteCount == 0 && received.count == NoiseTransport.plaintextByteCountMax)
    }

    private func patterned(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
        let start = random.below(256)
        return (0..<count).map { UInt8(truncatingIfNeeded: (start + $0) &* 31) }
    }
}

@Suite struct `Nonces` {
    static let key = [UInt8](repeating: 3, count: 32)

    @Test func `end before the reserved one`() throws {
        var cipher = CipherState(key: Self.key, nonce: .max - 2)
        var output: [UInt8] = []
        for _ in 0..<2 { try cipher.encryptWithAd([], [1].span, into: &output) }
        #expect(output.count == 2 * 17)
        #expect(throws: NoiseFailure.nonceExhausted) { try cipher.encryptWithAd([], [1].span, into: &output) }
        #expect(throws: NoiseFailure.nonceExhausted) { try cipher.decryptWithAd([], [1].span, into: &output) }
        #expect(output.count == 2 * 17)
    }

    @Test func `a plaintext that needs more than are left sends nothing`() {
        let cipher = CipherState(key: Self.key, nonce: .max - 2)
        var transport = NoiseTransport(sending: cipher, receiving: cipher)
        var wire: [UInt8] = []
        #expect(throws: NoiseFailure.nonceExhausted) {
            try transport.seal([UInt8](repeating: 0, count: 3 * NoiseTransport.plaintextByteCountMax), into: &wire)
        }
        #expect(wire == [])
    }

    @Test func `a failed decryption spends none`() throws {
        var (sending, receiving) = (CipherState(key: Self.key), CipherState(key: Self.key))
        var (wire, plaintext): ([UInt8], [UInt8]) = ([], [])
        try sending.encryptWithAd([5], [1, 2].span, into: &wire)
        #expect(throws: NoiseFailure.decryptionFailed) { try receiving.decryptWithAd([6], wire.span, into: &plaintext) }
        try receiving.decryptWithAd([5], wire.span, into: &plaintext)
        #expect(plaintext == [1, 2])
    }
}
