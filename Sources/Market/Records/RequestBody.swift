/// What a renter looks for: providers bid on it until the deadline, and the best bid wins.
public struct RequestBody: Hashable, Sendable {
    public enum Bounds {
        public static let alternativeCountMax = 8
        public static let catalogueIDCountMax = 8
        public static let countMax = MachineBody.Bounds.deviceCountMax
        /// The search grammar's own limit is longer; a request must fit into one record.
        public static let filterByteCountMax = 512
        /// A request's longest life: a deadline beyond it could not be met.
        public static let deadlineMillisecondsMax: Int64 = 24 * 3_600_000
        public static let startMillisecondsMax = LeaseBody.Bounds.startMillisecondsMax
    }

    /// GPUs that would do; the renter prefers earlier alternatives.
    public struct Alternative: Hashable, Sendable {
        public var marketClass: MarketClass
        /// Models of the class, ascending by bytes, unique; empty for any.
        public var catalogueIDs: [String]
        /// 1…32.
        public var count: Int
        /// Least memory of each GPU, in MiB.
        public var memoryMinMebibytes: Int

        public init(marketClass: MarketClass, catalogueIDs: [String] = [], count: Int, memoryMinMebibytes: Int = 0) {
            self.marketClass = marketClass
            self.catalogueIDs = catalogueIDs
            self.count = count
            self.memoryMinMebibytes = memoryMinMebibytes
        }
    }

    public var request: RequestID
    /// 1…8, no two equal.
    public var alternatives: [Alternative]
    /// Conditions in the grammar of searches; empty for none.
    public var filters: String
    /// The unit in which prices are bid.
    public var unit: String
    /// The most that the whole lease may cost, in micros.
    public var totalMicrosMax: Int64
    /// When the lease should begin, in milliseconds since the Unix epoch; 0 for as soon as it is awarded.
    public var startAt: Int64
    public var durationSeconds: Int
    /// When bids are no longer taken, in milliseconds since the Unix epoch.
    public var deadline: Int64
    /// Whether bids are shown in the order book.
    public var hasPublicBids: Bool
    /// The X25519 key to which bidders seal their terms, 32 bytes.
    public var sealingKey: [UInt8]

    public init(
        request: RequestID,
        alternatives: [Alternative],
        filters: String = "",
        unit: String,
        totalMicrosMax: Int64,
        startAt: Int64 = 0,
        durationSeconds: Int,
        deadline: Int64,
        hasPublicBids: Bool = false,
        sealingKey: [UInt8]
    ) {
        self.request = request
        self.alternatives = alternatives
        self.filters = filters
        self.unit = unit
        self.totalMicrosMax = totalMicrosMax
        self.startAt = startAt
        self.durationSeconds = durationSeconds
        self.deadline = deadline
        self.hasPublicBids = hasPublicBids
        self.sealingKey = sealingKey
    }

    /// The classes that it names, ascending: each of their topics may carry it.
    public var classes: [MarketClass] { Set(alternatives.map(\.marketClass)).sorted() }
}
