/// What many prices look like, in micros for one GPU and one hour.
public struct PriceQuantiles: Hashable, Sendable {
    /// How many prices it is of, at least one.
    public let count: Int
    public let p10: Int64
    public let median: Int64
    public let p90: Int64

    /// The nearest ranks: the smallest price that so many percent of all do not exceed; `nil` without any.
    public init?(of prices: [Int64]) {
        guard !prices.isEmpty else { return nil }
        let sorted = prices.sorted()
        func rank(_ percent: Int) -> Int64 { sorted[max(0, (sorted.count * percent + 99) / 100 - 1)] }
        (count, p10, median, p90) = (sorted.count, rank(10), rank(50), rank(90))
    }

    init?(count: Int, p10: Int64, median: Int64, p90: Int64) {
        guard count > 0, 0 <= p10, p10 <= median, median <= p90 else { return nil }
        (self.count, self.p10, self.median, self.p90) = (count, p10, median, p90)
    }
}

/// What a price is of: one model in one unit; prices in different units do not compare.
public struct PriceSeriesKey: Hashable, Comparable, Sendable {
    /// The catalogue's id.
    public let gpu: String
    public let unit: String

    public init(gpu: String, unit: String) {
        (self.gpu, self.unit) = (gpu, unit)
    }

    public static func < (left: PriceSeriesKey, right: PriceSeriesKey) -> Bool {
        left.gpu != right.gpu ? left.gpu < right.gpu : left.unit < right.unit
    }
}

/// One day (UTC) of a series.
public struct PriceDay: Hashable, Sendable {
    /// Days since the Unix epoch.
    public let day: Int64
    /// As they stood when the day was last looked at.
    public let asked: PriceQuantiles?
    /// Of leases that began on the day.
    public let leased: PriceQuantiles?

    public init(day: Int64, asked: PriceQuantiles?, leased: PriceQuantiles?) {
        (self.day, self.asked, self.leased) = (day, asked, leased)
    }
}
