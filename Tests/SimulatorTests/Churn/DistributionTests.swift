import Primitives
import Testing

@testable import Simulator

@Suite struct `Lengths` {
    static let all: [Distribution] = [
        .constant(.seconds(10)),
        .uniform(.seconds(2), .seconds(8)),
        .exponential(mean: .seconds(100)),
        .weibull(shape: 0.52, scale: .seconds(6984)),
        .weibull(shape: 1.7, scale: .seconds(50)),
        .pareto(shape: 5, scale: .seconds(400)),
        .lognormal(median: .seconds(600), sigma: 0.8),
        .trace([.seconds(1), .seconds(2), .seconds(3), .seconds(10)]),
    ]

    private func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }

    private func draws(_ count: Int, of distribution: Distribution, seed: UInt64 = 1) -> [Double] {
        var random = SimulationRandom(seed: seed)
        return (0..<count).map { _ in seconds(distribution.draw(using: &random)) }
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    @Test(arguments: all) func `draws have the mean that it names`(distribution: Distribution) throws {
        let expected = try #require(distribution.mean)
        #expect(abs(mean(draws(30_000, of: distribution)) / seconds(expected) - 1) < 0.03)
    }

    @Test(arguments: all.dropLast().dropFirst(), [0.1, 0.5, 0.9])
    func `draws fall below a quantile as often as it says`(distribution: Distribution, chance: Double) {
        let quantile = seconds(distribution.quantile(chance))
        let below = draws(10_000, of: distribution).count { $0 <= quantile }
        #expect(abs(Double(below) / 10_000 - chance) < 0.02)
    }

    /// Mean λΓ(1 + 1/k) and median λ(ln 2)^(1/k), with Γ(2.923) = 1.865155 and (ln 2)^1.923 = 0.494191.
    @Test func `Weibull mean and median are those of theory`() throws {
        let sessions = Distribution.weibull(shape: 0.52, scale: .seconds(6984))
        let drawn = draws(200_000, of: sessions, seed: 3).sorted()
        let mean = seconds(try #require(sessions.mean))
        #expect(abs(mean / (6984 * 1.865_155) - 1) < 1e-5)
        #expect(abs(seconds(sessions.quantile(0.5)) / (6984 * 0.494_191) - 1) < 1e-5)
        #expect(abs(self.mean(drawn) / (6984 * 1.865_155) - 1) < 0.01)
        #expect(abs(drawn[100_000] / (6984 * 0.494_191) - 1) < 0.01)
    }

    /// Trautwein et al., "Design and evaluation of IPFS", SIGCOMM 2022: 87.6 % of sessions below 8 h, 2.5 % above 24 h.
    @Test func `the Weibull of IPFS sessions has their quantiles`() {
        let drawn = draws(50_000, of: .weibull(shape: 0.52, scale: .seconds(6984)), seed: 4)
        let below8 = Double(drawn.count { $0 < 8 * 3600 }) / 50_000
        let above24 = Double(drawn.count { $0 > 24 * 3600 }) / 50_000
        #expect(abs(below8 - 0.876) < 0.01)
        #expect(abs(above24 - 0.025) < 0.01)
    }

    /// What remains at an arbitrary moment has the mean E[x²] / 2E[x] and, below t, the chance ∫₀ᵗ (1 − F) / E[x].
    @Test(arguments: all) func `what remains is distributed as at an arbitrary moment`(distribution: Distribution) {
        let whole = draws(40_000, of: distribution, seed: 5)
        var random = SimulationRandom(seed: 6)
        let remaining = (0..<20_000).map { _ in seconds(distribution.drawResidual(using: &random)) }
        for share in [0.3, 1, 2] {
            let moment = mean(whole) * share
            // E[min(x, t)] is the integral of 1 − F up to t.
            let expected = mean(whole.map { min($0, moment) }) / mean(whole)
            let found = Double(remaining.count { $0 < moment }) / 20_000
            #expect(abs(found - expected) < 0.02, "share \(share)")
        }
    }

    @Test func `a Pareto without a mean is drawn fresh`() {
        let heavy = Distribution.pareto(shape: 0.9, scale: .seconds(1))
        #expect(heavy.mean == nil)
        var (first, second) = (SimulationRandom(seed: 1), SimulationRandom(seed: 1))
        #expect(heavy.drawResidual(using: &first) == heavy.draw(using: &second))
    }

    @Test func `no draw is longer than thirty-one years`() {
        let lengths = draws(2000, of: .pareto(shape: 0.05, scale: .seconds(100_000)))
        #expect(lengths.max() == 1e9)
        #expect(lengths.allSatisfy { $0 >= 0 })
    }

    @Test func `what cannot be drawn is not sound`() {
        for distribution in Self.all { #expect(distribution.isSound) }
        let broken: [Distribution] = [
            .constant(.seconds(-1)), .uniform(.seconds(2), .seconds(1)), .exponential(mean: .zero),
            .weibull(shape: 0, scale: .seconds(1)), .pareto(shape: .nan, scale: .seconds(1)),
            .lognormal(median: .zero, sigma: 1), .trace([]),
        ]
        for distribution in broken { #expect(!distribution.isSound) }
    }
}
