/// A cryptographic stream of random numbers with one owner: ChaCha20 with fast key erasure.
///
/// Peers see what it draws (ping payloads, shuffles, jitter) and must not predict the next draw, hence a cipher; tests and
/// simulations must repeat every draw, hence a seed. The first 32 bytes of every refill replace the key, so that a leaked state
/// does not reveal earlier draws (D. J. Bernstein, "Fast-key-erasure random-number generators", 2017).
///
/// Bounded draws and shuffles are defined here and not by the standard library, whose algorithms may change between versions:
/// golden transcripts outlive them.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    public static let seedByteCount = 32
    private static let blocksPerRefill = 4

    private var key: ChaCha20Block.Key
    private var buffer: [UInt8] = []
    private var offset = 0

    /// Starts a stream from exactly 32 secret bytes.
    public init(seed: [UInt8]) {
        precondition(seed.count == Self.seedByteCount, "a seed has 32 bytes, not \(seed.count)")
        key = ChaCha20Block.Key(bytes: seed[...])
    }

    /// An independent stream for a child, so that the child's draws never shift the parent's.
    public mutating func split() -> SeededRandom {
        SeededRandom(seed: bytes(Self.seedByteCount))
    }

    public mutating func next() -> UInt64 {
        var value: UInt64 = 0
        if buffer.count - offset >= 8 {
            for index in 0..<8 {
                value |= UInt64(buffer[offset + index]) << UInt64(8 * index)
                buffer[offset + index] = 0
            }
            offset += 8
        } else {
            for index in 0..<8 { value |= UInt64(nextByte()) << UInt64(8 * index) }
        }
        return value
    }

    /// Draws `count` bytes.
    public mutating func bytes(_ count: Int) -> [UInt8] {
        precondition(count >= 0)
        var drawn: [UInt8] = []
        drawn.reserveCapacity(count)
        while drawn.count < count { drawn.append(nextByte()) }
        return drawn
    }

    /// Draws uniformly from `0 ..< bound` by rejection; `bound` must be positive.
    public mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "nothing lies below \(bound)")
        let bound = UInt64(bound)
        let rejected = (0 &- bound) % bound
        while true {
            let draw = next()
            if draw >= rejected { return Int(draw % bound) }
        }
    }

    /// Draws `true` with probability `numerator / denominator`.
    public mutating func chance(_ numerator: Int, in denominator: Int) -> Bool {
        below(denominator) < numerator
    }

    /// Draws uniformly from `[0, 1)` with 53 bits.
    public mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Draws a length from `duration · (1 ± share)`, for timers that must not march in step.
    public mutating func jittered(_ duration: Duration, by share: Double) -> Duration {
        duration * (1 + share * (2 * unit() - 1))
    }

    /// Shuffles by Fisher and Yates, from the end.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        guard elements.count > 1 else { return }
        for index in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(index, below(index + 1)) }
    }

    /// At most `count` different elements in random order.
    public mutating func sample<Element>(_ elements: [Element], _ count: Int) -> [Element] {
        var shuffled = elements
        shuffle(&shuffled)
        return Array(shuffled.prefix(max(0, count)))
    }

    private mutating func nextByte() -> UInt8 {
        if offset == buffer.count { refill() }
        defer { offset += 1 }
        let byte = buffer[offset]
        buffer[offset] = 0
        return byte
    }

    private mutating func refill() {
        var stream: [UInt8] = []
        stream.reserveCapacity(Self.blocksPerRefill * ChaCha20Block.byteCount)
        for counter in 0..<UInt32(Self.blocksPerRefill) {
            ChaCha20Block.append(key: key, counter: counter, to: &stream)
        }
        key = ChaCha20Block.Key(bytes: stream[..<Self.seedByteCount])
        buffer = stream
        offset = Self.seedByteCount
    }
}
