public import Primitives
internal import Cryptography

extension SeededRandom {
    /// A stream for a test or a simulation: a scenario's 64-bit seed, expanded by SHA-256.
    public init(testSeed: UInt64) {
        self.init(seed: SHA256.hash((0..<8).map { UInt8(truncatingIfNeeded: testSeed >> UInt64(8 * $0)) }))
    }
}
