public import Cryptography

/// A binding word: these slots, at this price, for this long.
///
/// It binds its author until `validUntil`. It goes straight to the counterparty; only public bids are gossiped.
public struct BidBody: Hashable, Sendable {
    public enum Bounds {
        public static let countMax = MachineBody.Bounds.deviceCountMax
        /// A private or first-acceptable bid lives a minute.
        public static let lifetimeMilliseconds: Int64 = 60_000
        /// A bid in an auction lives until ten minutes after the deadline.
        public static let auctionSlackMilliseconds: Int64 = 10 * 60_000
        public static let auctionMillisecondsMax: Int64 = 24 * 3_600_000
        public static let startMillisecondsMax = LeaseBody.Bounds.startMillisecondsMax
        public static let termsHashByteCount = 32
    }

    /// What the bid answers.
    public enum Target: Hashable, Sendable {
        /// A renter bids on a provider's offer.
        case offer
        /// A provider bids with its offer on a renter's request.
        case request(RequestID)
    }

    public var bid: BidID
    public var marketClass: MarketClass
    /// Whom the bid is for: the offer's provider, or the request's renter.
    public var counterparty: Ed25519.PublicKey
    /// The offer that is bid on or, on a request, with.
    public var offer: OfferID
    public var target: Target
    /// The version of the offer or request that the bidder saw.
    public var targetRecord: RecordID
    /// The slots themselves, ascending and unique; empty if any will do.
    public var slots: [Int]
    /// How many GPUs; the count of `slots` if there are any.
    public var count: Int
    public var unit: String
    /// For one GPU and one hour.
    public var gpuHourMicros: Int64
    public var durationSeconds: Int
    /// The latest start, in milliseconds since the Unix epoch.
    public var startBy: Int64
    /// Milliseconds since the Unix epoch.
    public var validUntil: Int64
    /// SHA-256 over a salt of 32 bytes and the terms.
    public var termsHash: [UInt8]
    /// When the auction ends, in milliseconds since the Unix epoch; 0 if there is none.
    public var auctionDeadline: Int64

    public init(
        bid: BidID,
        marketClass: MarketClass,
        counterparty: Ed25519.PublicKey,
        offer: OfferID,
        target: Target = .offer,
        targetRecord: RecordID,
        slots: [Int] = [],
        count: Int,
        unit: String,
        gpuHourMicros: Int64,
        durationSeconds: Int,
        startBy: Int64,
        validUntil: Int64,
        termsHash: [UInt8],
        auctionDeadline: Int64 = 0
    ) {
        self.bid = bid
        self.marketClass = marketClass
        self.counterparty = counterparty
        self.offer = offer
        self.target = target
        self.targetRecord = targetRecord
        self.slots = slots
        self.count = count
        self.unit = unit
        self.gpuHourMicros = gpuHourMicros
        self.durationSeconds = durationSeconds
        self.startBy = startBy
        self.validUntil = validUntil
        self.termsHash = termsHash
        self.auctionDeadline = auctionDeadline
    }
}
