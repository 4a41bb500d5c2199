import Cryptography
import Identity
import Market
import Primitives
import Testing

@Suite struct `Record codec` {
    /// Encoded by Google's protoc 3.21 from a text form of the same message and the published schema.
    static let golden: [(name: String, body: RecordBody, life: Int64, hex: String)] = [
        (
            "offer", .offer(goldenOffer), RecordSamples.day,
            """
            0a046d61696e1080d095ffbc311880d095ffbc31208088afa8bd31328e010a10303132333435363738396162636465661002\
            1a106665646362613938373635343332313022040001c8012a010130013a140a0355534410b0ae1518e0a71220a09c0128e8\
            074202010248901c5080f52458d804620663726564697462066d616e75616c6802703c78018201206b6b6b6b6b6b6b6b6b6b\
            6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b
            """
        ),
        (
            "machine", .machine(goldenMachine), RecordSamples.day,
            """
            0a046d61696e1080d095ffbc311880d095ffbc31208088afa8bd312af0010a10666564636261393837363534333231301002\
            1a56122063636363636363636363636363636363636363636363636363636363636363631a087274782d3430393022174e56\
            49444941204765466f72636520525458203430393028f4bf0132063535302e35343a03382e391a2408011220646464646464\
            646464646464646464646464646464646464646464646464646422210a044550594310401880801020d00f28b81732056c69\
            6e75783a067838365f36342a0a08e80710f40318102002320f0a024445120245551a054bc3b66c6e3a0c08c20310fc021a04\
            77696e644206646f636b65724206706f646d616e
            """
        ),
        (
            "presence", .presence(goldenPresence), 30 * RecordSamples.minute,
            """
            0a046d61696e1080d095ffbc311880d095ffbc3120c0be8380bd313a27080110ffcf95ffbc31180222103031323334353637\
            38396162636465662a08047f000001061054
            """
        ),
        (
            "withdrawal",
            .withdrawal(
                WithdrawalBody(subject: .offer(id("0123456789abcdef")), marketClass: .amdDatacenter, reason: 2001)
            ),
            RecordSamples.day,
            """
            0a046d61696e1080d095ffbc311880d095ffbc31208088afa8bd314219080612103031323334353637383961626364656618\
            0728d10f
            """
        ),
    ]

    static func id(_ text: String) -> OfferID {
        guard let id = OfferID(Array(text.utf8)) else { preconditionFailure("sixteen letters") }
        return id
    }

    static var goldenOffer: OfferBody {
        OfferBody(
            offer: id("0123456789abcdef"),
            marketClass: .nvidiaConsumer,
            machine: MachineID(id("fedcba9876543210").value),
            slots: [0, 1, 200],
            freeSlots: [1],
            largestBlock: 1,
            price: PriceTerms(
                unit: "USD",
                gpuHourMicros: 350_000,
                lowestBidMicros: 300_000,
                storageGibibyteMonthMicros: 20_000,
                trafficGibibyteMicros: 1_000
            ),
            modes: [.onDemand, .interruptible],
            durationMinSeconds: 3_600,
            durationMaxSeconds: 604_800,
            noticeSeconds: 600,
            settlements: ["credit", "manual"],
            awardPolicy: .bestAtDeadline,
            awardWindowSeconds: 60,
            hasPublicBids: true,
            sealingKey: [UInt8](repeating: 0x6b, count: 32)
        )
    }

    static var goldenMachine: MachineBody {
        let first = MachineBody.Device(
            slot: 0,
            commitment: [UInt8](repeating: 0x63, count: 32),
            catalogueID: "rtx-4090",
            rawName: "NVIDIA GeForce RTX 4090",
            memoryMebibytes: 24_564,
            driver: "550.54",
            computeCapability: "8.9"
        )
        let second = MachineBody.Device(slot: 1, commitment: [UInt8](repeating: 0x64, count: 32))
        var body = MachineBody(
            machine: MachineID(id("fedcba9876543210").value),
            marketClass: .nvidiaConsumer,
            devices: [first, second]
        )
        body.host.cpuModel = "EPYC"
        body.host.coreCount = 64
        body.host.memoryMebibytes = 262_144
        body.host.diskGibibytes = 2_000
        body.host.diskMegabytesPerSecond = 3_000
        body.host.operatingSystem = "linux"
        body.host.architecture = "x86_64"
        body.network.downMegabitsPerSecond = 1_000
        body.network.upMegabitsPerSecond = 500
        body.network.portCount = 16
        body.network.reach = .punchable
        body.place.country = "DE"
        body.place.continent = "EU"
        body.place.city = "Köln"
        body.power.wattsPerDevice = 450
        body.power.gramsPerKilowattHour = 380
        body.power.source = "wind"
        body.runtimes = ["docker", "podman"]
        return body
    }

    static var goldenPresence: PresenceBody {
        PresenceBody(
            marketClass: .other,
            highSequence: 1_699_999_999_999,
            offerCount: 2,
            offerDigest: Array("0123456789abcdef".utf8),
            addresses: [[4, 127, 0, 0, 1, 6, 0x10, 0x54]]
        )
    }

    @Test(arguments: golden.indices) func `our bytes are protoc's`(index: Int) throws {
        let (name, body, life, hex) = Self.golden[index]
        let record = Record(
            network: "main",
            sequence: 1_700_000_000_000,
            issuedAt: RecordSamples.start,
            expiresAt: RecordSamples.start + life,
            body: body
        )
        let payload = try record.payload()
        #expect(payload.map(Self.hex).joined() == hex, "\(name)")
        #expect(try Record(payload: payload) == record)
    }

    static func hex(_ byte: UInt8) -> String {
        let digits = Array("0123456789abcdef")
        return String([digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    }

    @Test(arguments: 0..<60) func `random records come back as they were`(seed: Int) throws {
        var random = RecordSamples.random(seed)
        let record = RecordSamples.record(&random)
        let payload = try record.payload()
        let parsed = try Record(payload: payload)
        #expect(parsed == record)
        // Strings that look alike must also be alike byte by byte.
        #expect(try parsed.payload() == payload)
    }

    /// Bytes that a peer may send: whatever they are, decoding ends and never traps, and what it accepts is canonical.
    @Test(arguments: 0..<40) func `no bytes trap the decoder`(seed: Int) throws {
        var random = RecordSamples.random(1_000 + seed)
        let record = RecordSamples.record(&random)
        let payload = try record.payload()
        let envelope = try SignedRecord(signing: record, by: RecordSamples.signer(of: record)).envelope
        for _ in 0..<60 {
            for source in [payload, envelope] {
                let mutant = Self.mutate(source, &random)
                if let record = try? Record(payload: mutant) { #expect(try record.payload() == mutant) }
                if let record = try? SignedRecord(envelope: mutant) { #expect(record.envelope == mutant) }
            }
        }
    }

    private static func mutate(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var mutant = bytes
        switch random.below(5) {
        case 0: mutant = Array(mutant.prefix(random.below(mutant.count + 1)))
        case 1: for _ in 0...random.below(4) { mutant[random.below(mutant.count)] ^= UInt8(1 + random.below(255)) }
        case 2: mutant.insert(contentsOf: random.bytes(random.below(12)), at: random.below(mutant.count + 1))
        case 3: mutant = random.bytes(random.below(200))
        default:
            // A huge length or number somewhere.
            let at = random.below(mutant.count)
            mutant.replaceSubrange(at...at, with: [UInt8](repeating: 0xff, count: 9) + [0x01])
        }
        return mutant
    }

    // MARK: Bounds: each is hit once

    static let brokenOffers: [(RecordError, @Sendable (inout OfferBody) -> Void)] = [
        (.outOfBounds("offer.slots"), { ($0.slots, $0.freeSlots, $0.largestBlock) = ([], [], 0) }),
        (.outOfBounds("offer.slots"), { $0.slots = Array(0..<33) }),
        (.outOfBounds("offer.slots"), { $0.slots = [0, 1, 256] }),
        (.unsorted("offer.slots"), { $0.slots = [1, 0] }),
        (.unsorted("offer.slots"), { $0.slots = [0, 1, 1] }),
        (.unsorted("offer.free_slots"), { $0.freeSlots = [1, 0] }),
        (.contradiction("offer.free_slots"), { $0.freeSlots = [0, 2] }),
        (.outOfBounds("offer.largest_block"), { $0.largestBlock = 3 }),
        (.outOfBounds("price.unit"), { $0.price.unit = "" }),
        (.outOfBounds("price.unit"), { $0.price.unit = "thirteenchars" }),
        (.text("price.unit"), { $0.price.unit = "US$" }),
        (.outOfBounds("price.gpu_hour"), { $0.price.gpuHourMicros = 10_000_000_000_001 }),
        (.outOfBounds("price.gpu_hour"), { $0.price.gpuHourMicros = -1 }),
        (.outOfBounds("price.lowest_bid"), { $0.price.lowestBidMicros = 350_001 }),
        (.outOfBounds("price.storage_gib_month"), { $0.price.storageGibibyteMonthMicros = .max }),
        (.outOfBounds("price.traffic_gib"), { $0.price.trafficGibibyteMicros = .max }),
        (.missing("offer.modes"), { $0.modes = [] }),
        (.unsorted("offer.modes"), { $0.modes = [.interruptible, .onDemand] }),
        (.outOfBounds("offer.duration_min_s"), { $0.durationMinSeconds = 86_401 }),
        (.outOfBounds("offer.duration_max_s"), { ($0.durationMinSeconds, $0.durationMaxSeconds) = (0, 0) }),
        (.outOfBounds("offer.duration_max_s"), { $0.durationMaxSeconds = 90 * 86_400 + 1 }),
        (.outOfBounds("offer.notice_s"), { $0.noticeSeconds = 30 * 86_400 + 1 }),
        (.outOfBounds("offer.settlements"), { $0.settlements = [] }),
        (.outOfBounds("offer.settlements"), { $0.settlements = (1...9).map(String.init) }),
        (.outOfBounds("offer.settlements"), { $0.settlements = [String(repeating: "s", count: 33)] }),
        (.unsorted("offer.settlements"), { $0.settlements = ["manual", "credit"] }),
        (.contradiction("offer.award_window_s"), { $0.awardWindowSeconds = 1 }),
        (.outOfBounds("offer.award_window_s"), { $0.awardPolicy = .bestAtDeadline }),
        (.contradiction("offer.public_bids"), { $0.hasPublicBids = true }),
        (.outOfBounds("offer.x25519_key"), { $0.sealingKey = [1] }),
    ]

    @Test(arguments: brokenOffers.indices) func `an offer beyond its bounds is not signed`(index: Int) throws {
        var offer = RecordSamples.offer()
        let (error, breakOffer) = Self.brokenOffers[index]
        breakOffer(&offer)
        let record = try RecordSamples.signed(.offer(RecordSamples.offer()), by: RecordSamples.key(1), sequence: 1)
            .record
        var broken = record
        broken.body = .offer(offer)
        #expect(throws: error) { try broken.payload() }
    }

    static let brokenMachines: [(RecordError, @Sendable (inout MachineBody) -> Void)] = [
        (.outOfBounds("machine.devices"), { $0.devices = [] }),
        (.outOfBounds("machine.devices"), { $0.devices = [MachineBody.Device](repeating: $0.devices[0], count: 33) }),
        (.unsorted("machine.devices"), { $0.devices[1].slot = 0 }),
        (.outOfBounds("device.slot"), { $0.devices[1].slot = 256 }),
        (.outOfBounds("device.commitment"), { $0.devices[0].commitment = [] }),
        (.outOfBounds("device.catalogue_id"), { $0.devices[0].catalogueID = String(repeating: "x", count: 49) }),
        (.text("device.raw_name"), { $0.devices[0].rawName = "\u{1b}[31m" }),
        (.text("device.driver"), { $0.devices[0].driver = "\u{85}" }),
        (.outOfBounds("device.memory_mib"), { $0.devices[0].memoryMebibytes = 1 << 24 + 1 }),
        (.outOfBounds("host.cores"), { $0.host.coreCount = 65_537 }),
        (.outOfBounds("network.ports"), { $0.network.portCount = -1 }),
        (.outOfBounds("place.country"), { $0.place.country = "de" }),
        (.outOfBounds("place.continent"), { $0.place.continent = "EUR" }),
        (.outOfBounds("place.city"), { $0.place.city = String(repeating: "x", count: 65) }),
        (.outOfBounds("power.watts"), { $0.power.wattsPerDevice = 10_001 }),
        (.outOfBounds("machine.runtimes"), { $0.runtimes = (10..<27).map(String.init) }),
        (.unsorted("machine.runtimes"), { $0.runtimes = ["b", "a"] }),
    ]

    @Test(arguments: brokenMachines.indices) func `a machine beyond its bounds is not signed`(index: Int) throws {
        var machine = RecordSamples.machine()
        let (error, breakMachine) = Self.brokenMachines[index]
        breakMachine(&machine)
        let times = (RecordSamples.start, RecordSamples.start + RecordSamples.hour)
        let record = Record(
            network: "main",
            sequence: 1,
            issuedAt: times.0,
            expiresAt: times.1,
            body: .machine(machine)
        )
        #expect(throws: error) { try record.payload() }
    }

    @Test func `the header has bounds of its own`() throws {
        let good = try RecordSamples.signed(.offer(RecordSamples.offer()), by: RecordSamples.key(1), sequence: 1).record
        func error(_ change: (inout Record) -> Void) -> RecordError? {
            var record = good
            change(&record)
            do throws(RecordError) { _ = try record.payload() } catch { return error }
            return nil
        }
        #expect(error { $0.network = "" } == .text("record.network"))
        #expect(error { $0.network = "Main" } == .text("record.network"))
        #expect(error { $0.network = String(repeating: "n", count: 33) } == .text("record.network"))
        #expect(error { $0.sequence = 0 } == .outOfBounds("record.sequence"))
        #expect(error { $0.sequence = 1 << 63 } == .outOfBounds("record.sequence"))
        #expect(error { $0.sequence = 1 << 63 - 1 } == nil)
        #expect(error { $0.issuedAt = 0 } == .outOfBounds("record.issued_at"))
        #expect(error { $0.expiresAt = $0.issuedAt } == .outOfBounds("record.expires_at"))
        #expect(error { $0.expiresAt = $0.issuedAt + RecordSamples.day } == nil)
        #expect(error { $0.expiresAt = $0.issuedAt + RecordSamples.day + 1 } == .outOfBounds("record.expires_at"))
    }

    @Test func `presences and withdrawals have bounds too`() throws {
        func error(_ body: RecordBody) -> RecordError? {
            let times = (RecordSamples.start, RecordSamples.start + 1_000)
            let record = Record(network: "main", sequence: 1, issuedAt: times.0, expiresAt: times.1, body: body)
            do throws(RecordError) { _ = try record.payload() } catch { return error }
            return nil
        }
        func presence(_ change: (inout PresenceBody) -> Void) -> RecordError? {
            var body = Self.goldenPresence
            change(&body)
            return error(.presence(body))
        }
        #expect(presence { $0.highSequence = 1 << 63 } == .outOfBounds("presence.high_sequence"))
        #expect(presence { $0.offerCount = 65 } == .outOfBounds("presence.offer_count"))
        #expect(presence { $0.offerCount = 0 } == .contradiction("presence.offer_digest"))
        #expect(presence { $0.offerDigest = [] } == .contradiction("presence.offer_digest"))
        #expect(presence { $0.addresses = [[UInt8]](repeating: [1], count: 9) } == .outOfBounds("presence.addresses"))
        #expect(presence { $0.addresses = [[]] } == .outOfBounds("presence.addresses"))
        #expect(presence { $0.addresses = [[2], [1]] } == .unsorted("presence.addresses"))
        let id = RecordSamples.bytes16(1)
        let withdrawal = WithdrawalBody(subject: .offer(OfferID(id)), marketClass: .other, reason: 10_000)
        #expect(error(.withdrawal(withdrawal)) == .outOfBounds("withdrawal.reason"))
    }
}
