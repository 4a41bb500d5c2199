import Primitives
import Testing

@Suite struct `Points in time` {
    @Test func `moves by durations and measures them`() {
        let start = Instant(nanoseconds: 5)
        let later = start.advanced(by: .seconds(2))
        #expect(later.nanoseconds == 2_000_000_005)
        #expect(start.duration(to: later) == .seconds(2))
        #expect(later.duration(to: start) == .seconds(-2))
        #expect(start < later)
        #expect(Instant.zero.nanoseconds == 0)
    }

    @Test func `the end of time is reached, never passed`() {
        #expect(Instant(nanoseconds: .max - 1).advanced(by: .seconds(1)) == .distantFuture)
        #expect(Instant(nanoseconds: .min + 1).advanced(by: .seconds(-1)).nanoseconds == .min)
        #expect(Instant.zero.advanced(by: .seconds(Int64.max)) == .distantFuture)
        #expect(Instant.zero.advanced(by: .seconds(Int64.min)).nanoseconds == .min)
        #expect(Instant.distantFuture.advanced(by: .seconds(-1)).nanoseconds == Int64.max - 1_000_000_000)
    }

    @Test func `distances beyond 64 bits are the longest there are`() {
        let (first, last) = (Instant(nanoseconds: .min), Instant.distantFuture)
        #expect(first.duration(to: last) == .nanoseconds(Int64.max))
        #expect(last.duration(to: first) == .nanoseconds(Int64.min))
    }

    @Test func `durations saturate`() {
        #expect(Duration.milliseconds(1500).saturatedNanoseconds == 1_500_000_000)
        #expect(Duration.milliseconds(1500).milliseconds == 1500)
        #expect(Duration.milliseconds(-1500).saturatedNanoseconds == -1_500_000_000)
        #expect(Duration.seconds(Int64.max).saturatedNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).saturatedNanoseconds == .min)
        // 2⁶³ nanoseconds to the last: the product fits, the sum does not.
        #expect((Duration.seconds(9_223_372_036) + .nanoseconds(854_775_808)).saturatedNanoseconds == .max)
        #expect((Duration.seconds(9_223_372_036) + .nanoseconds(854_775_807)).saturatedNanoseconds == .max)
        #expect((Duration.seconds(9_223_372_036) + .nanoseconds(854_775_806)).saturatedNanoseconds == .max - 1)
    }

    /// Short lengths are reckoned another way than long ones: both must say the same on either side of the border.
    @Test func `nanoseconds are the attoseconds' quotient, rounded towards zero`() {
        let border = Int128(Int64.max) << 9
        let edges: [Int128] = [
            0, 1, 999_999_999, 1_000_000_000, 1_000_000_001, border - 1, border, border + 511, border + 512,
        ]
        for edge in edges {
            for attoseconds in [edge, edge * 3 + 7, -edge, -edge - 1] {
                let expected = Int64(attoseconds / 1_000_000_000)
                #expect(Duration(attoseconds: attoseconds).saturatedNanoseconds == expected, "\(attoseconds)")
            }
        }
    }

    @Test func `the earliest deadline wins and unarmed ones do not count`() {
        #expect(earliest(nil, Instant(nanoseconds: 7), nil, Instant(nanoseconds: 3)) == Instant(nanoseconds: 3))
        #expect(earliest(nil, nil) == nil)
    }
}

@Suite struct `Token bucket` {
    private var bucket = TokenBucket(burst: 3, interval: .seconds(5))

    @Test mutating func `says when there will be a token`() {
        let start = Instant.zero.advanced(by: .seconds(100))
        #expect(bucket.nextToken(at: start) == start)
        let isTaken = bucket.take(3, at: start)
        #expect(isTaken)
        #expect(bucket.nextToken(at: start) == start.advanced(by: .seconds(5)))
        let later = start.advanced(by: .seconds(4))
        #expect(bucket.nextToken(at: later) == start.advanced(by: .seconds(5)))
        #expect(bucket.nextToken(at: start.advanced(by: .seconds(6))) == start.advanced(by: .seconds(6)))
    }

    private mutating func takes(_ count: Int = 1, after time: Duration) -> Bool {
        bucket.take(count, at: Instant.zero.advanced(by: time))
    }

    @Test mutating func `gives its burst at once and then one an interval`() {
        let times: [Duration] = [.zero, .zero, .zero, .zero, .milliseconds(4999), .seconds(5), .seconds(5)]
        let taken = times.map { bucket.take(at: Instant.zero.advanced(by: $0)) }
        #expect(taken == [true, true, true, false, false, true, false])
    }

    @Test mutating func `never holds more than its burst`() {
        let first = takes(after: .zero)
        #expect(first)
        #expect(!bucket.isFull(at: .zero))
        #expect(bucket.isFull(at: Instant.zero.advanced(by: .seconds(5))))
        let late = [
            takes(4, after: .seconds(Int64.max)), takes(3, after: .seconds(Int64.max)),
            takes(after: .seconds(Int64.max)),
        ]
        #expect(late == [false, true, false])
    }
}

@Suite struct `A number and its noun` {
    @Test(arguments: [(0, "0 offers"), (1, "1 offer"), (2, "2 offers"), (-1, "-1 offers")])
    func `agree`(number: Int, text: String) {
        #expect(number.counted("offer") == text)
    }

    @Test func `have a plural of their own where it is another`() {
        #expect(1.counted("entry", "entries") == "1 entry" && 3.counted("entry", "entries") == "3 entries")
    }
}
