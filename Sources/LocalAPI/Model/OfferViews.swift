internal import Cryptography
internal import Identity
internal import Market

/// One row of the market; prices in millionths of `unit`.
public struct OfferRow: Codable, Hashable, Sendable {
    public let provider: String
    public let offerID: String
    public let recordID: String
    /// The catalogue's id; what the driver calls the device if the catalogue does not know it.
    public let gpu: String
    public let gpuName: String?
    public let marketClass: String
    public let memoryMib: Int?
    /// How many GPUs one lease can take now, and how many the offer has in all.
    public let count: Int
    public let total: Int
    public let unit: String
    /// For one GPU and one hour.
    public let priceMicros: Int64
    public let lowestBidMicros: Int64
    public let storageGibMonthMicros: Int64
    public let trafficGibMicros: Int64
    /// What the request as a whole would cost per hour, for `quoteCount` GPUs; absent outside of a search.
    public let quoteMicros: Int64?
    public let quoteCount: Int?
    public let rank: String?
    /// How far this node trusts the provider, from 0 to 1, and why in a few words; absent outside of a search.
    public let trust: Double?
    public let trustWhy: String?
    /// What others attest of the provider; absent outside of a search and where nobody says anything.
    public let attestations: [AttestationView]?
    public let interruptible: Bool
    /// How its leases are settled: `credit`, `manual` or `exec`.
    public let settlements: [String]
    public let minSeconds: Int
    public let maxSeconds: Int
    public let country: String?
    /// Heard of within the last 15 minutes; a row that is silent is still vouched for.
    public let live: Bool
    /// `live`, `silent`, or `gone`: nobody vouches for it any more, so that a search does not show it.
    public let state: String
    public let ageSeconds: Int64
    public let issuedUnixMs: Int64
    public let expiresUnixMs: Int64

    init(_ row: SearchRow, trust: TrustScore?, words: [AttestationView], now: Int64) {
        self.init(
            row.listing,
            model: row.model,
            quote: row.quote,
            rank: row.rank.description,
            trust: trust,
            words: words,
            now: now
        )
    }

    init(
        _ listing: Listing,
        model: GPUModel?,
        quote: Quote? = nil,
        rank: String? = nil,
        trust: TrustScore? = nil,
        words: [AttestationView] = [],
        now: Int64
    ) {
        let offer = listing.offer
        let device = listing.devices.first
        provider = PeerID(publicKey: listing.provider).description
        offerID = offer.offer.description
        recordID = listing.record.id.description
        gpu = OfferRow.gpuName(model: model, device: device)
        gpuName = model?.name ?? device?.rawName
        marketClass = offer.marketClass.name
        memoryMib = device?.memoryMebibytes
        (count, total) = (offer.largestBlock, offer.slots.count)
        (unit, priceMicros) = (offer.price.unit, offer.price.gpuHourMicros)
        lowestBidMicros = offer.price.lowestBidMicros
        storageGibMonthMicros = offer.price.storageGibibyteMonthMicros
        trafficGibMicros = offer.price.trafficGibibyteMicros
        (quoteMicros, quoteCount, self.rank) = (quote?.totalMicros, quote?.gpuCount, rank)
        (self.trust, trustWhy) = (trust.map { Double($0.thousandths.count) / 1_000 }, trust?.summary)
        attestations = words.isEmpty ? nil : words
        interruptible = offer.modes.contains(.interruptible)
        settlements = offer.settlements
        (minSeconds, maxSeconds) = (offer.durationMinSeconds, offer.durationMaxSeconds)
        country = listing.machine.flatMap { $0.place.country.isEmpty ? nil : $0.place.country }
        live = listing.liveness(at: now) == .live
        state = "\(listing.liveness(at: now))"
        ageSeconds = listing.age(at: now) / 1_000
        issuedUnixMs = listing.issuedAt
        expiresUnixMs = listing.record.record.expiresAt
    }

    private static func gpuName(model: GPUModel?, device: MachineBody.Device?) -> String {
        if let model { return model.id }
        guard let device else { return "unknown" }
        return device.catalogueID.isEmpty ? device.rawName : device.catalogueID
    }
}

/// A GPU as its owner describes it.
public struct DeviceRequest: Codable, Hashable, Sendable {
    /// The catalogue's id or one of its names; empty for a device that the catalogue does not know.
    public var gpu: String
    /// What the driver says; all of it absent if the device is declared by hand.
    public var uuid: String?
    public var name: String?
    public var memoryMib: Int?
    public var driver: String?
    public var computeCapability: String?

    public init(gpu: String) {
        self.gpu = gpu
    }
}

/// The machine around the devices, as far as the owner states it.
public struct HostRequest: Codable, Hashable, Sendable {
    public var cpuModel = ""
    public var cores = 0
    public var memoryMib = 0
    public var diskGib = 0
    public var operatingSystem = ""
    public var architecture = ""

    public init() {}
}

/// The terms of an offer; in an update, what is absent stays.
public struct TermsRequest: Codable, Hashable, Sendable {
    public var unit: String?
    public var priceMicros: Int64?
    public var lowestBidMicros: Int64?
    public var storageGibMonthMicros: Int64?
    public var trafficGibMicros: Int64?
    public var interruptible: Bool?
    public var minSeconds: Int?
    public var maxSeconds: Int?
    public var noticeSeconds: Int?

    public init() {}
}

/// What a provider wants to put on the market.
public struct PublishRequest: Codable, Hashable, Sendable {
    public var devices: [DeviceRequest]
    public var terms: TermsRequest
    public var country: String?
    public var host: HostRequest?
    /// How its leases are settled: `credit` (if absent), `manual` or `exec`.
    public var settlement: String?

    public init(devices: [DeviceRequest], terms: TermsRequest) {
        (self.devices, self.terms) = (devices, terms)
    }
}

/// An offer of this node that was signed and made durable.
public struct PublishedOffer: Codable, Hashable, Sendable {
    public let provider: String
    public let offerID: String
    public let recordID: String
    public let count: Int
    public let unit: String
    public let priceMicros: Int64

    init(_ record: SignedRecord, offer: OfferBody) {
        provider = PeerID(publicKey: record.author).description
        (offerID, recordID) = (offer.offer.description, record.id.description)
        count = offer.slots.count
        (unit, priceMicros) = (offer.price.unit, offer.price.gpuHourMicros)
    }
}
