import Primitives
import Testing

@Suite struct `Length-prefixed frames` {
    private func messages(of frames: inout LengthPrefixedFrames) throws -> [[UInt8]] {
        var messages: [[UInt8]] = []
        while let message = try frames.next() { messages.append(message) }
        return messages
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt8])
    func `messages come out the same byte by byte, in pieces and at once`(_ seed: UInt8) throws {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        let sent = (0..<30).map { _ in random.bytes(random.chance(1, in: 4) ? 0 : random.below(400)) }
        let stream = sent.flatMap(LengthPrefixedFrames.framed)

        var atOnce = LengthPrefixedFrames(byteCountMax: 400)
        atOnce.append(stream)
        #expect(try messages(of: &atOnce) == sent)
        #expect(atOnce.pendingByteCount == 0)

        for pieceMax in [1, 7, 300] {
            var frames = LengthPrefixedFrames(byteCountMax: 400)
            var (received, rest): ([[UInt8]], ArraySlice<UInt8>) = ([], stream[...])
            while !rest.isEmpty {
                let piece = rest.prefix(1 + random.below(pieceMax))
                rest = rest.dropFirst(piece.count)
                frames.append(Array(piece))
                received += try messages(of: &frames)
                #expect(frames.pendingByteCount < 402)
            }
            #expect(received == sent)
        }
    }

    @Test func `a message of exactly the cap passes, one more byte is refused by its length alone`() throws {
        var frames = LengthPrefixedFrames(byteCountMax: 300)
        frames.append(LengthPrefixedFrames.framed([UInt8](repeating: 1, count: 300)))
        #expect(try frames.next()?.count == 300)
        frames.append([0xad, 0x02])
        #expect(throws: LengthPrefixedFrames.Failure.messageTooLong) { try frames.next() }
    }

    /// Scenario S-18: a prefix of 2³¹, and ten bytes that are no minimal number.
    @Test(
        arguments: [
            ([0x80, 0x80, 0x80, 0x80, 0x08], .messageTooLong),
            ([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], .messageTooLong),
            ([UInt8](repeating: 0x80, count: 10), .malformedLength(.tooLong)),
            ([0x85, 0x00], .malformedLength(.notMinimal)),
        ] as [([UInt8], LengthPrefixedFrames.Failure)]
    )
    func `a length bomb is refused before a byte of it comes`(
        _ prefix: [UInt8],
        _ failure: LengthPrefixedFrames.Failure
    ) {
        var frames = LengthPrefixedFrames(byteCountMax: 4096)
        frames.append(prefix)
        #expect(throws: failure) { try frames.next() }
        // The stream cannot go on: it fails again.
        #expect(throws: failure) { try frames.next() }
    }

    @Test func `half a length is no error`() throws {
        var frames = LengthPrefixedFrames(byteCountMax: 4096)
        frames.append([0x80])
        #expect(try frames.next() == nil)
        frames.append([0x01])
        #expect(try frames.next() == nil)
        #expect(frames.pendingByteCount == 2)
        frames.append([UInt8](repeating: 9, count: 128))
        #expect(try frames.next() == [UInt8](repeating: 9, count: 128))
    }

    @Test(arguments: [5, 6, 7, 8] as [UInt8])
    func `random bytes never give a message above the cap`(_ seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        for _ in 0..<200 {
            var frames = LengthPrefixedFrames(byteCountMax: 50)
            for _ in 0..<8 {
                frames.append(random.bytes(random.below(40)))
                while let message = try? frames.next() { #expect(message.count <= 50) }
            }
        }
    }
}
