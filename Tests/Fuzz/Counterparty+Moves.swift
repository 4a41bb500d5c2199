import Cryptography
import Identity
@testable import Market
@testable import Node
import OrderedCollections
import Primitives
import Swarm

// What the counterparty says, as renter, as provider, and of leases that are.
extension Counterparty {
    static let terms = LeaseTerms(image: "pytorch:2", environment: ["A=b"])
    static let salt = [UInt8](repeating: 3, count: LeaseTerms.Bounds.saltByteCount)

    // MARK: As renter

    mutating func bid(_ twists: Twists) {
        let (owner, wall) = (LeaseVictim.key.publicKey, victim.wall)
        let count = twists.int(0, 1)
        let body = BidBody(
            bid: twists.touch(1) ? bids.last?.bid ?? draw() : draw(),
            marketClass: twists.touch(2) ? .amdConsumer : .nvidiaConsumer,
            counterparty: owner,
            offer: MarketSamples.offerID,
            target: twists.touch(3) ? .request(MarketSamples.requestID) : .offer,
            targetRecord: MarketSamples.recordID,
            slots: twists.touch(4) ? (0..<min(count, 64)).map { twists.int(4, 0) &+ $0 } : [],
            count: count,
            unit: twists.touch(5) ? "EUR" : "USD",
            gpuHourMicros: twists.number(6, 360_000),
            durationSeconds: twists.int(7, 600),
            startBy: twists.number(8, wall + 60_000),
            validUntil: twists.number(9, wall + 55_000),
            termsHash: Self.terms.hash(salt: Self.salt),
            auctionDeadline: twists.number(10, 0)
        )
        let sealed = Self.terms.sealed(
            bid: body.bid,
            from: Self.key.publicKey,
            to: owner,
            sealingKey: LeaseVictim.sealing.publicKey,
            salt: Self.salt,
            ephemeralSecret: Array(repeating: 6, count: 32)
        )
        guard let record = sign(.bid(body)) else { return }
        bids.append(body)
        say(.bid(envelope: record.envelope, sealedTerms: twists.touch(11) ? [1, 2, 3] : sealed ?? []))
    }

    mutating func accept(_ twists: Twists) {
        guard let award = awards.last else { return }
        let until = twists.number(0, victim.wall + 20_000)
        let signer = twists.touch(1) ? LeaseVictim.key : Self.key
        let acceptance = LeaseAcceptance(accepting: award, network: "main", until: until, by: signer)
        say(.accept(award.bid, acceptance))
    }

    mutating func promise(_ twists: Twists) {
        guard let lease else { return }
        let voucher = Voucher(
            lease: lease.lease,
            nonce: UInt64(twists.number(0, victim.wall)),
            amountMicros: twists.number(1, lease.capMicros / 2),
            tickHash: twists.touch(2) ? [] : ticks.last?.hash(network: "main") ?? Array(repeating: 0, count: 32)
        )
        // A renter is shown a word of its own, as one that it has forgotten.
        let isShown = lease.provider == Self.key.publicKey
        let signer = isShown != twists.touch(3) ? LeaseVictim.key : Self.key
        say(.voucher(voucher.signed(network: "main", by: signer)))
    }

    // MARK: As provider

    /// Answers the newest question of the victim, or one before it, rightly or with something else.
    mutating func answer(_ script: inout Script) {
        guard !questions.isEmpty else { return }
        let question = questions[questions.count - 1 - script.below(questions.count)]
        let kind = script.below(6)
        let twists = Twists(&script)
        let content: MarketMessage.Content? =
            switch (kind, question.message.content) {
            case (0, .bid(let envelope, _)): award(for: envelope, twists)
            case (0, .accept(_, let acceptance)): lease(accepted: acceptance, twists)
            case (0, .receipt(let envelope)):
                (try? SignedRecord(envelope: envelope)).flatMap { countersignature(of: $0) }
            case (0, _), (1, _): .done
            case (2, _): .refusal(Refusal(.tooManyBids, nearestMicros: twists.number(0, 0), retryMilliseconds: 1))
            case (3, _): .lease(envelope: leases.last?.envelope ?? [1])
            case (4, _): .countersignature(envelope: words.last?.envelope ?? [1])
            default: .award(LeaseAward(body: MarketSamples.lease, heldUntil: victim.wall + 10_000, pasts: []))
            }
        if let content { say(content, as: question.message.id, on: question.stream) }
    }

    private mutating func award(for envelope: [UInt8], _ twists: Twists) -> MarketMessage.Content? {
        guard let record = try? SignedRecord(envelope: envelope), case .bid(let bid) = record.record.body else {
            return nil
        }
        var price = PriceTerms(unit: bid.unit, gpuHourMicros: bid.gpuHourMicros, lowestBidMicros: bid.gpuHourMicros)
        price.gpuHourMicros = twists.number(0, price.gpuHourMicros)
        let start = twists.number(1, victim.wall)
        let past = twists.touch(2) ? lease?.lease : nil
        var body = LeaseBody(
            marketClass: bid.marketClass,
            machine: MarketSamples.machineID,
            offer: bid.offer,
            provider: Self.key.publicKey,
            renter: record.author,
            bid: bid.bid,
            slots: (0..<min(32, bid.count)).map { .init(number: twists.int(3, 0) &+ $0, previous: past) },
            startAt: start,
            endAt: twists.number(4, start &+ Int64(bid.durationSeconds) * 1_000),
            price: price,
            capMicros: 0,
            mode: .onDemand,
            meterSeconds: twists.int(5, 60),
            exposureMicros: twists.number(6, 1_000),
            noticeSeconds: twists.int(7, 0),
            settlement: twists.touch(8) ? "exec" : "credit",
            termsHash: bid.termsHash
        )
        body.capMicros = RecordAmount.microsMax
        body.capMicros = twists.number(9, body.cost(ofMilliseconds: Int64(bid.durationSeconds) * 1_000))
        awards.append(body)
        let pasts = past == nil ? [] : [LeaseAward.Past(lease: leases.last?.envelope ?? [1])]
        return .award(LeaseAward(body: body, heldUntil: twists.number(10, victim.wall + 10_000), pasts: pasts))
    }

    private mutating func lease(accepted: LeaseAcceptance, _ twists: Twists) -> MarketMessage.Content? {
        guard var body = awards.last(where: { $0.provider == Self.key.publicKey }) else { return nil }
        body.capMicros = twists.number(0, body.capMicros)
        let lease = RecordBody.lease(AcceptedLease(body: body, acceptance: accepted))
        let endAt = min(body.endAt, victim.wall + LeaseBody.Bounds.durationMillisecondsMax)
        guard let record = sign(lease, expiresAt: LeaseBody.expiryMax(endAt: endAt)) else { return nil }
        leases.append(record)
        return .lease(envelope: record.envelope)
    }

    mutating func tick(_ twists: Twists) {
        guard let lease else { return }
        let tick = MeterTick(
            lease: lease.lease,
            number: UInt64(twists.number(0, victim.wall)),
            activeMilliseconds: twists.number(1, max(0, victim.wall - lease.startAt)),
            owedMicros: twists.number(2, lease.cost(ofMilliseconds: victim.wall - lease.startAt))
        )
        ticks = ticks.suffix(3) + [tick]
        say(.tick(tick.signed(network: "main", by: Self.key)))
    }

    mutating func notice(_ twists: Twists) {
        if let lease { say(.notice(lease.lease, at: twists.number(0, victim.wall + 60_000))) }
    }

    // MARK: Words on leases

    mutating func state(_ script: inout Script) {
        guard let lease else { return }
        let standing = LeaseStanding.allCases[script.below(4)]
        let twists = Twists(&script)
        let code = CloseCode(rawValue: twists.int(0, lease.provider == Self.key.publicKey ? 2_000 : 1_000))
        let body = LeaseStateBody(
            lease: lease.lease,
            marketClass: lease.marketClass,
            provider: lease.provider,
            standing: standing,
            code: standing == .closed ? code : nil,
            endAt: twists.number(1, lease.endAt)
        )
        guard let record = sign(.leaseState(body)) else { return }
        words.append(record)
        say(.state(envelope: record.envelope))
    }

    mutating func receipt(_ twists: Twists) {
        guard let lease else { return }
        let body = ReceiptBody(
            lease: lease.lease,
            marketClass: lease.marketClass,
            renter: lease.renter,
            readySeconds: twists.int(0, 0),
            activeSeconds: twists.int(1, 0),
            unit: twists.touch(2) ? "EUR" : lease.price.unit,
            owedMicros: twists.number(3, 0),
            paidMicros: twists.number(4, 0),
            code: .reclaimed,
            voucherHash: twists.touch(5) || twists.touch(4) ? Array(repeating: 1, count: 32) : [],
            settlement: lease.settlement
        )
        guard let record = sign(.receipt(body)) else { return }
        words.append(record)
        say(.receipt(envelope: record.envelope))
    }

    /// Signs under the newest receipt that it knows, unasked.
    mutating func countersign() {
        guard let receipt = words.last(where: { $0.kind == .receipt }), let body = CountersignatureBody(receipt),
            let record = sign(.countersignature(body))
        else { return }
        words.append(record)
        victim.feed(.seen(record))
    }

    private mutating func countersignature(of receipt: SignedRecord) -> MarketMessage.Content? {
        guard let body = CountersignatureBody(receipt), let record = sign(.countersignature(body)) else { return nil }
        words.append(record)
        return .countersignature(envelope: record.envelope)
    }

    mutating func held(_ twists: Twists) {
        guard let lease = leases.last else { return }
        let words = words.suffix(twists.touch(0) ? MarketMessage.heldWordCountMax : 1).map(\.envelope)
        say(.held(envelope: twists.touch(1) ? words.first ?? [1] : lease.envelope, words: words))
    }

    /// What gossip brings.
    mutating func seen(_ script: inout Script) {
        if script.below(2) == 0, let lease = leases.last {
            victim.feed(.found(lease, words: words.suffix(script.below(4))))
        } else if let word = words.last(where: \.speaksOfLease) {
            victim.feed(.seen(word))
        }
    }

    // MARK: What the victim's operator does meanwhile

    mutating func place(_ twists: Twists) {
        guard let offer = MarketSamples.offer(by: Self.key) else { return }
        var wish = BidWish(
            offer: ListingID(provider: Self.key.publicKey, offer: MarketSamples.offerID),
            count: 1 + twists.int(0, 0) % 4,
            gpuHourMicros: nil,
            durationSeconds: 60 + twists.int(1, 540) % 3_600,
            terms: Self.terms
        )
        wish.isPublic = twists.touch(2)
        victim.feed(.place(CommandID(rawValue: 1), wish, offer, waits: false))
    }

    mutating func command(_ script: inout Script) {
        let id = CommandID(rawValue: 2)
        let kind = script.below(5)
        if kind == 4, let bid = victim.machine.bids.keys.last { return victim.feed(.cancelBid(id, bid)) }
        guard let lease = lease?.lease else { return }
        switch kind {
        case 0: victim.feed(.ready(id, lease))
        case 1: victim.feed(.close(id, lease, script.below(2) == 0 ? .done : .maintenance))
        case 2:
            let nonce = victim.settlements.last?.settlement.key.nonce
            victim.feed(.settle(id, lease, nonce: nonce, .settled(reference: "P-1")))
        default: victim.feed(.settle(id, lease, nonce: nil, .failed(complaint: "no")))
        }
    }

    mutating func trouble(_ kind: Int) {
        switch kind {
        case 0: victim.isDiskBroken.toggle()
        case 1: victim.isKeyBroken.toggle()
        case 2: victim.isPeerAway.toggle()
        case 3: victim.feed(.offerWithdrawn(MarketSamples.offerID))
        case 4: if let offer = MarketSamples.offer(by: LeaseVictim.key) { victim.feed(.offer(offer)) }
        case 5: victim.feed(.shutdown)
        case 6: victim.feed(.clock(unixMilliseconds: victim.wall - 3_600_000))
        default: victim.feed(.clock(unixMilliseconds: victim.wall))
        }
    }
}
