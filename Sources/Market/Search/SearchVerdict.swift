/// What a condition says of a row.
enum SearchVerdict: UInt8 {
    case fails = 0
    case passes = 1
    /// The fact is not known. The row does not pass, also not a condition that excludes: what is not known is not "other".
    case unknown = 2

    init(_ passes: Bool) { self = passes ? .passes : .fails }
}

/// The numbers that pass an ordered condition: ranges, or everything outside of them.
struct SearchBounds {
    private let ranges: [ClosedRange<Int64>]
    private let isNegated: Bool

    init(_ comparison: SearchComparison, _ numbers: [Int64]) {
        isNegated = comparison.isNegated
        ranges = numbers.compactMap { number in
            switch comparison {
            case .equal, .unequal, .among, .notAmong: number...number
            case .less: number > 0 ? 0...(number - 1) : nil
            case .lessOrEqual: number >= 0 ? 0...number : nil
            case .greater: number < .max ? (number + 1)...(.max) : nil
            case .greaterOrEqual: number...(.max)
            }
        }
    }

    func verdict(_ value: Int64) -> SearchVerdict {
        guard value != SearchTable.unknown else { return .unknown }
        return verdict(from: value, through: value)
    }

    /// Whether any number of an interval passes; a negated condition is the opposite of what it negates.
    func verdict(from low: Int64, through high: Int64) -> SearchVerdict {
        for range in ranges where low <= range.upperBound && high >= range.lowerBound {
            return SearchVerdict(!isNegated)
        }
        return SearchVerdict(isNegated)
    }

    /// How far an interval is from passing and in which direction; `nil` if no distance says it.
    func distance(from low: Int64, through high: Int64) -> (missing: Int64, isTooSmall: Bool)? {
        guard !isNegated, low != SearchTable.unknown, high != SearchTable.unknown else { return nil }
        var nearest: (missing: Int64, isTooSmall: Bool)?
        for range in ranges {
            let isTooSmall = high < range.lowerBound
            let (missing, overflow) =
                isTooSmall
                ? range.lowerBound.subtractingReportingOverflow(high)
                : low.subtractingReportingOverflow(range.upperBound)
            let clamped = overflow ? Int64.max : max(0, missing)
            if nearest.map({ clamped < $0.missing }) ?? true { nearest = (clamped, isTooSmall) }
        }
        return nearest
    }
}
