internal import Primitives

/// A 95 % interval of a difference of means by resampling, the same for the same seed.
///
/// Percentile bootstrap (Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7, 1979).
struct Bootstrap {
    static let resampleCount = 10_000
    /// With fewer values on a side no interval is trusted.
    static let valueCountMin = 3

    struct Interval: Hashable {
        let low: Double
        let high: Double
    }

    private var random: SeededRandom

    init(seed: UInt8 = 1) {
        random = SeededRandom(seed: [UInt8](repeating: seed, count: SeededRandom.seedByteCount))
    }

    /// Of values that belong together pair by pair: the differences are drawn again.
    mutating func paired(_ differences: [Double]) -> Interval? {
        interval(of: differences.count) { bootstrap in bootstrap.meanOfDraw(differences) }
    }

    /// Of two samples that have nothing to do with each other: each is drawn again.
    mutating func unpaired(_ first: [Double], _ second: [Double]) -> Interval? {
        interval(of: min(first.count, second.count)) { $0.meanOfDraw(second) - $0.meanOfDraw(first) }
    }

    private mutating func interval(of count: Int, _ draw: (inout Bootstrap) -> Double) -> Interval? {
        guard count >= Self.valueCountMin else { return nil }
        var means: [Double] = []
        means.reserveCapacity(Self.resampleCount)
        for _ in 0..<Self.resampleCount { means.append(draw(&self)) }
        means.sort()
        return Interval(
            low: means[Self.resampleCount / 40],
            high: means[Self.resampleCount - 1 - Self.resampleCount / 40]
        )
    }

    private mutating func meanOfDraw(_ values: [Double]) -> Double {
        var sum = 0.0
        for _ in values { sum += values[random.below(values.count)] }
        return sum / Double(values.count)
    }
}
