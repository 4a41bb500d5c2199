import Cryptography
import Market
import Primitives

/// One row of a small market: an RTX 4090 in Germany at 0.40 USD, unless a test says otherwise.
struct MarketRow {
    static let now: Int64 = 1_800_000_000_000

    var provider: UInt8 = 1
    var offerID: UInt8 = 1
    var model = "rtx-4090"
    var devices = 1
    var marketClass = MarketClass.nvidiaConsumer
    var memoryMebibytes = 24_564
    var largestBlock: Int?
    var price: Int64 = 400_000
    var unit = "USD"
    var storage: Int64 = 0
    var traffic: Int64 = 0
    var modes: [OfferBody.Mode] = [.onDemand]
    var durationMin = 3_600
    var durationMax = 7 * 86_400
    var heardSecondsAgo: Int64 = 60
    var vouchedSeconds: Int64 = 600
    var country = "DE"
    var continent = "EU"
    var hasMachine = true
    var sequence: UInt64 = 1
    /// What the machine states beside its devices and its place.
    var adjust: (inout MachineBody) -> Void = { _ in }

    static func key(_ provider: UInt8) -> Ed25519.PrivateKey {
        Ed25519.PrivateKey(seed: Array(repeating: provider, count: Ed25519.PrivateKey.seedByteCount))
    }

    var machineID: MachineID? { MachineID(Array(repeating: provider, count: Bytes16.byteCount)) }
    var offerIdentity: OfferID? { OfferID(Array(repeating: offerID, count: Bytes16.byteCount)) }

    var offer: OfferBody? {
        guard let machineID, let offerIdentity else { return nil }
        let slots = Array(0..<devices)
        return OfferBody(
            offer: offerIdentity,
            marketClass: marketClass,
            machine: machineID,
            slots: slots,
            freeSlots: slots,
            largestBlock: largestBlock ?? devices,
            price: PriceTerms(
                unit: unit,
                gpuHourMicros: price,
                storageGibibyteMonthMicros: storage,
                trafficGibibyteMicros: traffic
            ),
            modes: modes,
            durationMinSeconds: durationMin,
            durationMaxSeconds: durationMax,
            settlements: ["credit"],
            sealingKey: Array(repeating: 7, count: OfferBody.Bounds.sealingKeyByteCount)
        )
    }

    var machine: MachineBody? {
        guard let machineID else { return nil }
        let devices = (0..<devices).map { slot in
            MachineBody.Device(
                slot: slot,
                commitment: Array(repeating: UInt8(slot), count: MachineBody.Bounds.commitmentByteCount),
                catalogueID: model,
                memoryMebibytes: memoryMebibytes
            )
        }
        var machine = MachineBody(machine: machineID, marketClass: marketClass, devices: devices)
        machine.place.country = country
        machine.place.continent = continent
        adjust(&machine)
        return machine
    }

    /// The row with its offer signed, as the book gives it.
    func listing(now: Int64 = MarketRow.now) throws -> Listing {
        guard let offer, let machine else { throw MarketRowError() }
        let record = Record(
            network: "test",
            sequence: sequence,
            issuedAt: now - 1_000,
            expiresAt: now + 3_600_000,
            body: .offer(offer)
        )
        return Listing(
            record: try SignedRecord(signing: record, by: Self.key(provider)),
            offer: offer,
            machine: hasMachine ? machine : nil,
            heardAt: now - heardSecondsAgo * 1_000,
            vouchedUntil: now + vouchedSeconds * 1_000
        )
    }
}

/// The row's constants have a wrong length.
struct MarketRowError: Error {}

extension SearchTable {
    init(rows: [MarketRow]) throws {
        self.init(listings: try rows.map { try $0.listing() })
    }

    /// The offers that a query finds, in order, as their first byte.
    func found(_ query: String, sort: String = "price", trust: [UInt8: Int] = [:]) throws -> [UInt8] {
        try result(query, sort: sort, trust: trust).rows.map { $0.id.offer.bytes[0] }
    }

    func result(
        _ query: String,
        sort: String = "price",
        limit: Int = 100,
        trust: [UInt8: Int] = [:]
    ) throws -> SearchResult {
        let request = try SearchRequest(query: SearchQuery(text: query), sort: SearchSort(text: sort), limit: limit)
        var context = SearchContext(now: MarketRow.now)
        for (provider, count) in trust { context.trust[MarketRow.key(provider).publicKey] = Thousandths(count: count) }
        return search(request, context: context)
    }
}
