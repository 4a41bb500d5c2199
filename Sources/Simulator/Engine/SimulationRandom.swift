/// A fast stream of random numbers for what nobody attacks: delays, losses, session lengths.
///
/// xoshiro256** 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021). What a node owns is a
/// `SeededRandom`, as in the real program.
public struct SimulationRandom: RandomNumberGenerator, Hashable, Sendable {
    private var a: UInt64
    private var b: UInt64
    private var c: UInt64
    private var d: UInt64

    /// Starts from four words, of which one at least is not zero.
    public init(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) {
        precondition(a | b | c | d != 0, "the state zero never leaves itself")
        (self.a, self.b, self.c, self.d) = (a, b, c, d)
    }

    /// Starts from one word, spread by SplitMix64 as the authors advise.
    public init(seed: UInt64) {
        var spread = SplitMix64(state: seed)
        self.init(spread.next(), spread.next(), spread.next(), spread.next())
    }

    @inline(__always)
    public mutating func next() -> UInt64 {
        let product = b &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = b << 17
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = d << 45 | d >> 19
        return result
    }

    /// Draws uniformly from `0 ..< bound`; `bound` must be positive (Lemire, "Fast random integer generation in an interval", 2019).
    @inline(__always)
    public mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "nothing lies below \(bound)")
        let bound = UInt64(bound)
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let rejected = (0 &- bound) % bound
            while product.low < rejected { product = next().multipliedFullWidth(by: bound) }
        }
        return Int(product.high)
    }

    /// Draws uniformly from `[0, 1)` with 53 bits.
    public mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Draws uniformly from `(0, 1]`: what has a logarithm.
    public mutating func positiveUnit() -> Double {
        Double((next() >> 11) + 1) * 0x1p-53
    }

    /// Draws `true` with the chance of a share.
    public mutating func chance(_ share: Share) -> Bool {
        below(1_000_000) < share.millionths
    }

    /// Shuffles by Fisher and Yates, from the end.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        guard elements.count > 1 else { return }
        for index in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(index, below(index + 1)) }
    }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a counter behind a finaliser; spreads seeds.
struct SplitMix64: Sendable {
    static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= Self.increment
        return Self.finalised(state)
    }

    /// The finaliser alone: a bijection of 64-bit words.
    @inline(__always)
    static func finalised(_ word: UInt64) -> UInt64 {
        var mixed = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
