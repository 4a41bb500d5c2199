import Cryptography
import Primitives
import Testing

@testable import Market

@Suite struct `Provider desk` {
    var street = Street()

    @Test mutating func `nothing is signed before the node has caught up`() {
        street.tell(.publish(DeskRequestID(rawValue: 1), .example()))
        #expect(street.published.isEmpty)
        #expect(street.writes.isEmpty)
        street.tell(.caughtUp(isUnheard: false))
        #expect(street.writes.count == 1)
    }

    @Test mutating func `an offer is published only after it is durable`() throws {
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 7), .example()))
        #expect(street.published.isEmpty)
        street.commit()
        #expect(street.published.map(\.kind) == [.machine, .offer, .presence])
        let offer = try street.answer(7).get()
        #expect(offer.kind == .offer)
        #expect(offer.record.expiresAt - offer.record.issuedAt == 24 * 3_600_000)
    }

    @Test mutating func `sequences rise with everything that is signed and stay inside a durable block`() {
        street.open()
        for number in 1...5 {
            street.tell(.publish(DeskRequestID(rawValue: UInt64(number)), .example()))
            street.commit()
        }
        let sequences = street.published.map(\.record.sequence)
        #expect(sequences == sequences.sorted() && Set(sequences).count == sequences.count)
        #expect(sequences.allSatisfy { $0 <= street.reserved })
    }

    @Test mutating func `a failed write publishes nothing and leaves the shelf as it was`() {
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example()))
        street.fail()
        #expect(street.published.isEmpty)
        #expect(street.refusal(1) == .notDurable)
        #expect(street.desk.offers.isEmpty)
        street.tell(.publish(DeskRequestID(rawValue: 2), .example()))
        street.commit()
        #expect(street.desk.offers.count == 1)
    }

    @Test mutating func `offers and machines are signed anew at half their life`() {
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example()))
        street.commit()
        let first = street.published.filter { $0.kind == .offer }
        street.advance(by: .seconds(12 * 3600))
        let offers = street.published.filter { $0.kind == .offer }
        #expect(offers.count == 2)
        #expect(offers.last?.record.body == first.last?.record.body)
        #expect((offers.last?.record.expiresAt ?? 0) > (first.last?.record.expiresAt ?? 0))
        #expect(street.published.count { $0.kind == .machine } == 2)
    }

    @Test mutating func `a presence follows every ten minutes, give or take a fifth`() {
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example()))
        street.commit()
        street.advance(by: .seconds(3600))
        // The first is news; the others only say so again.
        #expect(street.published.count { $0.kind == .presence } == 1)
        #expect((5...7).contains(street.renewed.count) && street.renewed.allSatisfy { $0.kind == .presence })
    }

    @Test mutating func `a presence after half an hour of silence is news again`() {
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example()))
        street.commit()
        street.advance(by: .seconds(60))
        street.sleep(for: .seconds(2_000))
        #expect(street.published.count { $0.kind == .presence } == 2)
        #expect(street.renewed.isEmpty)
    }

    @Test mutating func `a withdrawal takes the offer's subject and the machine that nobody offers`() throws {
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example()))
        street.commit()
        let offer = try street.answer(1).get()
        let body = try #require(street.offerBody(offer))
        street.tell(.withdraw(DeskRequestID(rawValue: 2), body.offer, reason: 2001, keeping: []))
        street.commit()
        let withdrawal = try street.answer(2).get()
        #expect(withdrawal.subject == offer.subject)
        #expect(withdrawal.record.sequence > offer.record.sequence)
        #expect(withdrawal.record.expiresAt >= offer.record.expiresAt)
        #expect(street.published.count { $0.kind == .withdrawal } == 2)
        #expect(street.desk.offers.isEmpty)
        street.tell(.withdraw(DeskRequestID(rawValue: 3), body.offer, reason: 0, keeping: []))
        #expect(street.refusal(3) == .unknownOffer)
    }

    @Test mutating func `the same device is never put into two slots`() {
        street.open()
        for number in 1...2 {
            street.tell(.publish(DeskRequestID(rawValue: UInt64(number)), .example(uuids: ["GPU-1", "GPU-2"])))
            street.commit()
        }
        #expect(street.desk.ledger.machine(of: .nvidiaConsumer)?.devices.count == 2)
        #expect(street.desk.offers.count == 2)
    }

    @Test mutating func `a machine holds thirty-two devices and a class sixty-four offers`() {
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example(count: 33)))
        #expect(street.refusal(1) == .tooManyDevices(limit: 32))
        for number in 2...65 {
            street.tell(.publish(DeskRequestID(rawValue: UInt64(number)), .example(uuids: ["GPU-1"])))
            street.commit()
        }
        street.tell(.publish(DeskRequestID(rawValue: 66), .example(uuids: ["GPU-1"])))
        #expect(street.refusal(66) == .tooManyOffers(limit: 64))
    }

    @Test mutating func `an orderly stop says goodbye last`() {
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example()))
        street.commit()
        street.tell(.shutdown)
        while street.hasWrites { street.commit() }
        guard case .presence(let goodbye)? = street.published.last?.record.body else {
            Issue.record("the last word is no presence")
            return
        }
        #expect(goodbye.offerCount == 0 && goodbye.offerDigest.isEmpty && goodbye.addresses.isEmpty)
        #expect(street.saidGoodbye)
    }

    @Test mutating func `a restart goes on above the reserved block and keeps the offers`() throws {
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example()))
        street.commit()
        let before = try #require(street.published.map(\.record.sequence).max())
        var later = street.restarted()
        later.open()
        while later.hasWrites { later.commit() }
        #expect(later.desk.offers.count == 1)
        let presence = try #require(later.published.first { $0.kind == .presence })
        #expect(presence.record.sequence > before)
        #expect(presence.record.sequence > street.reserved)
    }

    @Test mutating func `records that peers remember raise the sequence of a restored home`() throws {
        let other = try street.foreignPresence(sequence: 4_000_000_000_000)
        street.tell(.ownRecordSeen(other))
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example()))
        street.commit()
        #expect(street.published.allSatisfy { $0.record.sequence > 4_000_000_000_000 })
    }

    /// A lease that a restored home has forgotten must not make its next one a proof.
    @Test(arguments: ["a higher number", "nobody's answer", "the operator's word", "nothing"])
    func `a home that may have forgotten something lets its devices under new machine ids`(reason: String) throws {
        var street = Street()
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example(count: 2)))
        street.commit()
        let before = try #require(street.desk.offers.first.flatMap(street.offerBody))
        var later = street.restarted()
        if reason == "a higher number" {
            later.tell(.ownRecordSeen(try later.foreignPresence(sequence: later.reserved + 5)))
        }
        later.tell(.caughtUp(isUnheard: reason == "nobody's answer"))
        if reason == "the operator's word" {
            later.tell(.ownRecordSeen(try later.foreignPresence(sequence: later.reserved + 1_000_000)))
            later.tell(.resumeSigning)
        }
        while later.hasWrites { later.commit() }
        let after = try #require(later.desk.offers.first.flatMap(later.offerBody))
        #expect(after.offer == before.offer && after.slots == before.slots)
        #expect((after.machine == before.machine) == (reason == "nothing"))
        guard reason != "nothing" else { return }
        #expect(
            later.published.contains { $0.subject == .machine(before.machine, of: $0.author) && $0.kind == .withdrawal }
        )
        #expect(
            later.published.contains { $0.subject == .machine(after.machine, of: $0.author) && $0.kind == .machine }
        )
        // Once is enough: the next start has nothing to forget.
        var last = later.restarted()
        last.open()
        #expect(try #require(last.desk.offers.first.flatMap(last.offerBody)).machine == after.machine)
    }

    @Test mutating func `a record of ours that we did not sign stops the signing until the operator resumes it`() throws
    {
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example()))
        street.commit()
        street.tell(.ownRecordSeen(try street.foreignPresence(sequence: street.reserved + 1)))
        #expect(street.signingStopped)
        street.tell(.publish(DeskRequestID(rawValue: 2), .example()))
        #expect(street.refusal(2) == .signingStopped)
        street.tell(.resumeSigning)
        street.tell(.publish(DeskRequestID(rawValue: 3), .example()))
        while street.hasWrites { street.commit() }
        #expect(throws: Never.self) { try street.answer(3).get() }
    }

    @Test mutating func `while the clock is in doubt nothing is signed, and afterwards all that was due is`() throws {
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example()))
        while street.hasWrites { street.commit() }
        let before = street.published.count
        street.tell(.clockDoubted)
        #expect(!street.desk.isSigning && street.desk.nextDeadline == nil)
        street.tell(.publish(DeskRequestID(rawValue: 2), .example()))
        #expect(street.refusal(2) == .clockDoubted)
        street.tell(.sign(DeskRequestID(rawValue: 3), .receipt(RecordSamples.receipt()), expiresAt: .max))
        #expect(street.refusal(3) == .clockDoubted)
        street.tell(.deadlineReached)
        #expect(street.published.count == before && !street.hasWrites)
        street.tell(.clockTrusted)
        #expect(street.desk.isSigning && street.published.count > before)
        street.tell(.publish(DeskRequestID(rawValue: 4), .example()))
        while street.hasWrites { street.commit() }
        #expect(throws: Never.self) { try street.answer(4).get() }
        street.tell(.clockDoubted)
        street.tell(.ownRecordSeen(try street.foreignPresence(sequence: street.reserved + 1)))
        street.tell(.clockTrusted)
        #expect(street.signingStopped && !street.desk.isSigning, "a copied key is the worse news")
    }

    @Test mutating func `what other parts sign has a number of the same row, is durable first and is not published`()
        throws
    {
        let receipt = RecordBody.receipt(RecordSamples.receipt())
        let request = DeskRequestID(rawValue: 9)
        street.tell(.sign(request, receipt, expiresAt: .max))
        #expect(street.refusal(9) == .signingNotYet)
        street.open()
        street.tell(.sign(DeskRequestID(rawValue: 10), receipt, expiresAt: .max))
        street.commit()
        let record = try street.answer(10).get()
        #expect(record.kind == .receipt && street.published.isEmpty && record.record.sequence <= street.reserved)
        street.tell(.sign(DeskRequestID(rawValue: 11), receipt, expiresAt: .max))
        #expect(try street.answer(11).get().record.sequence > record.record.sequence)
    }

    @Test mutating func `statements that wait for their numbers are bounded, and those that wait are signed`() throws {
        let receipt = RecordBody.receipt(RecordSamples.receipt())
        let countMax = ProviderDesk.heldAnswerCountMax
        street.open()
        for number in 1...countMax + 1 {
            street.tell(.sign(DeskRequestID(rawValue: UInt64(number)), receipt, expiresAt: .max))
        }
        #expect(street.refusal(UInt64(countMax) + 1) == .tooManyRequests && street.writes.count == countMax)
        while street.hasWrites { street.commit() }
        let sequences = try (1...countMax).map { try street.answer(UInt64($0)).get().record.sequence }
        #expect(zip(sequences, sequences.dropFirst()).allSatisfy { $0 < $1 })
        street.tell(.sign(DeskRequestID(rawValue: 9_999), receipt, expiresAt: .max))
        #expect(try street.answer(9_999).get().record.sequence > sequences[countMax - 1])
    }

    @Test mutating func `our own records coming back are no alarm`() {
        street.open()
        street.tell(.publish(DeskRequestID(rawValue: 1), .example()))
        street.commit()
        for record in street.published { street.tell(.ownRecordSeen(record)) }
        #expect(!street.signingStopped)
    }
}

/// The world around one desk: a disk that commits when told, and a street that hears what is published.
struct Street {
    private static let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 5, count: 32))
    private static let epoch: Int64 = 1_767_225_600_000

    private(set) var desk: ProviderDesk
    private(set) var published: [SignedRecord] = []
    private(set) var renewed: [SignedRecord] = []
    private(set) var writes: [(DeskTicket, [DeskChange])] = []
    private(set) var reserved: UInt64 = 0
    private(set) var saidGoodbye = false
    private(set) var signingStopped = false
    private var stored: [SubjectKey: SignedRecord] = [:]
    private var answers: [UInt64: Result<SignedRecord, DeskRefusal>] = [:]
    private var now = Instant.zero

    init() {
        self.init(reserved: 0, stored: [:], at: .zero)
    }

    private init(reserved: UInt64, stored: [SubjectKey: SignedRecord], at now: Instant) {
        let config = DeskConfig(network: "test", recordLifetime: .seconds(86_400), presenceInterval: .seconds(600))
        desk = ProviderDesk(
            config: config,
            key: Self.key,
            secrets: DeskSecrets(salt: Array(repeating: 1, count: 32), sealingKey: Array(repeating: 2, count: 32)),
            reservedSequence: reserved,
            records: Array(stored.values),
            random: SeededRandom(seed: Array(repeating: 3, count: 32))
        )
        (self.reserved, self.stored, self.now) = (reserved, stored, now)
        tell(.clock(unixMilliseconds: Self.epoch + now.nanoseconds / 1_000_000))
    }

    var hasWrites: Bool { !writes.isEmpty }

    mutating func open() { tell(.caughtUp(isUnheard: false)) }

    mutating func tell(_ input: ProviderDesk.Input) {
        var outputs: [ProviderDesk.Output] = []
        desk.handle(input, at: now, into: &outputs)
        desk.checkInvariants()
        for output in outputs {
            switch output {
            case .persist(let ticket, let changes): writes.append((ticket, changes))
            case .publish(let record): published.append(record)
            case .renew(let record): renewed.append(record)
            case .answered(let request, let result): answers[request.rawValue] = result
            case .signingStopped: signingStopped = true
            case .saidGoodbye: saidGoodbye = true
            }
        }
    }

    mutating func commit() {
        guard !writes.isEmpty else { return }
        let (ticket, changes) = writes.removeFirst()
        for change in changes {
            switch change {
            case .reserveSequences(let number): reserved = max(reserved, number)
            case .put(let record): stored[record.subject] = record
            case .delete(let subject): stored[subject] = nil
            }
        }
        tell(.persisted(ticket))
    }

    mutating func fail() {
        guard !writes.isEmpty else { return }
        tell(.persistFailed(writes.removeFirst().0))
    }

    /// Lets virtual time pass, with a disk that commits at once.
    mutating func advance(by duration: Duration) {
        let end = now.advanced(by: duration)
        while let deadline = desk.nextDeadline, deadline <= end {
            now = max(now, deadline)
            tell(.deadlineReached)
            while hasWrites { commit() }
        }
        now = end
    }

    /// Time passes while the machine stands still, as when a laptop is shut.
    mutating func sleep(for duration: Duration) {
        now = now.advanced(by: duration)
        tell(.deadlineReached)
        while hasWrites { commit() }
    }

    func restarted() -> Street { Street(reserved: reserved, stored: stored, at: now) }

    func answer(_ request: UInt64) throws -> Result<SignedRecord, DeskRefusal> { try #require(answers[request]) }

    func refusal(_ request: UInt64) -> DeskRefusal? {
        if case .failure(let refusal) = answers[request] { refusal } else { nil }
    }

    func offerBody(_ record: SignedRecord) -> OfferBody? {
        if case .offer(let body) = record.record.body { body } else { nil }
    }

    /// What a copy of the home elsewhere would sign.
    func foreignPresence(sequence: UInt64) throws -> SignedRecord {
        let body = PresenceBody(
            marketClass: .amdConsumer,
            highSequence: 0,
            offerCount: 0,
            offerDigest: [],
            addresses: []
        )
        let record = Record(
            network: "test",
            sequence: sequence,
            issuedAt: Self.epoch,
            expiresAt: Self.epoch + 60_000,
            body: .presence(body)
        )
        return try SignedRecord(signing: record, by: Self.key)
    }
}

extension OfferDraft {
    fileprivate static func example(count: Int = 1) -> OfferDraft {
        example(uuids: Array(repeating: nil, count: count))
    }

    fileprivate static func example(uuids: [String?]) -> OfferDraft {
        let devices = uuids.map {
            DeviceDraft(uuid: $0, catalogueID: "rtx-4090", marketClass: .nvidiaConsumer, memoryMebibytes: 24_576)
        }
        return OfferDraft(devices: devices, terms: OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: 350_000)))
    }
}
