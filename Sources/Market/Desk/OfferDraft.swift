/// A GPU as its owner describes it: found by the driver, or declared by hand.
public struct DeviceDraft: Hashable, Sendable {
    /// The driver's identifier of the very device; `nil` if it was declared by hand.
    public var uuid: String?
    /// The catalogue's id; empty if the catalogue does not know the device.
    public var catalogueID: String
    public var marketClass: MarketClass
    public var rawName: String
    public var memoryMebibytes: Int
    public var driver: String
    public var computeCapability: String

    public init(
        uuid: String? = nil,
        catalogueID: String,
        marketClass: MarketClass,
        rawName: String = "",
        memoryMebibytes: Int = 0,
        driver: String = "",
        computeCapability: String = ""
    ) {
        self.uuid = uuid
        self.catalogueID = catalogueID
        self.marketClass = marketClass
        self.rawName = rawName
        self.memoryMebibytes = memoryMebibytes
        self.driver = driver
        self.computeCapability = computeCapability
    }

    /// A device of the catalogue's model, declared by hand with the model's figures.
    public init(declaring model: GPUModel) {
        self.init(
            catalogueID: model.id,
            marketClass: MarketClass(vendor: model.vendor, gpuClass: model.gpuClass),
            rawName: model.name,
            memoryMebibytes: model.memoryGB * 1024,
            computeCapability: model.computeCapability?.description ?? ""
        )
    }
}

/// On what terms slots are for rent, without saying which.
public struct OfferTerms: Hashable, Sendable {
    public var price: PriceTerms
    public var modes: [OfferBody.Mode] = [.onDemand]
    public var durationMinSeconds = 3600
    public var durationMaxSeconds = 7 * 86_400
    public var noticeSeconds = 0
    public var settlements = ["credit"]
    public var awardPolicy = OfferBody.AwardPolicy.firstAcceptable
    public var awardWindowSeconds = 0
    public var hasPublicBids = false

    public init(price: PriceTerms) {
        self.price = price
    }
}

/// What a provider wants to put on the market.
public struct OfferDraft: Hashable, Sendable {
    /// At least one, all of one market class.
    public var devices: [DeviceDraft]
    public var terms: OfferTerms
    /// The surroundings of the devices; what is given here replaces what the machine said before.
    public var host: MachineBody.Host?
    public var network: MachineBody.Network?
    public var place: MachineBody.Place?
    public var power: MachineBody.Power?
    public var runtimes: [String]?

    public init(devices: [DeviceDraft], terms: OfferTerms) {
        self.devices = devices
        self.terms = terms
    }
}

/// What an update changes of an offer's terms; `nil` leaves a term as it is.
public struct OfferChange: Hashable, Sendable {
    public var unit: String?
    public var gpuHourMicros: Int64?
    public var lowestBidMicros: Int64?
    public var storageGibibyteMonthMicros: Int64?
    public var trafficGibibyteMicros: Int64?
    public var modes: [OfferBody.Mode]?
    public var durationMinSeconds: Int?
    public var durationMaxSeconds: Int?
    public var noticeSeconds: Int?

    public init() {}

    public func applied(to offer: OfferBody) -> OfferBody {
        var changed = offer
        if let unit { changed.price.unit = unit }
        if let gpuHourMicros { changed.price.gpuHourMicros = gpuHourMicros }
        // A lowest bid above the price would refuse the price itself.
        changed.price.lowestBidMicros = min(lowestBidMicros ?? offer.price.lowestBidMicros, changed.price.gpuHourMicros)
        if let storageGibibyteMonthMicros { changed.price.storageGibibyteMonthMicros = storageGibibyteMonthMicros }
        if let trafficGibibyteMicros { changed.price.trafficGibibyteMicros = trafficGibibyteMicros }
        if let modes { changed.modes = Set(modes).sorted() }
        if let durationMinSeconds { changed.durationMinSeconds = durationMinSeconds }
        if let durationMaxSeconds { changed.durationMaxSeconds = durationMaxSeconds }
        if let noticeSeconds { changed.noticeSeconds = noticeSeconds }
        return changed
    }
}

/// Why a provider's wish was not granted.
public enum DeskRefusal: Error, Hashable, Sendable {
    case noDevices
    /// All devices of one offer are of one class; publish one offer for each.
    case mixedClasses
    /// A machine record holds at most this many devices of a class.
    case tooManyDevices(limit: Int)
    /// A provider has at most this many live offers of a class.
    case tooManyOffers(limit: Int)
    case tooManyRequests
    case unknownOffer
    /// The record would break this bound, so nobody would accept it.
    case invalid(RecordError)
    /// The store did not take the record, so it was not published.
    case notDurable
    /// The node has just started, and asks its peers what it has said before it signs more.
    case signingNotYet
    /// The key seems to be in use elsewhere: the node signs nothing until the operator resumes it.
    case signingStopped
    /// The clock was set by a lot and nobody has confirmed it: the node signs nothing until peers or the operator do.
    case clockDoubted
    case shuttingDown
}
