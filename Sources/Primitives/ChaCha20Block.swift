/// The ChaCha20 block function of RFC 8439 §2.3 with an all-zero nonce: the engine of `SeededRandom`.
///
/// Only the generator uses it. Messages are encrypted by libsodium.
enum ChaCha20Block {
    static let byteCount = 64

    struct Key: Sendable {
        fileprivate let words: SIMD8<UInt32>

        /// Reads exactly 32 bytes as little-endian words.
        init(bytes: ArraySlice<UInt8>) {
            precondition(bytes.count == 32)
            var words = SIMD8<UInt32>()
            for (index, byte) in bytes.enumerated() { words[index / 4] |= UInt32(byte) << UInt32(8 * (index % 4)) }
            self.words = words
        }
    }

    static func append(key: Key, counter: UInt32, to stream: inout [UInt8]) {
        let constants = SIMD4<UInt32>(0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574)
        let start = (constants, key.words.lowHalf, key.words.highHalf, SIMD4<UInt32>(counter, 0, 0, 0))
        var (a, b, c, d) = start
        for _ in 0..<10 {
            quarterRounds(&a, &b, &c, &d)
            (b, c, d) = (rotated(b, by: 1), rotated(c, by: 2), rotated(d, by: 3))
            quarterRounds(&a, &b, &c, &d)
            (b, c, d) = (rotated(b, by: 3), rotated(c, by: 2), rotated(d, by: 1))
        }
        for row in [a &+ start.0, b &+ start.1, c &+ start.2, d &+ start.3] {
            for lane in 0..<4 {
                for shift in stride(from: UInt32(0), to: 32, by: 8) {
                    stream.append(UInt8(truncatingIfNeeded: row[lane] >> shift))
                }
            }
        }
    }

    /// Four quarter rounds at once, one per lane (RFC 8439 §2.1).
    private static func quarterRounds(
        _ a: inout SIMD4<UInt32>,
        _ b: inout SIMD4<UInt32>,
        _ c: inout SIMD4<UInt32>,
        _ d: inout SIMD4<UInt32>
    ) {
        a &+= b
        d = leftRotated(d ^ a, by: 16)
        c &+= d
        b = leftRotated(b ^ c, by: 12)
        a &+= b
        d = leftRotated(d ^ a, by: 8)
        c &+= d
        b = leftRotated(b ^ c, by: 7)
    }

    private static func leftRotated(_ word: SIMD4<UInt32>, by bits: UInt32) -> SIMD4<UInt32> {
        (word &<< bits) | (word &>> (32 - bits))
    }

    private static func rotated(_ row: SIMD4<UInt32>, by lanes: Int) -> SIMD4<UInt32> {
        SIMD4(row[lanes % 4], row[(lanes + 1) % 4], row[(lanes + 2) % 4], row[(lanes + 3) % 4])
    }
}
