internal import Primitives

/// Counts of lengths of time in buckets of less than one percent, so that percentiles over millions of deliveries cost 32 KiB.
///
/// A bucket is a power of two of microseconds and seven bits below it; lengths above 71 minutes count as that, and those that
/// never ended stand behind all others.
struct LatencyHistogram: Sendable {
    private static let mantissaBits = 7
    private static let bucketCount = 33 << mantissaBits

    private var counts = [Int](repeating: 0, count: bucketCount)
    private(set) var endedCount = 0
    private(set) var endlessCount = 0

    var count: Int { endedCount + endlessCount }

    mutating func add(microseconds: UInt32) {
        counts[Self.bucket(of: microseconds)] += 1
        endedCount += 1
    }

    mutating func addEndless(_ count: Int) { endlessCount += count }

    mutating func removeAll() {
        guard count > 0 else { return }
        for index in counts.indices { counts[index] = 0 }
        (endedCount, endlessCount) = (0, 0)
    }

    /// The length that `percentile` (in hundredths of a percent) of all do not exceed; `nil` if those never ended or there are none.
    func percentile(_ percentile: Int) -> Duration? {
        guard count > 0 else { return nil }
        // The smallest rank that covers the share, one at least.
        let rank = max(1, (count * percentile + 9_999) / 10_000)
        guard rank <= endedCount else { return nil }
        var passed = 0
        for (bucket, inBucket) in counts.enumerated() {
            passed += inBucket
            if passed >= rank { return .microseconds(Self.upperBound(of: bucket)) }
        }
        return nil
    }

    private static func bucket(of microseconds: UInt32) -> Int {
        let bits = UInt32.bitWidth - microseconds.leadingZeroBitCount
        guard bits > mantissaBits else { return Int(microseconds) }
        let exponent = bits - mantissaBits
        let mantissa = Int(microseconds >> UInt32(exponent - 1)) & ((1 << mantissaBits) - 1)
        return exponent << mantissaBits + mantissa
    }

    private static func upperBound(of bucket: Int) -> Int {
        let (exponent, mantissa) = (bucket >> mantissaBits, bucket & ((1 << mantissaBits) - 1))
        guard exponent > 0 else { return bucket }
        return ((1 << mantissaBits + mantissa + 1) << (exponent - 1)) - 1
    }
}
