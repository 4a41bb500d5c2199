internal import Cryptography
internal import Identity
internal import OrderedCollections

/// The market's rows laid out for searching: one flat array of numbers for each fact.
///
/// Built once for a snapshot of the order book and then searched many times. Facts that repeat (hardware, providers, texts)
/// are kept once and named by a number, so that a condition on them is decided once and looked up row by row. Rows stand in
/// the order of (provider, offer id), which settles every tie.
public struct SearchTable: Sendable {
    /// Stands in a column for what is not known.
    static let unknown = Int64.min

    /// One number of every row.
    enum Column: Int, CaseIterable {
        case hardware, provider, unit, place, runtimes
        case priceMicros, storageMicros, trafficMicros
        case count, durationMin, durationMax
        case heardAt, issuedAt, liveness, isInterruptible
        case disk, ram, cores, down, up, reach
        case milliwatts, gramsPerKilowattHour
    }

    /// What GPUs a row is about; rows with equal GPUs share it.
    struct Hardware: Hashable {
        /// The place in the catalogue; `nil` if no catalogue id is stated, it is unknown, or the devices differ.
        var model: Int?
        var marketClass: MarketClass
        /// The smallest of the devices' sizes as the driver reports them; zero if not stated.
        var memoryMebibytes: Int
        /// What the driver reports, where the catalogue does not know the model.
        var computeCapability: ComputeCapability?
    }

    struct Place: Hashable {
        var country: String
        var continent: String
        var city: String
    }

    let catalogue: Catalogue
    /// In the order of their ids.
    public let listings: [Listing]
    private(set) var hardware: OrderedSet<Hardware> = []
    private(set) var providers: OrderedSet<Ed25519.PublicKey> = []
    private(set) var units: OrderedSet<String> = []
    private(set) var places: OrderedSet<Place> = []
    private(set) var runtimes: OrderedSet<[String]> = []
    private var columns: [[Int64]]

    public var rowCount: Int { listings.count }

    /// Lays out the rows of a snapshot; of listings with one id the first counts.
    public init(listings: [Listing], catalogue: Catalogue = .standard) {
        self.catalogue = catalogue
        self.listings = Self.ordered(listings)
        columns = Array(repeating: [], count: Column.allCases.count)
        for index in columns.indices { columns[index].reserveCapacity(self.listings.count) }
        for listing in self.listings { append(listing) }
    }

    subscript(column: Column) -> [Int64] { columns[column.rawValue] }

    /// One fact of one row.
    func value(_ column: Column, _ row: Int) -> Int64 { columns[column.rawValue][row] }

    func hardware(ofRow row: Int) -> Hardware { hardware[Int(value(.hardware, row))] }
    func model(ofRow row: Int) -> GPUModel? { hardware(ofRow: row).model.map { catalogue.models[$0] } }
    func unit(ofRow row: Int) -> String { units[Int(value(.unit, row))] }

    private static func ordered(_ listings: [Listing]) -> [Listing] {
        let isOrdered = zip(listings, listings.dropFirst()).allSatisfy { $0.id < $1.id }
        guard !isOrdered else { return listings }
        var unique: OrderedDictionary<ListingID, Listing> = [:]
        for listing in listings where unique[listing.id] == nil { unique[listing.id] = listing }
        return unique.values.sorted { $0.id < $1.id }
    }

    private mutating func set(_ column: Column, _ value: Int64) {
        columns[column.rawValue].append(value)
    }

    /// A number that a record leaves at zero when it does not state it.
    private mutating func set(_ column: Column, stated value: Int, scale: Int64 = 1) {
        let (product, overflow) = Int64(value).multipliedReportingOverflow(by: scale)
        set(column, value > 0 ? (overflow ? .max : product) : Self.unknown)
    }

    private mutating func append(_ listing: Listing) {
        let offer = listing.offer
        // One provider's rows stand together.
        if providers.last != listing.provider { providers.append(listing.provider) }
        set(.provider, Int64(providers.count - 1))
        set(.unit, Int64(units.append(offer.price.unit).index))
        set(.priceMicros, offer.price.gpuHourMicros)
        set(.storageMicros, offer.price.storageGibibyteMonthMicros)
        set(.trafficMicros, offer.price.trafficGibibyteMicros)
        set(.count, Int64(offer.largestBlock))
        set(.durationMin, Int64(offer.durationMinSeconds))
        set(.durationMax, Int64(offer.durationMaxSeconds))
        set(.heardAt, listing.heardAt)
        set(.issuedAt, listing.issuedAt)
        set(.liveness, min(listing.vouchedUntil, listing.record.record.expiresAt))
        set(.isInterruptible, offer.modes.contains(.interruptible) ? 1 : 0)
        append(machine: listing.machine, offer: offer)
    }

    private mutating func append(machine: MachineBody?, offer: OfferBody) {
        set(.hardware, Int64(hardware.append(hardware(of: machine, offer: offer)).index))
        let place = machine.map { Place(country: $0.place.country, continent: $0.place.continent, city: $0.place.city) }
        set(.place, Int64(places.append(place ?? Place(country: "", continent: "", city: "")).index))
        set(.runtimes, Int64(runtimes.append(machine?.runtimes ?? []).index))
        set(.disk, stated: machine?.host.diskGibibytes ?? 0, scale: 1_024)
        set(.ram, stated: machine?.host.memoryMebibytes ?? 0)
        set(.cores, stated: machine?.host.coreCount ?? 0)
        set(.down, stated: machine?.network.downMegabitsPerSecond ?? 0, scale: 1_000)
        set(.up, stated: machine?.network.upMegabitsPerSecond ?? 0, scale: 1_000)
        set(.reach, machine?.network.reach.map { Int64($0.rawValue) } ?? Self.unknown)
        set(.milliwatts, stated: machine?.power.wattsPerDevice ?? 0, scale: 1_000)
        set(.gramsPerKilowattHour, stated: machine?.power.gramsPerKilowattHour ?? 0)
    }

    /// A listing need not come from the book, whose records are within their bounds.
    private static func bounded(_ mebibytes: Int) -> Int {
        min(max(0, mebibytes), MachineBody.Bounds.deviceMemoryMebibytesMax)
    }

    /// What can be said of all devices that the offer may lease now, or of all its devices while none is free.
    private func hardware(of machine: MachineBody?, offer: OfferBody) -> Hardware {
        var summary = Hardware(model: nil, marketClass: offer.marketClass, memoryMebibytes: 0)
        guard let machine else { return summary }
        let slots = offer.freeSlots.isEmpty ? offer.slots : offer.freeSlots
        var first: MachineBody.Device?
        for device in machine.devices where slots.contains(device.slot) {
            guard let seen = first else {
                first = device
                summary.memoryMebibytes = Self.bounded(device.memoryMebibytes)
                continue
            }
            guard seen.catalogueID == device.catalogueID, seen.computeCapability == device.computeCapability else {
                return Hardware(model: nil, marketClass: offer.marketClass, memoryMebibytes: 0)
            }
            summary.memoryMebibytes = min(summary.memoryMebibytes, Self.bounded(device.memoryMebibytes))
        }
        guard let first else { return summary }
        summary.model = catalogue.index(ofID: first.catalogueID)
        if summary.model == nil { summary.computeCapability = ComputeCapability(text: first.computeCapability) }
        return summary
    }
}

extension SearchTable.Hardware {
    /// The size that conditions compare, in MiB: nominal for a model of the catalogue, else the driver's figure rounded up
    /// to whole GiB; `nil` if neither is stated.
    func memoryMebibytes(in catalogue: Catalogue) -> Int? {
        if let model { return catalogue.models[model].memoryGB * 1_024 }
        return memoryMebibytes > 0 ? (memoryMebibytes - 1) / 1_024 * 1_024 + 1_024 : nil
    }
}
