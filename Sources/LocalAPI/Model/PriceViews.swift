internal import Identity
internal import Market

/// Three quantiles of prices in micros for one GPU and one hour, and how many prices they are of.
public struct QuantilesView: Codable, Hashable, Sendable {
    public let samples: Int
    public let p10Micros: Int64
    public let medianMicros: Int64
    public let p90Micros: Int64

    init(_ quantiles: PriceQuantiles) {
        samples = quantiles.count
        (p10Micros, medianMicros, p90Micros) = (quantiles.p10, quantiles.median, quantiles.p90)
    }
}

/// What one model costs in one unit, now and on the last days.
public struct PriceView: Codable, Hashable, Sendable {
    public struct Day: Codable, Hashable, Sendable {
        /// `2026-11-28`, UTC.
        public let day: String
        public let asked: QuantilesView?
        public let leased: QuantilesView?

        init(_ day: PriceDay) {
            self.day = DayText.text(day.day)
            (asked, leased) = (day.asked.map(QuantilesView.init), day.leased.map(QuantilesView.init))
        }
    }

    public let gpu: String
    public let unit: String
    /// Of live offers; absent if there are none.
    public let asked: QuantilesView?
    /// Of leases that began in the last 30 days; absent if there are none.
    public let leased: QuantilesView?
    /// Days of which anything is known, oldest first.
    public let history: [Day]

    init(_ key: PriceSeriesKey, sample: PriceSample, history: PriceHistory) {
        (gpu, unit) = (key.gpu, key.unit)
        asked = sample.askedQuantiles(of: key).map(QuantilesView.init)
        leased = sample.leasedQuantiles(of: key).map(QuantilesView.init)
        self.history = history.days(of: key).map(Day.init)
    }
}

/// Days since the Unix epoch as people write them.
enum DayText {
    /// The proleptic Gregorian calendar: Hinnant's `civil_from_days` ("chrono-compatible low-level date algorithms").
    static func text(_ day: Int64) -> String {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(year)-\(twoDigits(month))-\(twoDigits(dayOfMonth))"
    }

    private static func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

/// Who sells a GPU for how much, and who wants it.
public struct OrderBookView: Codable, Sendable {
    public struct Ask: Codable, Hashable, Sendable {
        public let provider: String
        public let offerID: String
        public let gpu: String
        public let count: Int
        public let unit: String
        public let priceMicros: Int64
        public let lowestBidMicros: Int64
        public let interruptible: Bool
    }

    public struct Bid: Codable, Hashable, Sendable {
        public let bidder: String
        public let bidID: String
        public let provider: String
        public let offerID: String
        public let count: Int
        public let unit: String
        public let priceMicros: Int64
        public let seconds: Int
        public let validUntilUnixMs: Int64
    }

    public struct Want: Codable, Hashable, Sendable {
        public let renter: String
        public let requestID: String
        public let count: Int
        public let unit: String
        /// The most that one GPU may cost for an hour.
        public let priceMicrosMax: Int64
        public let seconds: Int
        public let deadlineUnixMs: Int64
        public let bids: Int
        /// The lowest public bid; absent without any.
        public let bestBidMicros: Int64?
    }

    /// The models that the question meant.
    public let gpus: [String]
    /// Lowest price first.
    public let asks: [Ask]
    /// Public bids on offers, highest price first.
    public let bids: [Bid]
    /// Requests, highest price first.
    public let requests: [Want]

    init(_ book: OrderBook, models: [GPUModel]) {
        gpus = models.map(\.id)
        asks = book.asks.map { ask in
            Ask(
                provider: PeerID(publicKey: ask.listing.provider).description,
                offerID: ask.listing.offer.offer.description,
                gpu: ask.listing.catalogueID ?? "",
                count: ask.count,
                unit: ask.unit,
                priceMicros: ask.gpuHourMicros,
                lowestBidMicros: ask.listing.offer.price.lowestBidMicros,
                interruptible: ask.listing.offer.modes.contains(.interruptible)
            )
        }
        bids = book.bids.map { bid in
            Bid(
                bidder: PeerID(publicKey: bid.record.author).description,
                bidID: bid.body.bid.description,
                provider: PeerID(publicKey: bid.body.counterparty).description,
                offerID: bid.body.offer.description,
                count: bid.body.count,
                unit: bid.body.unit,
                priceMicros: bid.body.gpuHourMicros,
                seconds: bid.body.durationSeconds,
                validUntilUnixMs: bid.body.validUntil
            )
        }
        requests = book.wants.map { want in
            Want(
                renter: PeerID(publicKey: want.record.author).description,
                requestID: want.body.request.description,
                count: want.count,
                unit: want.body.unit,
                priceMicrosMax: want.gpuHourMicrosMax,
                seconds: want.body.durationSeconds,
                deadlineUnixMs: want.body.deadline,
                bids: want.bids.count,
                bestBidMicros: want.bids.first { $0.body.unit == want.body.unit }?.body.gpuHourMicros
            )
        }
    }
}
