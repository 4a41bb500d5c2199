import Cryptography
import Market
import Primitives
import Testing

/// A counter with its disk and its signing desk, which may lose power between any two steps.
struct CounterStreet {
    typealias S = RecordSamples

    static let provider = S.key(1)
    var counter: ProviderCounter
    /// What is durable, as the disk has it.
    var disk = CounterFacts()
    var now = Instant.zero
    var policy = CounterPolicy()
    var sequence: UInt64 = 1
    /// Everything that ever left the house.
    var leased: [SignedRecord] = []
    var replies: [(conversation: UInt64, content: MarketMessage.Content)] = []
    var reclaims: [LeaseID] = []
    var free: [OfferID: [Int]] = [:]
    var offer: OfferBody
    /// Steps after which the power goes; `nil` for never.
    var stepsLeft: Int?
    var failsWrites = false

    init(offer: OfferBody = S.offer(), policy: CounterPolicy = CounterPolicy()) throws {
        (self.offer, self.policy) = (offer, policy)
        counter = ProviderCounter(
            key: Self.provider.publicKey,
            network: S.network,
            policy: policy,
            facts: CounterFacts()
        )
        try open()
    }

    var wall: Int64 { S.start + now.nanoseconds / 1_000_000 }

    mutating func open() throws {
        sequence += 1
        let record = try S.signed(.offer(offer), by: Self.provider, sequence: sequence)
        handle(.clock(unixMilliseconds: wall))
        handle(.offer(record))
    }

    mutating func restart() throws {
        counter = ProviderCounter(key: Self.provider.publicKey, network: S.network, policy: policy, facts: disk)
        stepsLeft = nil
        try open()
    }

    var isDark: Bool { stepsLeft.map { $0 <= 0 } ?? false }

    mutating func handle(_ input: ProviderCounter.Input) {
        guard !isDark else { return }
        var outputs: [ProviderCounter.Output] = []
        counter.handle(input, at: now, into: &outputs)
        counter.checkInvariants()
        for output in outputs {
            if isDark { return }
            if let left = stepsLeft { stepsLeft = left - 1 }
            perform(output)
        }
    }

    private mutating func perform(_ output: ProviderCounter.Output) {
        switch output {
        case .reply(let conversation, let content): replies.append((conversation.rawValue, content))
        case .persist(let ticket, let changes):
            if failsWrites {
                handle(.persistFailed(ticket))
            } else {
                for change in changes { disk.apply(change) }
                handle(.persisted(ticket))
            }
        case .sign(let ticket, let body, let expiresAt):
            sequence += 1
            let record = Record(
                network: S.network,
                sequence: sequence,
                issuedAt: wall,
                expiresAt: expiresAt,
                body: body
            )
            if let signed = try? SignedRecord(signing: record, by: Self.provider) {
                handle(.signed(ticket, signed))
            } else {
                handle(.signFailed(ticket))
            }
        case .leased(let record, _): leased.append(record)
        case .freeSlots(let offer, let slots): free[offer] = slots
        case .reclaim(let lease, _): reclaims.append(lease)
        }
    }

    mutating func advance(_ milliseconds: Int64) {
        let end = now.advanced(by: .milliseconds(milliseconds))
        while !isDark, let due = counter.nextDeadline, due <= end {
            now = max(now.advanced(by: .milliseconds(1)), due)
            handle(.deadlineReached)
        }
        now = max(now, end)
    }

    /// A renter's bid, as it comes in.
    func bid(
        _ number: Int,
        by renter: Int,
        count: Int = 1,
        slots: [Int] = [],
        price: Int64 = 350_000,
        seconds: Int = 3_600,
        validFor: Int64 = 55_000,
        unit: String = "USD"
    ) throws -> SignedRecord {
        let body = BidBody(
            bid: BidID(S.bytes16(number)),
            marketClass: offer.marketClass,
            counterparty: Self.provider.publicKey,
            offer: offer.offer,
            targetRecord: RecordID([UInt8](repeating: 1, count: 32)) ?? { preconditionFailure("32 bytes") }(),
            slots: slots,
            count: count,
            unit: unit,
            gpuHourMicros: price,
            durationSeconds: seconds,
            startBy: wall + validFor,
            validUntil: wall + validFor,
            termsHash: [UInt8](repeating: 5, count: 32),
            auctionDeadline: validFor > 60_000 ? wall + validFor : 0
        )
        return try S.signed(.bid(body), by: S.key(renter), sequence: 1, at: wall - S.start, for: validFor)
    }

    /// Says a bid and returns the last answer to it.
    mutating func say(
        _ number: Int,
        by renter: Int,
        _ record: SignedRecord,
        group: UInt64? = nil
    ) -> MarketMessage.Content? {
        let conversation = CounterConversation(rawValue: UInt64(number))
        let group = group ?? UInt64(1_000 + renter)
        handle(.bid(conversation, from: S.key(renter).publicKey, group: group, record, sealedTerms: [1, 2]))
        return answer(number)
    }

    func answer(_ number: Int) -> MarketMessage.Content? {
        replies.last { $0.conversation == UInt64(number) }?.content
    }

    func award(_ number: Int) -> LeaseAward? {
        for reply in replies.reversed() where reply.conversation == UInt64(number) {
            if case .award(let award) = reply.content { return award }
        }
        return nil
    }

    mutating func accept(_ number: Int, by renter: Int, _ award: LeaseAward) {
        let until = min(award.heldUntil, wall + 20_000)
        let acceptance = LeaseAcceptance(accepting: award.body, network: S.network, until: until, by: S.key(renter))
        handle(
            .accept(
                CounterConversation(rawValue: UInt64(number)),
                from: S.key(renter).publicKey,
                award.body.bid,
                acceptance
            )
        )
    }

    /// Renter 2 bids for one device, is awarded it and accepts.
    mutating func rent(_ number: Int, slot: Int) throws -> LeaseBody {
        _ = say(number, by: 2, try bid(number, by: 2, slots: [slot]))
        let award = try #require(self.award(number))
        accept(number, by: 2, award)
        return award.body
    }

    mutating func close(_ lease: LeaseBody, _ code: CloseCode = .done, by key: Int = 1) throws {
        let body = LeaseStateBody(
            lease: lease.lease,
            marketClass: lease.marketClass,
            provider: lease.provider,
            standing: .closed,
            code: code,
            endAt: lease.endAt
        )
        handle(.closed(try S.signed(.leaseState(body), by: S.key(key), sequence: 9, at: wall - S.start, for: S.hour)))
    }

    func refusal(_ number: Int) -> Refusal? {
        guard case .refusal(let refusal)? = answer(number) else { return nil }
        return refusal
    }
}
