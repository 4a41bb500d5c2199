internal import Cryptography
internal import OrderedCollections
internal import Primitives

/// What a provider has on the market: its machines, one for each class, and its offers on their slots.
///
/// A value without time or keys: the desk computes the next ledger, makes its records durable, and only then replaces the old one.
struct DeskLedger: Hashable, Sendable {
    /// What admission keeps of one author, kind and segment; a class of one provider is one segment.
    static let offersPerClassMax = 64

    var machines: OrderedDictionary<MarketClass, MachineBody> = [:]
    var offers: OrderedDictionary<OfferID, OfferBody> = [:]

    func machine(of marketClass: MarketClass) -> MachineBody? { machines[marketClass] }

    /// Puts devices on the market as one offer; returns the offer.
    mutating func add(
        _ draft: OfferDraft,
        salt: [UInt8],
        sealingKey: [UInt8],
        random: inout SeededRandom
    ) throws(DeskRefusal) -> OfferBody {
        guard let marketClass = draft.devices.first?.marketClass else { throw .noDevices }
        guard draft.devices.allSatisfy({ $0.marketClass == marketClass }) else { throw .mixedClasses }
        guard offers.values.count(where: { $0.marketClass == marketClass }) < Self.offersPerClassMax else {
            throw .tooManyOffers(limit: Self.offersPerClassMax)
        }
        var machine =
            machines[marketClass]
            ?? MachineBody(machine: MachineID(random: &random), marketClass: marketClass, devices: [])
        var slots: [Int] = []
        for device in draft.devices { slots.append(try Self.place(device, in: &machine, salt: salt, taken: slots)) }
        draft.describe(&machine)
        machines[marketClass] = machine
        let offer = OfferBody(
            offer: OfferID(random: &random),
            terms: draft.terms,
            machine: machine,
            slots: slots.sorted(),
            sealingKey: sealingKey
        )
        offers[offer.offer] = offer
        return offer
    }

    /// Takes an offer off the market, and the devices that no other offer names and nobody has rented: while a device is let, its
    /// slot stays its own, so that a new offer of it continues the slot's chain of leases.
    mutating func remove(_ offer: OfferID, keeping kept: Set<Int> = []) throws(DeskRefusal) -> OfferBody {
        guard let removed = offers.removeValue(forKey: offer) else { throw .unknownOffer }
        guard var machine = machines[removed.marketClass] else { return removed }
        let used = Set(offers.values.filter { $0.machine == machine.machine }.flatMap(\.slots))
        machine.devices.removeAll { !used.contains($0.slot) && !kept.contains($0.slot) }
        machines[removed.marketClass] = machine.devices.isEmpty ? nil : machine
        return removed
    }

    /// Gives a class's machine another id, its devices in the same slots; returns its offers as they are now.
    mutating func redrawMachine(of marketClass: MarketClass, random: inout SeededRandom) -> [OfferBody] {
        guard let old = machines[marketClass]?.machine else { return [] }
        let new = MachineID(random: &random)
        machines[marketClass]?.machine = new
        for (id, offer) in offers where offer.machine == old { offers[id]?.machine = new }
        return offers.values.filter { $0.machine == new }
    }

    /// The slot of a device: the one that it has already, else the lowest free one.
    private static func place(
        _ device: DeviceDraft,
        in machine: inout MachineBody,
        salt: [UInt8],
        taken: [Int]
    ) throws(DeskRefusal) -> Int {
        let named = device.uuid.map { SHA256.hash(salt + Array($0.utf8)) }
        if let known = machine.devices.first(where: { $0.commitment == named && !taken.contains($0.slot) }) {
            return known.slot
        }
        let used = Set(machine.devices.map(\.slot))
        guard machine.devices.count < MachineBody.Bounds.deviceCountMax,
            let slot = (0...MachineBody.Bounds.slotMax).first(where: { !used.contains($0) })
        else { throw .tooManyDevices(limit: MachineBody.Bounds.deviceCountMax) }
        let added = MachineBody.Device(
            slot: slot,
            // A declared device has no identifier; its place in the machine stands for it.
            commitment: named ?? SHA256.hash(salt + machine.machine.bytes + [UInt8(slot)]),
            catalogueID: device.catalogueID,
            rawName: device.rawName,
            memoryMebibytes: device.memoryMebibytes,
            driver: device.driver,
            computeCapability: device.computeCapability
        )
        machine.devices.append(added)
        machine.devices.sort { $0.slot < $1.slot }
        return slot
    }
}

extension OfferDraft {
    fileprivate func describe(_ machine: inout MachineBody) {
        if let host { machine.host = host }
        if let network { machine.network = network }
        if let place { machine.place = place }
        if let power { machine.power = power }
        if let runtimes { machine.runtimes = Set(runtimes).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
    }
}

extension OfferBody {
    /// The offer with these of its slots free; `nil` if it says so already.
    func free(_ slots: [Int]) -> OfferBody? {
        var changed = self
        changed.freeSlots = self.slots.filter(slots.contains)
        changed.largestBlock = changed.freeSlots.count
        return changed == self ? nil : changed
    }

    fileprivate init(offer: OfferID, terms: OfferTerms, machine: MachineBody, slots: [Int], sealingKey: [UInt8]) {
        self.init(
            offer: offer,
            marketClass: machine.marketClass,
            machine: machine.machine,
            slots: slots,
            freeSlots: slots,
            largestBlock: slots.count,
            price: terms.price,
            modes: Set(terms.modes).sorted(),
            durationMinSeconds: terms.durationMinSeconds,
            durationMaxSeconds: terms.durationMaxSeconds,
            noticeSeconds: terms.noticeSeconds,
            settlements: Set(terms.settlements).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) },
            awardPolicy: terms.awardPolicy,
            awardWindowSeconds: terms.awardWindowSeconds,
            hasPublicBids: terms.hasPublicBids,
            sealingKey: sealingKey
        )
    }
}
