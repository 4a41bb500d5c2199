public import Cryptography
public import Primitives
internal import OrderedCollections

/// What a renter wants of one offer.
public struct BidDraft: Hashable, Sendable {
    public var offer: SignedRecord
    public var slots: [Int] = []
    public var count: Int
    public var gpuHourMicros: Int64
    public var durationSeconds: Int
    public var terms: LeaseTerms
    /// Owing more than this at once is refused; the lease's exposure limit may not be above it.
    public var exposureMicrosMax: Int64
    /// How long the bid binds, not counting an auction's time.
    public var patienceMilliseconds = RenterDesk.validityMilliseconds
    /// How long the provider may take for its award, and then for the lease; `nil` for as long as the bid and the acceptance bind.
    public var answerMilliseconds: Int64?

    public init(
        offer: SignedRecord,
        slots: [Int] = [],
        count: Int,
        gpuHourMicros: Int64,
        durationSeconds: Int,
        terms: LeaseTerms,
        exposureMicrosMax: Int64 = 10_000_000
    ) {
        self.offer = offer
        self.slots = slots
        self.count = count
        self.gpuHourMicros = gpuHourMicros
        self.durationSeconds = durationSeconds
        self.terms = terms
        self.exposureMicrosMax = exposureMicrosMax
    }
}

/// Why a bid came to nothing.
public enum BidFailure: Error, Hashable, Sendable {
    case refused(Refusal)
    /// The award is not what was bid for; the field says where.
    case wrongAward(String)
    /// A slot's last lease has neither ended nor been closed, or is not shown.
    case slotTaken(Int)
    /// By more than two minutes.
    case clocksDiffer
    /// The bid was taken back.
    case noAnswer
    /// The acceptance was sent, and what came of it is not known yet: a lease may.
    case uncertain
    /// By the bidder.
    case cancelled
    /// The node did not sign the bid.
    case notSigned(DeskRefusal)
    case notDurable
    case invalid(RecordError)
    case tooManyBids

    fileprivate var isRefusal: Bool {
        if case .refused = self { true } else { false }
    }
}

/// One durable step of the renter's desk.
public enum RenterChange: Hashable, Sendable {
    /// The bid is on its way: a lease may come of it.
    case putBid(SignedRecord)
    /// Nothing can come of it any more.
    case dropBid
    /// Its provider says so of an acceptance that it has: if it shows a lease nevertheless, nobody wants that any more.
    case renounceBid
    case putLease(SignedRecord)
}

/// The renter's side: bids, waits, reads the award with care, accepts, and holds the lease.
///
/// The bid is written while it travels, and durable before the acceptance of its award is sent: after a crash the renter knows
/// whom to ask what came of it. The acceptance binds for twenty seconds at most; then, or when the provider has said no, the
/// bid is forgotten.
public struct RenterDesk: Sendable {
    /// Bids under way.
    public static let bidCountMax = 256
    /// A lost question is asked again after this, and each time later.
    static let retryInterval = Duration.seconds(3)
    /// After so many it is asked once a minute: an auction may last for a day, and its bidders must be reached at the end.
    static let attemptCountMax = 5
    static let reminderInterval = Duration.seconds(60)
    /// How long an award may take before the renter's own word would lapse.
    public static let validityMilliseconds: Int64 = 55_000
    public static let acceptanceMilliseconds: Int64 = 20_000

    public enum Input: Sendable {
        case clock(unixMilliseconds: Int64)
        /// The bid's id comes from the owner's stream of random numbers, as do the salt and the box's key, 32 bytes each.
        case place(BidID, BidDraft, salt: [UInt8], ephemeralSecret: [UInt8])
        case signed(BidID, SignedRecord)
        case signFailed(BidID, DeskRefusal)
        /// What the provider answered to this bid.
        case answer(BidID, from: Ed25519.PublicKey, MarketMessage.Content)
        case persisted(BidID)
        case persistFailed(BidID)
        /// The provider is there again: it may have forgotten what it was asked.
        case met(Ed25519.PublicKey)
        case cancel(BidID)
        case deadlineReached
    }

    public enum Output: Sendable {
        /// Comes back as `signed` or `signFailed`.
        case sign(BidID, RecordBody, expiresAt: Int64)
        /// A request to the provider; the answer comes back as `answer`.
        case send(BidID, to: Ed25519.PublicKey, MarketMessage.Content)
        /// Comes back as `persisted` or `persistFailed`.
        case persist(BidID, [RenterChange])
        /// The lease binds; both signatures were checked. Its write is on the way, and the bid on the disk until that is done.
        case leased(BidID, SignedRecord)
        /// An acceptance is out, and what came of it unknown: the bid stays on the disk until the owner has found out.
        ///
        /// `failed` follows.
        case lost(BidID)
        case failed(BidID, BidFailure)
    }

    enum Stage: Sendable {
        case signing
        case bidding(MarketMessage.Content)
        /// The acceptance waits for the bid to be durable.
        case accepting(LeaseBody, LeaseAcceptance)
        case accepted(LeaseBody, LeaseAcceptance)
    }

    struct Bid: Sendable {
        let draft: BidDraft
        let body: BidBody
        let provider: Ed25519.PublicKey
        let sealedTerms: [UInt8]
        var stage: Stage
        var isDurable = false
        var attempts = 0
        var askAgainAt: Instant?
        var endsAt: Int64
    }

    let key: Ed25519.PrivateKey
    let network: String
    var clock = WallClock()
    var bids: OrderedDictionary<BidID, Bid> = [:]

    /// A desk with no bid under way.
    ///
    /// Bids that were stored before a restart are the owner's to ask about.
    public init(key: Ed25519.PrivateKey, network: String) {
        (self.key, self.network) = (key, network)
    }

    /// Bids under way.
    public var bidCount: Int { bids.count }

    /// Whether an award of this lease is being accepted.
    public func expects(_ lease: LeaseID) -> Bool {
        bids.values.contains { bid in
            switch bid.stage {
            case .accepting(let body, _), .accepted(let body, _): body.lease == lease
            case .signing, .bidding: false
            }
        }
    }

    public var nextDeadline: Instant? {
        bids.values.compactMap { bid in
            earliest(bid.askAgainAt, clock.instant(atUnixMilliseconds: bid.endsAt))
        }.min()
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .clock(let unixMilliseconds): _ = clock.set(unixMilliseconds: unixMilliseconds, at: now)
        case .place(let id, let draft, let salt, let secret):
            place(id, draft, salt: salt, ephemeralSecret: secret, at: now, into: &outputs)
        case .signed(let id, let record): signed(id, record, at: now, into: &outputs)
        case .signFailed(let id, let refusal): fail(id, .notSigned(refusal), into: &outputs)
        case .answer(let id, let provider, let content):
            guard bids[id]?.provider == provider else { return }
            answered(id, content, at: now, into: &outputs)
        case .persisted(let id): persisted(id, at: now, into: &outputs)
        case .persistFailed(let id): fail(id, .notDurable, into: &outputs)
        case .met(let provider):
            for (id, bid) in bids where bid.provider == provider { ask(id, at: now, into: &outputs) }
        case .cancel(let id):
            fail(id, .cancelled, into: &outputs)
        case .deadlineReached: expire(at: now, into: &outputs)
        }
    }

    private mutating func place(
        _ id: BidID,
        _ draft: BidDraft,
        salt: [UInt8],
        ephemeralSecret: [UInt8],
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard bids[id] == nil else { return }
        guard bids.count < Self.bidCountMax else {
            outputs.append(.failed(id, .tooManyBids))
            return
        }
        let wall = clock.unixMilliseconds(at: now)
        let provider = draft.offer.author
        guard case .offer(let offer) = draft.offer.record.body,
            let box = draft.terms.sealed(
                bid: id,
                from: key.publicKey,
                to: provider,
                sealingKey: offer.sealingKey,
                salt: salt,
                ephemeralSecret: ephemeralSecret
            )
        else {
            outputs.append(.failed(id, .invalid(.outOfBounds("terms"))))
            return
        }
        // An auction's bid binds until its award could have come.
        let window = Int64(offer.awardWindowSeconds) * 1_000
        let validUntil = wall + draft.patienceMilliseconds + window
        let body = BidBody(
            bid: id,
            marketClass: offer.marketClass,
            counterparty: provider,
            offer: offer.offer,
            targetRecord: draft.offer.id,
            slots: draft.slots,
            count: draft.count,
            unit: offer.price.unit,
            gpuHourMicros: draft.gpuHourMicros,
            durationSeconds: draft.durationSeconds,
            startBy: validUntil,
            validUntil: validUntil,
            termsHash: draft.terms.hash(salt: salt),
            auctionDeadline: window > 0 ? wall + window : 0
        )
        bids[id] = Bid(
            draft: draft,
            body: body,
            provider: provider,
            sealedTerms: box,
            stage: .signing,
            endsAt: draft.answerMilliseconds.map { wall + window + $0 } ?? validUntil + Self.acceptanceMilliseconds
        )
        outputs.append(.sign(id, .bid(body), expiresAt: validUntil))
    }

    private mutating func signed(_ id: BidID, _ record: SignedRecord, at now: Instant, into outputs: inout [Output]) {
        guard let bid = bids[id], case .signing = bid.stage else { return }
        bids[id]?.stage = .bidding(.bid(envelope: record.envelope, sealedTerms: bid.sealedTerms))
        outputs.append(.persist(id, [.putBid(record)]))
        ask(id, at: now, into: &outputs)
    }

    /// Sends the question of the stage, and arms its repetition.
    private mutating func ask(_ id: BidID, at now: Instant, into outputs: inout [Output]) {
        guard var bid = bids[id] else { return }
        switch bid.stage {
        case .bidding(let content): outputs.append(.send(id, to: bid.provider, content))
        case .accepted(_, let acceptance): outputs.append(.send(id, to: bid.provider, .accept(id, acceptance)))
        case .signing, .accepting: return
        }
        bid.attempts = min(bid.attempts + 1, Self.attemptCountMax)
        let isPatient = bid.attempts == Self.attemptCountMax
        bid.askAgainAt = now.advanced(by: isPatient ? Self.reminderInterval : Self.retryInterval * bid.attempts)
        bids[id] = bid
    }

    private mutating func answered(
        _ id: BidID,
        _ content: MarketMessage.Content,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let bid = bids[id] else { return }
        switch (content, bid.stage) {
        case (.award(let award), .bidding):
            let wall = clock.unixMilliseconds(at: now)
            if let failure = AwardCheck(bid: bid.body, draft: bid.draft, renter: key.publicKey, provider: bid.provider)
                .failure(of: award, at: wall)
            {
                return fail(id, failure, into: &outputs)
            }
            // By the provider's clock, which will judge it.
            let until = min(award.heldUntil, award.body.startAt + Self.acceptanceMilliseconds)
            let acceptance = LeaseAcceptance(accepting: award.body, network: network, until: until, by: key)
            bids[id]?.stage = .accepting(award.body, acceptance)
            bids[id]?.askAgainAt = nil
            accept(id, at: now, into: &outputs)
        case (.lease(let envelope), .accepted(let body, _)):
            guard let record = try? SignedRecord(envelope: envelope), record.author == bid.provider,
                record.record.network == network, case .lease(let lease) = record.record.body, lease.body == body,
                record.signatureChecks.allSatisfy(\.holds)
            else { return fail(id, .wrongAward("lease"), into: &outputs) }
            bids[id] = nil
            // Nobody waits for this write: until it is done the bid is on the disk, by which the lease is asked for again.
            outputs.append(.persist(id, [.putLease(record), .dropBid]))
            outputs.append(.leased(id, record))
        case (.refusal(let refusal), .bidding), (.refusal(let refusal), .accepted):
            // What is only busy is asked again while the bid holds.
            let wall = clock.unixMilliseconds(at: now)
            if (1..<Self.validityMilliseconds).contains(refusal.retryMilliseconds), bid.attempts < Self.attemptCountMax,
                wall + refusal.retryMilliseconds < bid.body.validUntil
            {
                bids[id]?.askAgainAt = now.advanced(by: .milliseconds(refusal.retryMilliseconds))
            } else {
                fail(id, .refused(refusal), into: &outputs)
            }
        case (_, _): break  // Late, repeated, or no answer to this.
        }
    }

    private mutating func persisted(_ id: BidID, at now: Instant, into outputs: inout [Output]) {
        bids[id]?.isDurable = true
        accept(id, at: now, into: &outputs)
    }

    /// Sends the acceptance once the bid is durable, which it usually is before the award arrives.
    private mutating func accept(_ id: BidID, at now: Instant, into outputs: inout [Output]) {
        guard let bid = bids[id], bid.isDurable, case .accepting(let body, let acceptance) = bid.stage else { return }
        bids[id]?.stage = .accepted(body, acceptance)
        bids[id]?.attempts = 0
        if let answer = bid.draft.answerMilliseconds { bids[id]?.endsAt = clock.unixMilliseconds(at: now) + answer }
        ask(id, at: now, into: &outputs)
    }

    private mutating func fail(_ id: BidID, _ failure: BidFailure, into outputs: inout [Output]) {
        guard let bid = bids.removeValue(forKey: id) else { return }
        switch (bid.stage, failure) {
        case (.signing, _): break
        case (.accepted, .refused(let refusal)) where refusal.retryMilliseconds == 0:
            outputs.append(.persist(id, [.renounceBid]))
        case (.accepted, _):
            outputs.append(.lost(id))
            outputs.append(.failed(id, .uncertain))
            return
        case (.bidding, _), (.accepting, _):
            // No acceptance was sent: nothing can come of it, and the devices need not be held.
            if !failure.isRefusal { outputs.append(.send(id, to: bid.provider, .cancel(id))) }
            outputs.append(.persist(id, [.dropBid]))
        }
        outputs.append(.failed(id, failure))
    }

    private mutating func expire(at now: Instant, into outputs: inout [Output]) {
        let wall = clock.unixMilliseconds(at: now)
        for (id, bid) in bids {
            if bid.endsAt <= wall {
                fail(id, .noAnswer, into: &outputs)
            } else if let again = bid.askAgainAt, again <= now {
                bids[id]?.askAgainAt = nil
                ask(id, at: now, into: &outputs)
            }
        }
    }

    /// Checks what must always hold; for tests and the simulator.
    public func checkInvariants() {
        precondition(bids.count <= Self.bidCountMax)
        precondition(bids.values.allSatisfy { $0.attempts <= Self.attemptCountMax })
    }
}
