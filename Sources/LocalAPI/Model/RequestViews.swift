internal import Cryptography
internal import Identity
internal import Market
internal import Node

/// What a renter asks for.
public struct RequestRequest: Codable, Hashable, Sendable {
    /// Catalogue ids or names, the preferred first; all of one class.
    public var gpus: [String]
    public var count = 1
    public var memoryMinMib: Int?
    /// Conditions in the grammar of searches.
    public var filters: String?
    public var unit: String?
    /// The most that the whole lease may cost.
    public var totalMicrosMax: Int64
    public var seconds: Int
    /// How long bids are taken.
    public var openSeconds: Int
    /// Whether the best bid is accepted at the deadline; true if absent.
    public var automatic: Bool?
    /// Whether bids are in the order book, where providers underbid each other; true if absent.
    ///
    /// Else only this node hears of them.
    public var publicBids: Bool?
    /// What is to be run; it stays with this node until a lease is being made.
    public var image: String?
    public var command: [String]?
    public var environment: [String]?
    public var ports: [Int]?
    public var accessKeys: [String]?

    public init(gpus: [String], totalMicrosMax: Int64, seconds: Int, openSeconds: Int) {
        (self.gpus, self.totalMicrosMax, self.seconds, self.openSeconds) = (gpus, totalMicrosMax, seconds, openSeconds)
    }
}

/// A request of this node.
public struct RequestView: Codable, Hashable, Sendable {
    public let requestID: String
    public let gpus: [String]
    public let marketClass: String
    public let count: Int
    public let filters: String?
    public let unit: String
    public let totalMicrosMax: Int64
    public let seconds: Int
    public let deadlineUnixMs: Int64
    public let automatic: Bool
    public let publicBids: Bool
    /// `open`, `leased`, `failed` or `withdrawn`.
    public let state: String
    public let leaseID: String?
    /// Bids that may be accepted, and all.
    public let fitting: Int
    public let bids: Int
    /// What the best of them comes to.
    public let bestTotalMicros: Int64?
    /// Why it failed; absent if it did not.
    public let reason: String?
    /// Offers that had what was asked when it failed, whatever they cost.
    public let matchingOffers: Int?
    /// Who did not keep its bid, in order, and what it answered; absent if all did.
    public let attempts: [RequestAttemptView]?

    init?(_ status: RequestStatus) {
        guard case .request(let body)? = status.record?.record.body else { return nil }
        requestID = status.request.description
        gpus = body.alternatives.flatMap(\.catalogueIDs)
        marketClass = body.classes.first?.name ?? ""
        count = body.alternatives.first?.count ?? 0
        filters = body.filters.isEmpty ? nil : body.filters
        (unit, totalMicrosMax, seconds) = (body.unit, body.totalMicrosMax, body.durationSeconds)
        (deadlineUnixMs, automatic, publicBids) = (body.deadline, status.isAutomatic, body.hasPublicBids)
        switch status.outcome {
        case .open: (state, leaseID) = ("open", nil)
        case .leased(let lease): (state, leaseID) = ("leased", lease.description)
        case .failed: (state, leaseID) = ("failed", nil)
        case .withdrawn: (state, leaseID) = ("withdrawn", nil)
        }
        bids = status.candidates.count
        let able = status.candidates.filter { $0.shortfall == nil }
        (fitting, bestTotalMicros) = (able.count, able.first?.totalMicros)
        (reason, matchingOffers) = (status.reason, status.shortage?.offerCount)
        let answers = status.attempts.map { attempt in
            RequestAttemptView(
                provider: PeerID(publicKey: attempt.provider).description,
                answer: attempt.answer.sentence
            )
        }
        attempts = answers.isEmpty ? nil : answers
    }
}

/// One bid on a request of this node.
public struct RequestBidView: Codable, Hashable, Sendable {
    public let bidID: String
    public let provider: String
    public let offerID: String
    public let gpu: String?
    public let count: Int
    public let unit: String
    /// For one GPU and one hour.
    public let priceMicros: Int64
    public let totalMicros: Int64
    /// How the lease would be settled: one of these; absent if the offer is not in the market.
    public let settlements: [String]?
    /// How far this node trusts the provider, from 0 to 1.
    public let trust: Double?
    public let trustWhy: String?
    public let validUntilUnixMs: Int64
    /// Why it cannot be accepted; absent if it can.
    public let shortfall: String?

    init(_ candidate: RequestChoice.Candidate, trust: TrustScore?) {
        bidID = candidate.body.bid.description
        provider = PeerID(publicKey: candidate.record.author).description
        offerID = candidate.body.offer.description
        gpu = candidate.listing?.catalogueID
        (count, unit, priceMicros) = (candidate.body.count, candidate.body.unit, candidate.body.gpuHourMicros)
        totalMicros = candidate.totalMicros
        settlements = candidate.listing?.offer.settlements
        self.trust = trust.map { Double($0.thousandths.count) / 1_000 }
        trustWhy = trust?.summary
        validUntilUnixMs = candidate.body.validUntil
        shortfall = candidate.shortfall?.description
    }
}

/// Which bid is to be accepted; the best if absent.
public struct AcceptRequest: Codable, Hashable, Sendable {
    public var bid: String?

    public init(bid: String? = nil) {
        self.bid = bid
    }
}

/// What became of an acceptance.
public struct AcceptView: Codable, Hashable, Sendable {
    public let leased: Bool
    public let leaseID: String?
    public let provider: String
    public let offerID: String
    /// Why it came to nothing.
    public let reason: String?

    init(_ status: BidStatus) {
        provider = PeerID(publicKey: status.offer.provider).description
        offerID = status.offer.offer.description
        switch status.outcome {
        case .open: (leased, leaseID, reason) = (false, nil, "it is still under way")
        case .leased(let lease): (leased, leaseID, reason) = (true, lease.description, nil)
        case .failed(let failure): (leased, leaseID, reason) = (false, nil, failure.sentence)
        }
    }
}
