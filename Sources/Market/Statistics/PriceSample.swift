internal import Cryptography
internal import OrderedCollections

/// The prices of one moment, by model and unit: one for each offer that is live, one for each lease.
public struct PriceSample: Sendable {
    /// Leases as old as this say nothing about today.
    public static let leasedMilliseconds: Int64 = 30 * dayMilliseconds
    static let dayMilliseconds: Int64 = 86_400_000

    struct Slot: Hashable {
        let provider: Ed25519.PublicKey
        let machine: MachineID
        let slot: Int
    }

    public let unixMilliseconds: Int64
    private var asked: OrderedDictionary<PriceSeriesKey, [Int64]> = [:]
    private var leases: [(key: PriceSeriesKey, day: Int64, micros: Int64)] = []
    /// Leases of machines that nothing is known of any more.
    public private(set) var unknownLeaseCount = 0

    /// Reads the rows and the leases of one book at one time, in milliseconds since the Unix epoch.
    public init(listings: [Listing], leases: [LeasedSlots], at now: Int64) {
        unixMilliseconds = now
        var models: [Slot: String] = [:]
        for listing in listings {
            for device in listing.machine?.devices ?? [] where !device.catalogueID.isEmpty {
                let slot = Slot(provider: listing.provider, machine: listing.offer.machine, slot: device.slot)
                models[slot] = device.catalogueID
            }
            guard listing.liveness(at: now) != .gone, let gpu = listing.catalogueID else { continue }
            let key = PriceSeriesKey(gpu: gpu, unit: listing.offer.price.unit)
            asked[key, default: []].append(listing.offer.price.gpuHourMicros)
        }
        for lease in leases where lease.startAt <= now && now - lease.startAt < Self.leasedMilliseconds {
            let slots = lease.slots.map { Slot(provider: lease.provider, machine: lease.machine, slot: $0) }
            guard let gpu = slots.lazy.compactMap({ models[$0] }).first else {
                unknownLeaseCount += 1
                continue
            }
            let key = PriceSeriesKey(gpu: gpu, unit: lease.unit)
            self.leases.append((key, lease.startAt / Self.dayMilliseconds, lease.gpuHourMicros))
        }
    }

    public var day: Int64 { unixMilliseconds / Self.dayMilliseconds }

    /// The series of which anything is known, ascending.
    public var keys: [PriceSeriesKey] { Set(asked.keys).union(leases.map(\.key)).sorted() }

    public func askedQuantiles(of key: PriceSeriesKey) -> PriceQuantiles? { PriceQuantiles(of: asked[key] ?? []) }

    /// Of all leases that began within `leasedMilliseconds`.
    public func leasedQuantiles(of key: PriceSeriesKey) -> PriceQuantiles? {
        PriceQuantiles(of: leases.filter { $0.key == key }.map(\.micros))
    }

    /// The days on which leases of the series began, ascending.
    func leasedDays(of key: PriceSeriesKey) -> [(day: Int64, quantiles: PriceQuantiles)] {
        let own = leases.filter { $0.key == key }
        return Set(own.map(\.day)).sorted().compactMap { day in
            PriceQuantiles(of: own.filter { $0.day == day }.map(\.micros)).map { (day, $0) }
        }
    }
}

extension Listing {
    /// The model that all of the offer's devices are of; `nil` if they differ or the catalogue lacks it.
    public var catalogueID: String? {
        let devices = devices
        guard let first = devices.first, !first.catalogueID.isEmpty,
            devices.allSatisfy({ $0.catalogueID == first.catalogueID })
        else { return nil }
        return first.catalogueID
    }
}
