import Testing

@testable import Simulator

/// Expected values are to 17 digits from tables (Abramowitz and Stegun 1964; the OEIS constants), not from a platform's library.
@Suite struct `Elementary functions` {
    private func isClose(_ value: Double, _ expected: Double, _ tolerance: Double = 1e-13) -> Bool {
        abs(value - expected) <= tolerance * abs(expected)
    }

    @Test(arguments: [
        (0.0, 1.0), (1, 2.718_281_828_459_045_2), (-1, 0.367_879_441_171_442_32), (10, 22026.465_794_806_717),
        (0.5, 1.648_721_270_700_128_2), (-20, 2.061_153_622_438_557_8e-9), (100, 2.688_117_141_816_135_4e43),
        (700, 1.014_232_054_735_004_5e304),
    ]) func `exponentials`(x: Double, expected: Double) {
        #expect(isClose(ElementaryFunctions.exp(x), expected))
    }

    @Test func `exponential ends in zero and infinity`() {
        #expect(ElementaryFunctions.exp(-1000) == 0)
        #expect(ElementaryFunctions.exp(1000) == .infinity)
    }

    @Test(arguments: [
        (2.0, 0.693_147_180_559_945_31), (10, 2.302_585_092_994_045_7), (0.1, -2.302_585_092_994_045_7),
        (3, 1.098_612_288_668_109_7), (1.414_213_562_373_095, 0.346_573_590_279_972_65),
        (0x1p-53, -36.736_800_569_677_101), (1e300, 690.775_527_898_213_7), (1.001, 9.995_003_330_834_232e-4),
    ]) func `logarithms`(x: Double, expected: Double) {
        #expect(isClose(ElementaryFunctions.log(x), expected))
    }

    @Test func `logarithm of one is zero, of the smallest number finite`() {
        #expect(ElementaryFunctions.log(1) == 0)
        #expect(isClose(ElementaryFunctions.log(.leastNonzeroMagnitude), -744.440_071_921_381_3))
    }

    @Test(arguments: [UInt64(1), 2]) func `logarithm and exponential undo each other`(seed: UInt64) {
        var random = SimulationRandom(seed: seed)
        for _ in 0..<2000 {
            let x = (random.unit() - 0.5) * 1000
            #expect(abs(ElementaryFunctions.log(ElementaryFunctions.exp(x)) - x) < 1e-12 * max(1, abs(x)))
        }
    }

    @Test func `powers, of zero too`() {
        #expect(isClose(ElementaryFunctions.power(2, 10), 1024))
        #expect(isClose(ElementaryFunctions.power(2, 0.5), 1.414_213_562_373_095))
        #expect(ElementaryFunctions.power(0, 2) == 0)
    }

    @Test(arguments: [
        (1.0, 1.0), (0.5, 1.772_453_850_905_516), (1.5, 0.886_226_925_452_758), (5.0, 24.0), (11.0, 3_628_800.0),
        (0.25, 3.625_609_908_221_908_3), (20.0, 121_645_100_408_832_000.0),
    ]) func `gamma of positive numbers`(x: Double, expected: Double) {
        #expect(isClose(ElementaryFunctions.gamma(x), expected, 1e-12))
    }

    @Test(arguments: [
        (0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.99, 2.326_347_874_040_841), (0.1, -1.281_551_565_544_600_5),
        (0.00001, -4.264_890_793_922_825),
    ]) func `normal quantiles`(chance: Double, expected: Double) {
        #expect(abs(ElementaryFunctions.normalQuantile(chance) - expected) < 1e-9)
        #expect(abs(ElementaryFunctions.normalDistribution(expected) - chance) < 1e-14)
    }

    @Test func `normal draws have mean zero, variance one, and the kurtosis of a normal`() {
        var random = SimulationRandom(seed: 4)
        var (sum, squares, fourths) = (0.0, 0.0, 0.0)
        let count = 50_000
        for _ in 0..<count {
            let x = random.normal()
            sum += x
            squares += x * x
            fourths += x * x * x * x
        }
        // Five standard errors: of the mean √(1/n), of the square √(2/n), of the fourth power √(96/n).
        #expect(abs(sum / Double(count)) < 0.0224)
        #expect(abs(squares / Double(count) - 1) < 0.0317)
        #expect(abs(fourths / Double(count) - 3) < 0.22)
    }

    @Test(arguments: [1.0, 2.923, 7]) func `gamma draws have mean and variance of their shape`(shape: Double) {
        var random = SimulationRandom(seed: 5)
        var (sum, squares) = (0.0, 0.0)
        let count = 40_000
        for _ in 0..<count {
            let x = random.gamma(shape: shape)
            sum += x
            squares += x * x
        }
        let mean = sum / Double(count)
        #expect(abs(mean / shape - 1) < 0.025)
        #expect(abs((squares / Double(count) - mean * mean) / shape - 1) < 0.06)
    }

    /// Debug and release builds, and every machine, must agree on these bits; both builds run this test.
    @Test func `give the same bits everywhere`() {
        var random = SimulationRandom(seed: 6)
        var trace = TraceHash(seed: 0)
        for _ in 0..<1000 {
            trace.mix(random.normal().bitPattern)
            trace.mix(random.gamma(shape: 1.7).bitPattern)
            trace.mix(ElementaryFunctions.exp(random.unit() * 100 - 50).bitPattern)
            trace.mix(ElementaryFunctions.gamma(random.positiveUnit() * 8).bitPattern)
        }
        #expect(trace.value == 13_912_781_227_866_767_709)
    }
}
