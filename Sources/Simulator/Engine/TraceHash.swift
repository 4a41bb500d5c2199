public import Primitives

/// A rolling 64-bit hash of everything that happened: two runs are the same if theirs are.
///
/// One step: `value = f((value ^ word) · K)` with an odd constant K and f(x) = x ^ (x >> 32). Each step is a bijection of the state
/// and of the word, so that one changed word changes every later value; two changes cancel with chance 2⁻⁶⁴. It guards against
/// accident, not against an adversary.
public struct TraceHash: Hashable, Sendable {
    /// SplitMix64's second multiplier: odd, its bits well spread.
    private static let multiplier: UInt64 = 0x94D0_49BB_1331_11EB

    public private(set) var value: UInt64

    public init(seed: UInt64) {
        value = SplitMix64.finalised(seed &+ SplitMix64.increment)
    }

    @inline(__always)
    public mutating func mix(_ word: UInt64) {
        let product = (value ^ word) &* Self.multiplier
        value = product ^ (product >> 32)
    }

    @inline(__always)
    public mutating func mix(_ instant: Instant) {
        mix(UInt64(bitPattern: instant.nanoseconds))
    }

    /// Takes in a byte string: its length, then eight bytes at a time.
    public mutating func mix(_ bytes: [UInt8]) {
        mix(UInt64(bytes.count))
        var (word, filled): (UInt64, UInt64) = (0, 0)
        for byte in bytes {
            word |= UInt64(byte) << filled
            filled += 8
            if filled == 64 {
                mix(word)
                (word, filled) = (0, 0)
            }
        }
        if filled > 0 { mix(word) }
    }
}
