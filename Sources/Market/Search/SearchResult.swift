/// One offer that a search found, with what it would cost and why it stands where it does.
public struct SearchRow: Sendable {
    public let listing: Listing
    public let model: GPUModel?
    public let quote: Quote
    public let rank: SearchRank
    public let liveness: Liveness
    /// Since the row was last heard of.
    public let ageSeconds: Int64

    public var id: ListingID { listing.id }
}

/// The answer to a request, with everything that was done to arrive at it.
public struct SearchResult: Sendable {
    /// The first rows of the order, at most the request's limit.
    public let rows: [SearchRow]
    /// How many rows passed, shown or not.
    public let matchCount: Int
    /// The query and the sort key as they were carried out, in canonical text.
    public let effectiveQuery: String
    public let effectiveSort: String
    public let explanation: SearchExplanation
}

/// How a search narrowed the market down: for `--explain`.
public struct SearchExplanation: Hashable, Sendable {
    /// One term of the query, in its order.
    public struct Step: Hashable, Sendable {
        public let term: String
        /// How many rows this term alone would pass.
        public let passCount: Int
        /// How many rows do not state what the term asks.
        public let unknownCount: Int
        /// How many rows passed this term and all before it.
        public let survivorCount: Int
    }

    /// The row that misses the fewest terms; of several the one that misses them by least.
    public struct NearestMiss: Hashable, Sendable {
        public let id: ListingID
        public let shortfalls: [SearchShortfall]
    }

    public let rowCount: Int
    public let steps: [Step]
    /// `nil` if every row passes, or there is none.
    public let nearestMiss: NearestMiss?
    /// What the counts do not say, in sentences: units that do not compare, facts that nobody knows yet.
    public let notes: [String]
}
