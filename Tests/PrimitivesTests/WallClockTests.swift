import Primitives
import Testing

@Suite struct `Wall clock` {
    private var clock = WallClock()

    @Test mutating func `goes on with the monotonic clock and reports steps against it`() {
        #expect(clock.set(unixMilliseconds: 1_700_000_000_000, at: .zero) == 0)
        #expect(clock.unixMilliseconds(at: .zero.advanced(by: .seconds(10))) == 1_700_000_010_000)
        #expect(clock.set(unixMilliseconds: 1_700_000_010_000, at: .zero.advanced(by: .seconds(10))) == 0)
        #expect(clock.set(unixMilliseconds: 1_700_000_080_000, at: .zero.advanced(by: .seconds(20))) == 60_000)
        #expect(clock.unixMilliseconds(at: .zero.advanced(by: .seconds(20))) == 1_700_000_080_000)
    }

    @Test mutating func `absurd times saturate`() {
        _ = clock.set(unixMilliseconds: .max, at: Instant(nanoseconds: -5_000_000))
        #expect(clock.unixMilliseconds(at: .distantFuture) == .max)
        #expect(clock.set(unixMilliseconds: .min, at: .zero) == .min)
    }
}
