internal import Cryptography

/// Who sells one model for how much and who wants it for how much, as the public records say.
public struct OrderBook: Sendable {
    /// Rows of each side that are worth reading.
    public static let rowCountMax = 1_000

    /// An offer: what it asks.
    public struct Ask: Sendable {
        public let listing: Listing
        /// GPUs that one lease can take now.
        public let count: Int
        public let unit: String
        public let gpuHourMicros: Int64
    }

    /// A public bid on an offer.
    public struct Bid: Sendable {
        public let record: SignedRecord
        public let body: BidBody
    }

    /// A renter's request, and what providers bid on it publicly.
    public struct Want: Sendable {
        public let record: SignedRecord
        public let body: RequestBody
        /// How many GPUs of the model would do.
        public let count: Int
        /// The most that one GPU may cost for an hour, if the whole lease costs what it may.
        public let gpuHourMicrosMax: Int64
        /// Lowest price first.
        public let bids: [Bid]
    }

    /// Lowest price first.
    public private(set) var asks: [Ask] = []
    /// Highest price first.
    public private(set) var bids: [Bid] = []
    /// Highest price first.
    public private(set) var wants: [Want] = []

    /// Sorts out what concerns these models of the catalogue, at a time in milliseconds since the Unix epoch.
    public init(
        of models: [GPUModel],
        listings: [Listing],
        statements: MarketStatements,
        at now: Int64
    ) {
        let ids = Set(models.map(\.id))
        let own = listings.filter { listing in listing.catalogueID.map(ids.contains) ?? false }
        asks = own.filter { $0.liveness(at: now) != .gone }.map { listing in
            let price = listing.offer.price
            return Ask(
                listing: listing,
                count: listing.offer.largestBlock,
                unit: price.unit,
                gpuHourMicros: price.gpuHourMicros
            )
        }
        asks.sort { left, right in
            (left.unit, left.gpuHourMicros, left.listing.id) < (right.unit, right.gpuHourMicros, right.listing.id)
        }
        let all: [Bid] = statements.bids.compactMap { record in
            guard case .bid(let body) = record.record.body, body.validUntil > now else { return nil }
            return Bid(record: record, body: body)
        }
        let offers = Set(own.map(\.id))
        bids = all.filter { bid in
            bid.body.target == .offer
                && offers.contains(ListingID(provider: bid.body.counterparty, offer: bid.body.offer))
        }
        bids.sort(by: Self.isHigher)
        wants = statements.requests.compactMap { record in
            guard case .request(let body) = record.record.body, body.deadline > now else { return nil }
            let fitting = body.alternatives.first { alternative in
                models.contains { alternative.admits($0) }
            }
            guard let fitting else { return nil }
            let answers = all.filter {
                $0.body.target == .request(body.request) && $0.body.counterparty == record.author
            }
            return Want(
                record: record,
                body: body,
                count: fitting.count,
                gpuHourMicrosMax: body.gpuHourMicrosMax(count: fitting.count),
                bids: answers.sorted { Self.isHigher($1, $0) }
            )
        }
        wants.sort { left, right in
            (right.gpuHourMicrosMax, left.record.id) < (left.gpuHourMicrosMax, right.record.id)
        }
        asks = Array(asks.prefix(Self.rowCountMax))
        bids = Array(bids.prefix(Self.rowCountMax))
        wants = Array(wants.prefix(Self.rowCountMax))
    }

    private static func isHigher(_ left: Bid, _ right: Bid) -> Bool {
        left.body.gpuHourMicros != right.body.gpuHourMicros
            ? left.body.gpuHourMicros > right.body.gpuHourMicros : left.record.id < right.record.id
    }
}

extension RequestBody.Alternative {
    /// Whether a GPU of this model would do.
    func admits(_ model: GPUModel) -> Bool {
        MarketClass(vendor: model.vendor, gpuClass: model.gpuClass) == marketClass
            && (catalogueIDs.isEmpty || catalogueIDs.contains(model.id))
            && model.memoryGB * 1_024 >= memoryMinMebibytes
    }
}

extension RequestBody {
    /// What one of so many GPUs may cost for an hour if the whole lease is to cost no more than it may, rounded down.
    public func gpuHourMicrosMax(count: Int) -> Int64 {
        let gpuSeconds = Int128(max(1, count)) * Int128(max(1, durationSeconds))
        return Int64(clamping: Int128(totalMicrosMax) * 3_600 / gpuSeconds)
    }
}
