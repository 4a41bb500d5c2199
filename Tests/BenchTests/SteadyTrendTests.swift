import Testing

@testable import rialto_bench

@Suite struct `A steady trend` {
    /// One value every five seconds for an hour and three quarters.
    private static func hour(_ value: (Int) -> Double) -> [(second: Double, value: Double)] {
        (0..<1_260).map { (second: 900 + Double($0) * 5, value: value($0)) }
    }

    private static let mebibyte = 1_048_576.0

    @Test func `is flat for noise and for teeth of a saw`() throws {
        let noise = try #require(SteadyTrend(Self.hour { 30 * Self.mebibyte + Double($0 * 7_919 % 1_000) * 1_000 }))
        #expect(noise.isFlat(share: 0.05, floor: 2 * Self.mebibyte))
        #expect(abs(noise.growth) < Self.mebibyte / 10)
        let saw = try #require(SteadyTrend(Self.hour { 30 * Self.mebibyte + Double($0 % 60) * 50_000 }))
        #expect(saw.isFlat(share: 0.05, floor: 2 * Self.mebibyte))
    }

    @Test func `finds a leak of half a kibibyte a second beneath noise`() throws {
        let leak = try #require(
            SteadyTrend(Self.hour { 30 * Self.mebibyte + Double($0) * 2_560 + Double($0 * 7_919 % 1_000) * 1_000 })
        )
        #expect(!leak.isFlat(share: 0.05, floor: 2 * Self.mebibyte))
        #expect(abs(leak.growth - 2_560 * 1_259) < 50_000)
        #expect(abs(leak.hours - 1.748_6) < 0.001)
        #expect(abs(leak.growthPerHour - 2_560 * 720) < 50_000)
    }

    @Test func `is not moved by one spike, nor by one hole`() throws {
        let calm = try #require(SteadyTrend(Self.hour { $0 == 1_000 ? 1e12 : $0 == 1_100 ? 0 : 5 }))
        #expect(calm.growth == 0)
        #expect(calm.level == 5)
    }

    @Test func `finds one descriptor in ten minutes`() throws {
        let leak = try #require(SteadyTrend(Self.hour { Double(40 + $0 / 120) }))
        #expect(!leak.isFlat(share: 0, floor: 2))
        #expect(try #require(SteadyTrend(Self.hour { Double(40 + $0 % 2) })).isFlat(share: 0, floor: 2))
    }

    @Test func `says nothing of fewer than four points, or of one instant`() {
        #expect(SteadyTrend([(0, 1), (1, 1), (2, 1)]) == nil)
        #expect(SteadyTrend([(1, 1), (1, 2), (1, 3), (1, 4)]) == nil)
        #expect(SteadyTrend([(0, 1), (1, 1), (2, 1), (3, 1)])?.growth == 0)
    }
}
