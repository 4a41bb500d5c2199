public import Market

/// What a renter asks its node to bid.
public struct BidWish: Hashable, Sendable {
    /// An offer in the node's book.
    public var offer: ListingID
    /// The very slots; empty if any will do.
    public var slots: [Int] = []
    public var count: Int
    /// For one GPU and one hour, in the offer's unit; `nil` for what the offer asks.
    public var gpuHourMicros: Int64?
    /// The unit that the bidder has in mind: an offer that is in another one by now is not bid on.
    ///
    /// `nil` for any.
    public var unit: String?
    /// Where the price is what the offer asks: the most that it may be.
    public var gpuHourMicrosMax: Int64?
    public var durationSeconds: Int
    public var terms: LeaseTerms
    /// Owing more than this at once is refused, in micros.
    public var exposureMicrosMax: Int64 = 10_000_000
    /// How long the award may take, not counting an auction's time.
    public var patienceMilliseconds = RenterDesk.validityMilliseconds
    /// How long the provider may take for its award, and then for the lease, in milliseconds; `nil` for as long as they may come.
    public var answerMilliseconds: Int64?
    /// Whether the bid is shown in the order book; an offer whose bids are public asks for it anyway.
    public var isPublic = false

    public init(offer: ListingID, count: Int, gpuHourMicros: Int64?, durationSeconds: Int, terms: LeaseTerms) {
        (self.offer, self.count, self.gpuHourMicros) = (offer, count, gpuHourMicros)
        (self.durationSeconds, self.terms) = (durationSeconds, terms)
    }

    /// Why it is no bid on an offer that asks this: its provider may have changed its mind since the bidder has looked.
    func failure(at price: PriceTerms) -> NodeFailure? {
        guard unit == nil || unit == price.unit else { return .priceChanged(price) }
        guard gpuHourMicros == nil, let most = gpuHourMicrosMax, price.gpuHourMicros > most else { return nil }
        return .priceChanged(price)
    }
}

/// A bid of this node, and what became of it.
public struct BidStatus: Hashable, Sendable {
    public enum Outcome: Hashable, Sendable {
        /// Asked, or waiting for its turn.
        case open
        case leased(LeaseID)
        case failed(BidFailure)
    }

    public let bid: BidID
    public let offer: ListingID
    public let count: Int
    public let unit: String
    public let gpuHourMicros: Int64
    public let durationSeconds: Int
    /// Milliseconds since the Unix epoch.
    public let placedAt: Int64
    public var outcome: Outcome
}
