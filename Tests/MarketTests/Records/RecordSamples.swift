import Cryptography
import Market
import Primitives

/// Small worlds for record tests: numbered keys and ids, readable times, and random records by seed.
enum RecordSamples {
    static let network = "main"
    /// 2023-11-14T22:13:20Z, where the samples' clocks start.
    static let start: Int64 = 1_700_000_000_000
    static let minute: Int64 = 60_000
    static let hour: Int64 = 3_600_000
    static let day: Int64 = 86_400_000

    static func random(_ seed: Int) -> SeededRandom {
        SeededRandom(seed: SHA256.hash(Array("records \(seed)".utf8)))
    }

    static func key(_ number: Int) -> Ed25519.PrivateKey {
        Ed25519.PrivateKey(seed: SHA256.hash(Array("key \(number)".utf8)))
    }

    static func bytes16(_ number: Int) -> Bytes16 {
        let value = Bytes16([UInt8](repeating: 0, count: 14) + [UInt8(number >> 8), UInt8(number & 255)])
        guard let value else { preconditionFailure("sixteen bytes") }
        return value
    }

    static func offer(
        _ number: Int = 1,
        machine: Int = 1,
        price: Int64 = 350_000,
        marketClass: MarketClass = .nvidiaConsumer
    ) -> OfferBody {
        OfferBody(
            offer: OfferID(bytes16(number)),
            marketClass: marketClass,
            machine: MachineID(bytes16(machine)),
            slots: [0, 1],
            freeSlots: [0, 1],
            largestBlock: 2,
            price: PriceTerms(unit: "USD", gpuHourMicros: price),
            modes: [.onDemand],
            durationMinSeconds: 3_600,
            durationMaxSeconds: 86_400,
            settlements: ["credit"],
            sealingKey: [UInt8](repeating: 7, count: 32)
        )
    }

    static func machine(_ number: Int = 1, marketClass: MarketClass = .nvidiaConsumer) -> MachineBody {
        let devices = (0..<2).map { slot in
            MachineBody.Device(
                slot: slot,
                commitment: [UInt8](repeating: UInt8(slot + 1), count: 32),
                catalogueID: "rtx-4090",
                rawName: "NVIDIA GeForce RTX 4090",
                memoryMebibytes: 24_564
            )
        }
        return MachineBody(machine: MachineID(bytes16(number)), marketClass: marketClass, devices: devices)
    }

    static func presence(
        of offers: [SignedRecord],
        high: UInt64,
        marketClass: MarketClass = .nvidiaConsumer
    ) -> PresenceBody {
        PresenceBody(
            marketClass: marketClass,
            highSequence: high,
            offerCount: offers.count,
            offerDigest: OfferDigest.digest(of: offers),
            addresses: [[4, 127, 0, 0, 1, 6, 0x10, 0x54]]
        )
    }

    /// Signs a body at `offset` milliseconds after the start, for the kind's longest life or less.
    static func signed(
        _ body: RecordBody,
        by key: Ed25519.PrivateKey,
        sequence: UInt64,
        at offset: Int64 = 0,
        for life: Int64? = nil,
        network: String = network
    ) throws -> SignedRecord {
        let issuedAt = start + offset
        let record = Record(
            network: network,
            sequence: sequence,
            issuedAt: issuedAt,
            expiresAt: issuedAt + (life ?? body.kind.lifetimeMax),
            body: body
        )
        return try SignedRecord(signing: record, by: key)
    }

    // MARK: Random records

    static func record(_ random: inout SeededRandom) -> Record {
        let body: RecordBody
        switch random.below(13) {
        case 0: body = .machine(machine(&random))
        case 1: body = .offer(offer(&random))
        case 2: body = .presence(presence(&random))
        case 3: body = .withdrawal(withdrawal(&random))
        default: return leaseRecord(&random)
        }
        let issuedAt = start + Int64(random.below(1_000_000_000))
        return Record(
            network: ["main", "test-2", "z"][random.below(3)],
            sequence: 1 + random.next() >> 1 % Record.Bounds.sequenceMax,
            issuedAt: issuedAt,
            expiresAt: issuedAt + 1 + Int64(random.below(Int(body.kind.lifetimeMax))),
            body: body
        )
    }

    static func offer(_ random: inout SeededRandom) -> OfferBody {
        let slots = set(&random, count: 1...32, below: 256)
        let free = slots.filter { _ in random.chance(1, in: 2) }
        var offer = RecordSamples.offer()
        offer.offer = OfferID(random: &random)
        offer.machine = MachineID(random: &random)
        offer.marketClass = MarketClass.allCases[random.below(8)]
        (offer.slots, offer.freeSlots) = (slots, free)
        offer.largestBlock = random.below(free.count + 1)
        let price = Int64(random.below(10_000_000_000_001))
        offer.price = PriceTerms(
            unit: ["USD", "sat", "kWh", "credit"][random.below(4)],
            gpuHourMicros: price,
            lowestBidMicros: Int64(random.below(Int(price) + 1)),
            storageGibibyteMonthMicros: Int64(random.below(3)),
            trafficGibibyteMicros: Int64(random.below(1_000))
        )
        offer.modes = [[.onDemand], [.interruptible], [.onDemand, .interruptible]][random.below(3)]
        offer.durationMaxSeconds = 1 + random.below(OfferBody.Bounds.durationSecondsMax)
        offer.durationMinSeconds = random.below(offer.durationMaxSeconds + 1)
        offer.noticeSeconds = random.below(OfferBody.Bounds.noticeSecondsMax + 1)
        offer.settlements = texts(&random, count: 1...8, max: 32)
        if random.chance(1, in: 2) {
            offer.awardPolicy = .bestAtDeadline
            offer.awardWindowSeconds = 1 + random.below(86_400)
        }
        offer.hasPublicBids = offer.modes.contains(.interruptible) && random.chance(1, in: 2)
        offer.sealingKey = random.bytes(32)
        return offer
    }

    static func machine(_ random: inout SeededRandom) -> MachineBody {
        var body = machine(1, marketClass: MarketClass.allCases[random.below(8)])
        body.machine = MachineID(random: &random)
        body.devices = set(&random, count: 1...12, below: 256).map { slot in
            MachineBody.Device(
                slot: slot,
                commitment: random.bytes(32),
                catalogueID: text(&random, max: 48),
                rawName: text(&random, max: 96),
                memoryMebibytes: random.below(1 << 24),
                driver: text(&random, max: 32),
                computeCapability: text(&random, max: 16)
            )
        }
        if random.chance(1, in: 2) {
            body.host.cpuModel = text(&random, max: 96)
            body.host.coreCount = random.below(200)
            body.host.memoryMebibytes = random.below(1 << 26)
            body.host.diskGibibytes = random.below(1 << 24)
            body.host.diskMegabytesPerSecond = random.below(10_000)
            body.host.operatingSystem = text(&random, max: 32)
            body.host.architecture = text(&random, max: 32)
        }
        body.network.downMegabitsPerSecond = random.below(3) * 1_000
        body.network.upMegabitsPerSecond = random.below(3)
        body.network.portCount = random.below(65_536)
        body.network.reach = [nil, .public, .punchable, .relayed][random.below(4)]
        body.place.country = ["", "DE", "FR"][random.below(3)]
        body.place.continent = ["", "EU"][random.below(2)]
        body.place.city = text(&random, max: 64)
        body.power.wattsPerDevice = random.below(1_000)
        body.power.gramsPerKilowattHour = random.below(2)
        body.power.source = text(&random, max: 32)
        body.runtimes = texts(&random, count: 0...16, max: 32)
        return body
    }

    static func presence(_ random: inout SeededRandom) -> PresenceBody {
        let count = random.below(3) * random.below(33)
        let addresses = (0..<random.below(9)).map { _ in random.bytes(1 + random.below(128)) }
        return PresenceBody(
            marketClass: MarketClass.allCases[random.below(8)],
            highSequence: random.next() >> 1,
            offerCount: count,
            offerDigest: count == 0 ? [] : random.bytes(16),
            addresses: addresses.sorted { $0.lexicographicallyPrecedes($1) }
        )
    }

    static func withdrawal(_ random: inout SeededRandom) -> WithdrawalBody {
        let subject: WithdrawalBody.Subject =
            switch random.below(4) {
            case 0: .machine(MachineID(random: &random))
            case 1: .offer(OfferID(random: &random))
            case 2: .request(RequestID(random: &random))
            default: .bid(BidID(random: &random))
            }
        return WithdrawalBody(
            subject: subject,
            marketClass: MarketClass.allCases[random.below(8)],
            reason: random.below(10_000)
        )
    }

    static func set(_ random: inout SeededRandom, count: ClosedRange<Int>, below bound: Int) -> [Int] {
        let wanted = count.lowerBound + random.below(count.count)
        return random.sample(Array(0..<bound), wanted).sorted()
    }

    static func text(_ random: inout SeededRandom, max: Int) -> String {
        let letters = Array("abcXYZ 0189-._/éß漢🙂e\u{301}").map(String.init)
        var text = ""
        for _ in 0..<random.below(12) {
            let letter = letters[random.below(letters.count)]
            if text.utf8.count + letter.utf8.count <= max { text += letter }
        }
        return text
    }

    static func texts(_ random: inout SeededRandom, count: ClosedRange<Int>, max: Int) -> [String] {
        let wanted = count.lowerBound + random.below(count.count)
        return (0..<wanted).map { "\(Character(Unicode.Scalar(UInt8(97 + $0))))\(text(&random, max: max - 1))" }
    }
}
