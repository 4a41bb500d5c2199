public import Cryptography

/// A provider's answer to requests: whether to bid, with which offer, and how low.
///
/// Where bids are public, it begins at the asked price, or at what the renter pays at most if that is less, and goes a twenty-fifth below
/// the best rival that it can beat. Whoever bids less than the offer considers is left alone and not given way to: such a bid may be
/// empty, and the renter then turns to the next. Where bids are private there is no second word: it bids the lowest price that it would
/// take.
public struct RequestBidder: Sendable {
    /// How often one request is bid on: as often as peers pass on what one subject says in a row.
    public static let roundCountMax = 8
    /// What a better bid is better by, at least: one part of so many.
    static let stepDivisor: Int64 = 25
    /// A bid that arrives later than this before the deadline arrives too late, in milliseconds.
    static let lastMilliseconds: Int64 = 500

    public struct Bid: Hashable, Sendable {
        public let offer: ListingID
        public let count: Int
        public let gpuHourMicros: Int64
    }

    let me: Ed25519.PublicKey
    let floorMicros: [String: Int64]
    let blockedPeers: Set<Ed25519.PublicKey>

    public init(me: Ed25519.PublicKey, policy: CounterPolicy) {
        self.me = me
        (floorMicros, blockedPeers) = (policy.floorMicros, policy.blockedPeers)
    }

    /// The bid on a request that is worth making now; `nil` for none.
    ///
    /// `listings` are the provider's own rows, `rivals` the prices of others' public bids, `standing` the price of the bid that is out.
    public func bid(
        on request: SignedRecord,
        with listings: [Listing],
        rivals: [Int64],
        standing: Int64?,
        at now: Int64
    ) -> Bid? {
        guard case .request(let body) = request.record.body, request.author != me,
            !blockedPeers.contains(request.author), body.startAt == 0, body.deadline - Self.lastMilliseconds > now
        else { return nil }
        let bids = listings.compactMap { listing in
            bid(on: body, with: listing, rivals: rivals, standing: standing, at: now)
        }
        return bids.min { ($0.gpuHourMicros, $0.offer) < ($1.gpuHourMicros, $1.offer) }
    }

    private func bid(
        on request: RequestBody,
        with listing: Listing,
        rivals: [Int64],
        standing: Int64?,
        at now: Int64
    ) -> Bid? {
        let offer = listing.offer
        guard listing.provider == me, listing.liveness(at: now) != .gone, offer.price.unit == request.unit,
            (offer.durationMinSeconds...max(offer.durationMinSeconds, offer.durationMaxSeconds))
                .contains(request.durationSeconds),
            let alternative = request.alternative(for: listing)
        else { return nil }
        // What depends on the renter's own trust only the renter can judge.
        guard request.asksTrust || request.filtersPass(listing, SearchContext(now: now)) else { return nil }
        let count = request.alternatives[alternative].count
        let considered = offer.price.lowestBidMicros > 0 ? offer.price.lowestBidMicros : offer.price.gpuHourMicros
        let lowest = max(considered, floorMicros[offer.price.unit] ?? 0)
        let opening = min(max(offer.price.gpuHourMicros, lowest), request.gpuHourMicrosMax(count: count))
        guard opening >= lowest else { return nil }
        guard request.hasPublicBids else {
            return standing == nil ? Bid(offer: listing.id, count: count, gpuHourMicros: lowest) : nil
        }
        var price = standing ?? opening
        if let best = rivals.filter({ $0 > lowest }).min(), best <= price {
            price = max(lowest, best - max(1, best / Self.stepDivisor))
        } else if standing != nil {
            return nil
        }
        return Bid(offer: listing.id, count: count, gpuHourMicros: price)
    }
}
