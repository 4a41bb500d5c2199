import Foundation
import Testing

@testable import Laboratory

/// A line with one metric for each seed from 1.
private func lines(_ metric: String, _ values: [Double], passed: [Bool] = [], firstSeed: Int = 1) throws -> [ResultLine]
{
    try values.enumerated().map { index, value in
        let isPassed = index < passed.count ? passed[index] : true
        return try ResultLine(
            #"{"scenario":"calm","seed":\#(firstSeed + index),"verdict":"passed","scenario_sha256":"00","changes":[],"#
                + #""program_version":"v","trace_hash":"0","signatures_computed":false,"verdicts":[{"name":"heal","passed":\#(isPassed)}],"#
                + #""metrics":{"\#(metric)":\#(value)},"messages_per_second":1,"events_per_second":1,"bytes_per_node":1}"#
        )
    }
}

@Suite struct `Comparison of results` {
    @Test func `a metric that got worse with every seed is a regression`() throws {
        let comparison = Comparison(
            try lines("latency_p99_seconds", [1, 1.1, 0.9, 1, 1]),
            try lines("latency_p99_seconds", [1.5, 1.6, 1.4, 1.5, 1.5])
        )
        let row = try #require(comparison.rows.first)
        #expect(comparison.rows.count == 1)
        #expect(abs((row.before ?? 0) - 1) < 1e-12 && abs((row.after ?? 0) - 1.5) < 1e-12)
        // Every pair differs by exactly a half, so every resample does.
        #expect(abs((row.low ?? 0) - 0.5) < 1e-12 && abs((row.high ?? 0) - 0.5) < 1e-12)
        #expect(row.verdict == .worse)
        #expect(comparison.isRegression)
    }

    @Test func `what differs both ways is the same`() throws {
        let comparison = Comparison(
            try lines("latency_p99_seconds", [1, 2, 1, 2, 1.5]),
            try lines("latency_p99_seconds", [2, 1, 2, 1, 1.6])
        )
        #expect(comparison.rows.map(\.verdict) == [.same])
        #expect(!comparison.isRegression)
    }

    @Test(arguments: [
        ("delivery_ratio", Comparison.Verdict.better), ("latency_p99_seconds", .worse), ("records_total", .changed),
        ("lookups_found_total", .better), ("searches_complete_total", .better), ("leases_countersigned_total", .better),
        ("lookup_failures_mean", .worse), ("lookups_total", .changed),
    ])
    func `which way is better is told by the name`(metric: String, expected: Comparison.Verdict) throws {
        let comparison = Comparison(try lines(metric, [1, 1, 1]), try lines(metric, [2, 2, 2]))
        #expect(comparison.rows.map(\.verdict) == [expected])
    }

    @Test func `of two seeds both must say the same, and what they leave unknown is no clean bill`() throws {
        let both = Comparison(try lines("delivery_ratio", [1, 1]), try lines("delivery_ratio", [0.2, 0.3]))
        #expect(both.rows.map(\.verdict) == [.worse])
        #expect(both.rows.first?.low == nil)
        let either = Comparison(try lines("hops_mean", [2, 2]), try lines("hops_mean", [3, 1.5]))
        #expect(either.rows.map(\.verdict) == [.unknown])
        #expect(!either.isRegression && either.isUndecided)
        let one = Comparison(try lines("hops_mean", [1]), try lines("hops_mean", [2]))
        #expect(one.rows.map(\.verdict) == [.unknown])
        #expect(one.isUndecided)
        let whatever = Comparison(try lines("records_total", [1]), try lines("records_total", [2]))
        #expect(whatever.rows.map(\.verdict) == [.changed])
        #expect(!whatever.isUndecided, "a metric without a better side cannot be worse")
        let small = Comparison(try lines("hops_mean", [1, 1, 1]), try lines("hops_mean", [1.009, 1.009, 1.009]))
        #expect(small.rows.map(\.verdict) == [.same])
    }

    @Test func `only the seeds that both sides have are compared, in pairs`() throws {
        // With all five the means would be equal, and no order of the lists pairs them.
        let comparison = Comparison(
            try lines("latency_p99_seconds", [1, 1, 1, 9, 9]),
            try lines("latency_p99_seconds", [3, 3, 3])
        )
        let row = try #require(comparison.rows.first)
        #expect(row.before == 1 && row.after == 3)
        #expect(row.low == 2 && row.high == 2)
        #expect(row.verdict == .worse)
        let two = Comparison(try lines("delivery_ratio", [1, 1, 1, 1, 1]), try lines("delivery_ratio", [0.2, 0.2]))
        #expect(two.rows.map(\.verdict) == [.worse])
        #expect(two.isRegression)
    }

    @Test func `a metric that is gone is worse, for all seeds or for one, and a new one is none`() throws {
        let (p99, other) = (try lines("latency_p99_seconds", [1, 1, 1]), try lines("x_total", [5, 5, 5]))
        let gone = Comparison(p99, other)
        #expect(gone.rows.map(\.metric) == ["latency_p99_seconds", "x_total"])
        #expect(gone.rows.map(\.verdict) == [.worse, .changed])
        #expect(gone.rows.map(\.before) == [1, nil] && gone.rows.map(\.after) == [nil, 5])
        #expect(gone.isRegression)
        let some = Comparison(p99, try lines("latency_p99_seconds", [1, 1]) + other.suffix(1))
        #expect(some.rows.first { $0.metric == "latency_p99_seconds" }?.verdict == .worse)
    }

    @Test func `a ratio near one is judged by what lacks to it`() throws {
        let before = try lines("delivery_ratio", [0.999, 0.999, 0.999])
        #expect(Comparison(before, try lines("delivery_ratio", [0.991, 0.991, 0.991])).rows.map(\.verdict) == [.worse])
        let half = try lines("delivery_ratio", [0.4, 0.4, 0.4])
        #expect(Comparison(half, try lines("delivery_ratio", [0.397, 0.397, 0.397])).rows.map(\.verdict) == [.same])
    }

    @Test func `which seeds were run is no other scenario`() throws {
        let text = try SyntheticRuns.record(secondCount: 1).line
        let changed = text.replacingOccurrences(of: #""changes":[]"#, with: #""changes":["seeds=1..5","nodes=9"]"#)
        #expect(try ResultLine(changed).variant == "partition-heal nodes=9")
    }

    @Test func `other seeds are compared as samples of their own`() throws {
        let comparison = Comparison(
            try lines("hops_mean", [1, 2, 3, 4, 5]),
            try lines("hops_mean", [11, 12, 13, 14, 15], firstSeed: 100)
        )
        let row = try #require(comparison.rows.first)
        #expect(row.verdict == .worse)
        let (low, high) = (try #require(row.low), try #require(row.high))
        // The standard error is √(2/5 + 2/5) ≈ 0.894: the interval is about ± 1.96 of these around 10.
        #expect(abs(low - 8.25) < 0.25 && abs(high - 11.75) < 0.25, "\(low) \(high)")
        let again = Comparison(
            try lines("hops_mean", [1, 2, 3, 4, 5]),
            try lines("hops_mean", [11, 12, 13, 14, 15], firstSeed: 100)
        )
        #expect(again.rows == comparison.rows)
    }

    @Test func `an expectation that held and fails now is a regression with its seed`() throws {
        let comparison = Comparison(
            try lines("x_total", [1, 1, 1], passed: [true, true, false]),
            try lines("x_total", [1, 1, 1], passed: [true, false, false])
        )
        #expect(comparison.losses == [.init(variant: "calm", seed: 2, name: "heal")])
        #expect(comparison.isRegression)
    }

    @Test func `speed is compared on demand only`() throws {
        let (before, after) = (try lines("x_total", [1, 1, 1]), try lines("x_total", [1, 1, 1]))
        #expect(Comparison(before, after).rows.map(\.metric) == ["x_total"])
        #expect(
            Comparison(before, after, withSpeed: true).rows.map(\.metric) == [
                "x_total", "messages_per_second", "events_per_second", "bytes_per_node",
            ]
        )
    }
}
