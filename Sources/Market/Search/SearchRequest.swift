/// Why a request is refused before it is carried out.
public enum SearchRequestError: Error, Hashable, CustomStringConvertible {
    case outOfBounds(name: String, found: Int, accepted: ClosedRange<Int>)

    public var description: String {
        switch self {
        case .outOfBounds(let name, let found, let accepted):
            "\(name) is \(found); it takes \(accepted.lowerBound) to \(accepted.upperBound)"
        }
    }
}

/// What a renter wants to see, in which order, and what the use is expected to be.
public struct SearchRequest: Hashable, Sendable {
    public enum Bounds {
        public static let limitMax = 10_000
        /// A lease lasts at most 90 days.
        public static let hoursMax = OfferBody.Bounds.durationSecondsMax / 3_600
        /// 16 PiB, as a machine may state.
        public static let gibibytesMax = MachineBody.Bounds.diskGibibytesMax
    }

    public let query: SearchQuery
    public let sort: SearchSort
    /// The most rows in the result.
    public let limit: Int
    /// Hours over which the expected traffic is spread.
    public let hours: Int
    public let diskGibibytes: Int
    /// Traffic expected in all these hours together.
    public let trafficGibibytes: Int
    /// For how many GPUs rows are quoted and ranked: what the query asks.
    public let gpuCount: Int
    /// The unit in which prices are compared: what the query asks; rows in another unit sort last.
    public let priceUnit: String

    public init(
        query: SearchQuery,
        sort: SearchSort = SearchSort(.price),
        limit: Int = 20,
        hours: Int = 24,
        diskGibibytes: Int = 0,
        trafficGibibytes: Int = 0
    ) throws(SearchRequestError) {
        self.query = query
        (gpuCount, priceUnit) = (query.gpuCount, query.priceUnit)
        self.sort = sort
        self.limit = try Self.checked(limit, "limit", 1...Bounds.limitMax)
        self.hours = try Self.checked(hours, "hours", 1...Bounds.hoursMax)
        self.diskGibibytes = try Self.checked(diskGibibytes, "disk", 0...Bounds.gibibytesMax)
        self.trafficGibibytes = try Self.checked(trafficGibibytes, "traffic", 0...Bounds.gibibytesMax)
    }

    /// Whether the rows or their order depend on the trust in their providers.
    public var asksTrust: Bool { sort.key == .trust || query.terms.contains { $0.asks(.trust) } }

    private static func checked(
        _ value: Int,
        _ name: String,
        _ accepted: ClosedRange<Int>
    ) throws(SearchRequestError) -> Int {
        guard accepted.contains(value) else { throw .outOfBounds(name: name, found: value, accepted: accepted) }
        return value
    }
}
