/// Prices in millionths of a unit ("micros"), each 0…10¹³.
///
/// Two versions of an offer with equal price terms honour each other's bids.
public struct PriceTerms: Hashable, Sendable {
    public enum Bounds {
        public static let unitByteCountMax = 12
        /// Ten million units; thirty-two GPUs for ninety days at that price still fit in 63 bits.
        public static let microsMax: Int64 = 10_000_000_000_000
    }

    /// An ISO 4217 code, `sat`, `kWh`, `credit` …: 1…12 letters and digits.
    public var unit: String
    /// For one GPU and one hour.
    public var gpuHourMicros: Int64
    /// Bids for one GPU and one hour below this are refused; at most the asked price, at which the price is fixed.
    public var lowestBidMicros: Int64
    /// For one GiB stored for one month of 30 days.
    public var storageGibibyteMonthMicros: Int64
    /// For one GiB of traffic, either way.
    public var trafficGibibyteMicros: Int64

    public init(
        unit: String,
        gpuHourMicros: Int64,
        lowestBidMicros: Int64 = 0,
        storageGibibyteMonthMicros: Int64 = 0,
        trafficGibibyteMicros: Int64 = 0
    ) {
        self.unit = unit
        self.gpuHourMicros = gpuHourMicros
        self.lowestBidMicros = lowestBidMicros
        self.storageGibibyteMonthMicros = storageGibibyteMonthMicros
        self.trafficGibibyteMicros = trafficGibibyteMicros
    }
}

/// Slots of one machine for rent.
public struct OfferBody: Hashable, Sendable {
    public enum Bounds {
        public static let slotCountMax = MachineBody.Bounds.deviceCountMax
        public static let slotMax = MachineBody.Bounds.slotMax
        /// A lease lasts at most 90 days.
        public static let durationSecondsMax = 90 * 86_400
        public static let noticeSecondsMax = 30 * 86_400
        public static let awardWindowSecondsMax = 86_400
        public static let settlementCountMax = 8
        public static let settlementByteCountMax = 32
        public static let sealingKeyByteCount = 32
    }

    public enum Mode: UInt8, Hashable, Comparable, Sendable, CaseIterable {
        case onDemand = 1
        /// The provider may reclaim the slots after the notice window.
        case interruptible = 2

        public static func < (left: Mode, right: Mode) -> Bool { left.rawValue < right.rawValue }
    }

    public enum AwardPolicy: UInt8, Hashable, Sendable, CaseIterable {
        case firstAcceptable = 1
        /// Bids gather for the award window; the best of them wins.
        case bestAtDeadline = 2
    }

    public var offer: OfferID
    public var marketClass: MarketClass
    /// The machine whose newest record describes the slots.
    public var machine: MachineID
    /// Ascending, unique, 1…32.
    public var slots: [Int]
    /// Ascending, unique, a subset of `slots`.
    public var freeSlots: [Int]
    /// The most slots that one lease can take now; at most the count of free slots.
    public var largestBlock: Int
    public var price: PriceTerms
    /// Ascending, unique, not empty.
    public var modes: [Mode]
    public var durationMinSeconds: Int
    public var durationMaxSeconds: Int
    /// How long before a reclaim the renter is told, in seconds.
    public var noticeSeconds: Int
    /// Rails that the provider accepts, ascending by bytes, unique, not empty (`credit`, `manual`).
    public var settlements: [String]
    public var awardPolicy: AwardPolicy
    /// How long bids gather, in seconds; zero exactly if the first acceptable bid wins.
    public var awardWindowSeconds: Int
    /// Whether bids on this interruptible offer are shown in the order book.
    public var hasPublicBids: Bool
    /// The X25519 key to which bidders seal their terms, 32 bytes.
    public var sealingKey: [UInt8]

    public init(
        offer: OfferID,
        marketClass: MarketClass,
        machine: MachineID,
        slots: [Int],
        freeSlots: [Int],
        largestBlock: Int,
        price: PriceTerms,
        modes: [Mode],
        durationMinSeconds: Int,
        durationMaxSeconds: Int,
        noticeSeconds: Int = 0,
        settlements: [String],
        awardPolicy: AwardPolicy = .firstAcceptable,
        awardWindowSeconds: Int = 0,
        hasPublicBids: Bool = false,
        sealingKey: [UInt8]
    ) {
        self.offer = offer
        self.marketClass = marketClass
        self.machine = machine
        self.slots = slots
        self.freeSlots = freeSlots
        self.largestBlock = largestBlock
        self.price = price
        self.modes = modes
        self.durationMinSeconds = durationMinSeconds
        self.durationMaxSeconds = durationMaxSeconds
        self.noticeSeconds = noticeSeconds
        self.settlements = settlements
        self.awardPolicy = awardPolicy
        self.awardWindowSeconds = awardWindowSeconds
        self.hasPublicBids = hasPublicBids
        self.sealingKey = sealingKey
    }
}
