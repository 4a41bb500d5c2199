import Cryptography
import Market
import Primitives

/// Offers of many providers, signed, as a large market would have them.
struct MarketSample {
    static let network = "bench"
    static let now: Int64 = 1_800_000_000_000
    /// As many as the book keeps of one author and class.
    static let offersPerProvider = 50

    private static let models = [
        ("rtx-4090", MarketClass.nvidiaConsumer, 24_564), ("rtx-3090", .nvidiaConsumer, 24_576),
        ("rtx-3080-10gb", .nvidiaConsumer, 10_240), ("rtx-4080", .nvidiaConsumer, 16_376),
    ]
    private static let countries = [("DE", "EU"), ("FR", "EU"), ("US", "NA"), ("JP", "AS"), ("BR", "SA")]

    let records: [SignedRecord]

    init(count: Int, seed: UInt8 = 1) throws {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: SeededRandom.seedByteCount))
        var records: [SignedRecord] = []
        records.reserveCapacity(count)
        var key = Ed25519.PrivateKey(seed: random.bytes(32))
        for number in 0..<count {
            if number % Self.offersPerProvider == 0 { key = Ed25519.PrivateKey(seed: random.bytes(32)) }
            let record = Record(
                network: Self.network,
                sequence: UInt64(number + 1),
                issuedAt: Self.now - 1_000,
                expiresAt: Self.now + 3_600_000,
                body: .offer(Self.offer(&random))
            )
            records.append(try SignedRecord(signing: record, by: key))
        }
        self.records = records
    }

    private static func offer(_ random: inout SeededRandom) -> OfferBody {
        let slots = Array(0..<1 + random.below(8))
        let price = Int64(100_000 + random.below(3_000_000))
        return OfferBody(
            offer: OfferID(random: &random),
            marketClass: models[0].1,
            machine: MachineID(random: &random),
            slots: slots,
            freeSlots: slots,
            largestBlock: slots.count,
            price: PriceTerms(unit: "USD", gpuHourMicros: price, storageGibibyteMonthMicros: 72_000),
            modes: random.chance(1, in: 2) ? [.onDemand] : [.onDemand, .interruptible],
            durationMinSeconds: 3_600,
            durationMaxSeconds: 86_400 * (1 + random.below(30)),
            settlements: ["credit"],
            sealingKey: random.bytes(32)
        )
    }

    /// The offers as rows of the book, each on a machine of its own.
    func listings() throws -> [Listing] {
        var random = SeededRandom(seed: [UInt8](repeating: 9, count: SeededRandom.seedByteCount))
        return records.compactMap { record in
            guard case .offer(let offer) = record.record.body else { return nil }
            let (model, marketClass, memory) = Self.models[random.below(Self.models.count)]
            let devices = offer.slots.map { slot in
                MachineBody.Device(
                    slot: slot,
                    commitment: [UInt8](repeating: UInt8(slot), count: MachineBody.Bounds.commitmentByteCount),
                    catalogueID: model,
                    memoryMebibytes: memory
                )
            }
            var machine = MachineBody(machine: offer.machine, marketClass: marketClass, devices: devices)
            (machine.place.country, machine.place.continent) = Self.countries[random.below(Self.countries.count)]
            let heardAt = Self.now - Int64(random.below(600_000))
            return Listing(
                record: record,
                offer: offer,
                machine: machine,
                heardAt: heardAt,
                vouchedUntil: Self.now + 600_000
            )
        }
    }
}
