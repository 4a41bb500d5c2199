public import Cryptography

/// A renter's choice among the bids on its request.
public struct RequestChoice: Sendable {
    /// Why a bid is not for the taking.
    public enum Shortfall: Hashable, Sendable, CustomStringConvertible {
        case notForThisRequest
        case expired
        case otherUnit(String)
        case tooDear
        case wrongDuration
        /// The book does not hold the offer with which it was made.
        case unknownOffer
        case wrongGPUs
        case filters
        /// A proof says that it leased a device twice.
        case proven
        case blocked

        public var description: String {
            switch self {
            case .notForThisRequest: "it answers another request, or an older version"
            case .expired: "it has expired"
            case .otherUnit(let unit): "it is in \(unit)"
            case .tooDear: "it costs more than the request allows"
            case .wrongDuration: "it is for another time than asked"
            case .unknownOffer: "its offer is not in the market"
            case .wrongGPUs: "its offer has not got what is asked, or not free"
            case .filters: "its offer does not meet the conditions"
            case .proven: "its provider leased a device twice"
            case .blocked: "its provider is blocked"
            }
        }
    }

    /// One bid, and what it comes to.
    public struct Candidate: Sendable {
        public let record: SignedRecord
        public let body: BidBody
        public let listing: Listing?
        /// What the whole lease would cost, in micros.
        public let totalMicros: Int64
        /// Which alternative it fills; the renter prefers earlier ones at equal cost.
        public let alternative: Int?
        /// `nil` if it may be accepted.
        public let shortfall: Shortfall?
    }

    let request: SignedRecord
    let body: RequestBody
    let culprits: Set<Ed25519.PublicKey>
    let blockedPeers: Set<Ed25519.PublicKey>
    let context: SearchContext

    /// `nil` unless the record is a request.
    public init?(
        of request: SignedRecord,
        culprits: Set<Ed25519.PublicKey>,
        blockedPeers: Set<Ed25519.PublicKey> = [],
        context: SearchContext
    ) {
        guard case .request(let body) = request.record.body else { return nil }
        (self.request, self.body, self.culprits) = (request, body, culprits)
        (self.blockedPeers, self.context) = (blockedPeers, context)
    }

    /// All bids, the best first, those that fall short behind.
    ///
    /// The cheapest whole wins; then the alternative that the renter named earlier, then the lower record id.
    public func ranked(_ bids: [SignedRecord], listing: (ListingID) -> Listing?) -> [Candidate] {
        bids.compactMap { candidate($0, listing: listing) }.sorted { left, right in
            let (isLeftShort, isRightShort) = (left.shortfall != nil, right.shortfall != nil)
            if isLeftShort != isRightShort { return isRightShort }
            if left.totalMicros != right.totalMicros { return left.totalMicros < right.totalMicros }
            if left.alternative != right.alternative { return left.alternative ?? .max < right.alternative ?? .max }
            return left.record.id < right.record.id
        }
    }

    /// Which of the ranked bids to accept next, after so many attempts, when the providers in `tried` have not kept their word; `nil` if
    /// none is left.
    ///
    /// The cheapest and the one whose provider is trusted most take turns: a bid that is never awarded costs nothing, so strangers with
    /// many keys may waste every other attempt, and not the ones between. Among equals the networks take turns: `turns` says how many
    /// attempts a provider's has had, so that one host with many keys wastes one attempt for each host there is. A provider gets one
    /// attempt, however many bids it has. Offers that still gather bids promise nothing, and come last if their auction ends in time at all.
    public func next(
        of ranked: [Candidate],
        tried: Set<Ed25519.PublicKey>,
        attemptCount: Int,
        turns: (Ed25519.PublicKey) -> Int,
        trust: ([Candidate]) -> [Ed25519.PublicKey: Thousandths]
    ) -> Candidate? {
        let left = ranked.filter { candidate in
            let window = Int64(candidate.listing?.offer.awardWindowSeconds ?? 0) * 1_000
            return candidate.shortfall == nil && !tried.contains(candidate.record.author)
                && context.now + window < candidate.body.validUntil
        }
        let prompt = left.filter { $0.listing?.offer.awardWindowSeconds == 0 }
        var candidates = prompt.isEmpty ? left : prompt
        if !attemptCount.isMultiple(of: 2), candidates.count > 1 {
            let trust = trust(candidates)
            let most = candidates.compactMap { trust[$0.record.author] }.max()
            candidates = candidates.filter { trust[$0.record.author] == most }
        }
        let past = candidates.map { turns($0.record.author) }
        return past.min().flatMap { past.firstIndex(of: $0) }.map { candidates[$0] }
    }

    /// How many offers could be what the request asks for, whatever they cost.
    public func matchCount(among listings: [Listing]) -> Int {
        let fitting = listings.filter { listing in
            let offer = listing.offer
            return listing.provider != request.author && listing.liveness(at: context.now) != .gone
                && offer.price.unit == body.unit && body.alternative(for: listing) != nil
                && offer.durationMinSeconds <= body.durationSeconds && body.durationSeconds <= offer.durationMaxSeconds
        }
        return body.passCount(fitting, context)
    }

    /// Why a bid is no use to the request; `nil` if it is.
    public func shortfall(of record: SignedRecord, listing: (ListingID) -> Listing?) -> Shortfall? {
        guard case .bid(let bid) = record.record.body, bid.target == .request(body.request) else {
            return .notForThisRequest
        }
        let found = listing(ListingID(provider: record.author, offer: bid.offer))
        return shortfall(of: bid, by: record.author, found)
    }

    private func candidate(_ record: SignedRecord, listing: (ListingID) -> Listing?) -> Candidate? {
        guard case .bid(let bid) = record.record.body, bid.target == .request(body.request) else { return nil }
        let found = listing(ListingID(provider: record.author, offer: bid.offer))
        return Candidate(
            record: record,
            body: bid,
            listing: found,
            totalMicros: body.totalMicros(count: bid.count, gpuHourMicros: bid.gpuHourMicros),
            alternative: found.flatMap(body.alternative),
            shortfall: shortfall(of: bid, by: record.author, found)
        )
    }

    private func shortfall(of bid: BidBody, by provider: Ed25519.PublicKey, _ listing: Listing?) -> Shortfall? {
        guard bid.counterparty == request.author, bid.targetRecord == request.id, provider != request.author else {
            return .notForThisRequest
        }
        if culprits.contains(provider) { return .proven }
        if blockedPeers.contains(provider) { return .blocked }
        guard bid.validUntil > context.now else { return .expired }
        guard bid.unit == body.unit else { return .otherUnit(bid.unit) }
        guard bid.durationSeconds == body.durationSeconds else { return .wrongDuration }
        let total = body.totalMicros(count: bid.count, gpuHourMicros: bid.gpuHourMicros)
        guard total <= body.totalMicrosMax else { return .tooDear }
        guard let listing, listing.liveness(at: context.now) != .gone else { return .unknownOffer }
        guard let index = body.alternative(for: listing), body.alternatives[index].count == bid.count,
            listing.offer.price.unit == bid.unit
        else { return .wrongGPUs }
        return body.filtersPass(listing, context) ? nil : .filters
    }
}
