internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

/// The leases of one node, as provider and as renter: bids, awards, meters, money and receipts, over streams and on disk.
///
/// It is the parent of the market's machines (`ProviderCounter`, `RenterDesk`, the meters) and of `MarketStreams`; what they want
/// stored, signed or said leaves here. Three rules hold it together:
///
/// - *Durable before said.* What is signed is written before it is sent or published; a crash leaves the step undone or done, and
///   the start goes on from what is on the disk.
/// - *One step at a time.* A lease has at most one word of ours on its way to the key or the disk (`HeldLease.nextStep`); what
///   fails is tried again after two seconds.
/// - *Said until heard.* What the other party must know is a `LeaseDuty`, asked again until it is answered, whatever the
///   connection does meanwhile.
struct LeaseMachine: Sendable {
    enum Input: Sendable {
        case clock(unixMilliseconds: Int64)
        /// The newest record of an offer of ours, or that there is none any more.
        case offer(SignedRecord)
        case offerWithdrawn(OfferID)
        /// The record is the newest of the wish's offer.
        case place(CommandID, BidWish, SignedRecord, waits: Bool)
        case cancelBid(CommandID, BidID)
        /// Of an accepted award nobody knows what came, and its renter goes elsewhere.
        case forsake(BidID)
        case close(CommandID, LeaseID, CloseCode)
        case ready(CommandID, LeaseID)
        case settle(CommandID, LeaseID, nonce: UInt64?, Settlement.Outcome)
        /// A bid of ours on somebody's request, for the renter alone.
        case tell(SignedRecord)
        /// What becomes of a private bid on a request of ours.
        case bidHeard(CounterConversation, Refusal?)
        case policy(LeasePolicy)
        /// What the swarm says of our streams; `from` is where the peer is.
        case swarm(SwarmMachine.Output, from: IPAddress?)
        case connected(PeerID)
        /// A valid lease state, receipt or countersignature that reached the book.
        case seen(SignedRecord)
        /// A lease of ours that the market has, with what it has heard of it.
        case found(SignedRecord, words: [SignedRecord])
        /// The peers have said what they know of us: bids are taken from now on.
        case caughtUp
        case persisted(LeaseTicket)
        case persistFailed(LeaseTicket)
        case signed(LeaseSignature, SignedRecord)
        case signFailed(LeaseSignature, DeskRefusal)
        case shutdown
        case deadlineReached
    }

    enum Output: Sendable {
        case swarm(SwarmMachine.Input)
        case persist(LeaseTicket, [StoreChange])
        case sign(LeaseSignature, RecordBody, expiresAt: Int64)
        /// Durable: put it into the book and gossip it.
        case publish(SignedRecord)
        case freeSlots(OfferID, [Int])
        /// A provider's private bid on a request of ours, validly signed; comes back as `bidHeard`, and `group` stands for its network.
        case requestBid(SignedRecord, group: UInt64, CounterConversation)
        /// A party that must be told something cannot be reached where it was.
        case seek(PeerID)
        case answer(CommandID, NodeAnswer)
        case event(NodeEvent)
    }

    /// Whom a write concerns.
    enum Write: Sendable {
        case counter(CounterTicket, [CounterChange])
        case bid(BidID, [RenterChange])
        case recovered(LeaseID, SignedRecord)
        case step(LeaseID, SignedRecord)
        /// A party's word that came from the other side.
        case heard(LeaseID, SignedRecord, CounterConversation?)
        case voucher(LeaseID, SignedVoucher, CreditEntry?)
        case promise(LeaseID, Voucher, CreditEntry?)
        case settlement(LeaseID, Settlement)
        /// The operator takes the GPUs back at this time, in milliseconds since the Unix epoch.
        case notice(LeaseID, at: Int64, CommandID)
        case adopted(LeaseID)
        case fold(CreditFold)
        /// Nobody waits for it.
        case housekeeping
    }

    /// Whom a signature concerns.
    enum Signature: Sendable {
        case counter(CounterTicket)
        case bid(BidID)
        case step(LeaseID)
    }

    /// A bid of ours and who waits for what becomes of it.
    struct PlacedBid: Sendable {
        var status: BidStatus
        let isPublic: Bool
        let terms: LeaseTerms
        var waiter: CommandID?
        /// As it is written while it travels.
        var stored: StoredBid?
    }

    /// A bid of which a lease may have come, asked about until it is a lease or nothing.
    struct Recovery: Sendable {
        var bid: StoredBid
        var repetition: Repetition
    }

    /// What is free of an offer, told once things have settled.
    struct Announcement: Sendable {
        var slots: [Int]?
        var dueAt: Instant
        var allowance = TokenBucket(burst: LeaseLimits.freeSlotsBurst, interval: LeaseLimits.freeSlotsInterval)
    }

    let key: Ed25519.PrivateKey
    let network: String
    let sealingSecret: [UInt8]
    var policy: LeasePolicy
    var random: SeededRandom
    var clock = WallClock()
    var isOpen = false
    /// Rows that cannot be read: no device is let until somebody has looked.
    var isDamaged = false
    /// Rows beside those that cannot be read: what they said is gone, and the operator hears of it.
    var damagedCount = 0
    /// Keys of awards and bids that cannot be read: nothing can come of them.
    var unreadableAwards: [[UInt8]] = []
    /// When leases of the past are looked for again.
    var forgetAt: Instant?
    var counter: ProviderCounter
    var desk: RenterDesk
    var streams: MarketStreams
    var leases: OrderedDictionary<LeaseID, HeldLease> = [:]
    /// Leases with duties, by which a peer that returns is greeted.
    var owing: OrderedSet<LeaseID> = []
    var ledger = CreditLedger()
    var bids: OrderedDictionary<BidID, PlacedBid> = [:]
    var recoveries: OrderedDictionary<LeaseID, Recovery> = [:]
    /// Leases that we accepted and do not want any more, and until when they may be shown, in milliseconds since the Unix epoch.
    var renounced: OrderedDictionary<LeaseID, Int64> = [:]
    /// Leases on the disk that were renounced before their providers showed them: whatever these say of their use is not paid.
    var givenUp: Set<LeaseID> = []
    /// Of leases that the provider signed until then some were forgotten early, for want of room: what is shown of that time
    /// may be over, and its slots' chains went on.
    var forgottenUntil = Int64.min
    var announcements: OrderedDictionary<OfferID, Announcement> = [:]
    var privateBids: OrderedDictionary<BidID, PrivateBid> = [:]
    var privateDeadlines = DeadlineQueue<BidID>()
    /// Leases that are being taken back into the books.
    var adoptions: OrderedDictionary<LeaseID, Adoption> = [:]
    /// Until the peers have said what they know of us, a device that looks free may be let.
    var isCaughtUp = false
    /// Bids that came before that.
    var heldBids: [HeldBid] = []
    /// What a party said of a lease that is still on its way to our disk; looked at once it is there.
    var early: [LeaseID: (record: SignedRecord, conversation: CounterConversation?)] = [:]
    var writes: [LeaseTicket: Write] = [:]
    var signatures: [LeaseSignature: Signature] = [:]
    var closeWaiters: [LeaseID: [CommandID]] = [:]
    /// Whom to tell that the renter's close is durable.
    var closeReplies: [LeaseID: CounterConversation] = [:]
    var deadlines = DeadlineQueue<LeaseID>()
    var nextTicket: UInt64 = 1
    private(set) var nextDeadline: Instant?

    /// Restores everything from the rows of the own tables; feed `clock`, then the offers.
    init(
        key: Ed25519.PrivateKey,
        network: String,
        sealingSecret: [UInt8],
        policy: LeasePolicy,
        restored rows: [StoredRow],
        requestIDs: ClosedRange<UInt64>,
        random: SeededRandom
    ) {
        let restored = RestoredLeases(rows, own: key.publicKey)
        (self.key, self.network, self.sealingSecret) = (key, network, sealingSecret)
        (self.policy, self.random) = (policy, random)
        counter = ProviderCounter(
            key: key.publicKey,
            network: network,
            policy: policy.counter,
            facts: restored.facts
        )
        desk = RenterDesk(key: key, network: network)
        streams = MarketStreams(requestIDs: requestIDs)
        restore(restored)
    }

    mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .clock(let unixMilliseconds): told(unixMilliseconds, at: now, into: &outputs)
        case .offer(let record): stepCounter(.offer(record), at: now, into: &outputs)
        case .offerWithdrawn(let offer):
            announcements[offer] = nil
            stepCounter(.offerWithdrawn(offer), at: now, into: &outputs)
        case .place(let command, let wish, let offer, let waits):
            place(wish, on: offer, for: command, waits: waits, at: now, into: &outputs)
        case .cancelBid(let command, let bid): cancel(bid, for: command, at: now, into: &outputs)
        case .forsake(let bid): forsake(bid, into: &outputs)
        case .close(let command, let lease, let code): close(lease, code, for: command, at: now, into: &outputs)
        case .ready(let command, let lease): becomeReady(lease, for: command, at: now, into: &outputs)
        case .settle(let command, let lease, let nonce, let outcome):
            settle(lease, nonce: nonce, outcome, for: command, at: now, into: &outputs)
        case .tell(let record): tell(record, at: now, into: &outputs)
        case .bidHeard(let conversation, let refusal):
            let answer = refusal.map(MarketMessage.Content.refusal) ?? .done
            stepStreams(.reply(conversation, answer), at: now, into: &outputs)
        case .policy(let policy):
            self.policy = policy
            stepCounter(.policy(policy.counter), at: now, into: &outputs)
        case .swarm(let output, let address): stepStreams(.swarm(output, from: address), at: now, into: &outputs)
        case .connected(let peer): greet(peer, at: now, into: &outputs)
        case .seen(let record): seen(record, at: now, into: &outputs)
        case .found(let record, let words): adopt(record, words: words, nil, at: now, into: &outputs)
        case .caughtUp: takeBids(at: now, into: &outputs)
        case .persisted(let ticket): persisted(ticket, at: now, into: &outputs)
        case .persistFailed(let ticket): persistFailed(ticket, at: now, into: &outputs)
        case .signed(let signature, let record): signed(signature, record, at: now, into: &outputs)
        case .signFailed(let signature, let refusal): signFailed(signature, refusal, at: now, into: &outputs)
        case .shutdown: shutDown(at: now, into: &outputs)
        case .deadlineReached: expire(at: now, into: &outputs)
        }
        nextDeadline = isOpen ? earliestDeadline : nil
    }

    private var earliestDeadline: Instant? {
        var deadline = earliest(counter.nextDeadline, desk.nextDeadline)
        deadline = earliest(deadline, streams.nextDeadline)
        deadline = earliest(deadline, deadlines.earliest)
        for announcement in announcements.values where announcement.slots != nil {
            deadline = earliest(deadline, announcement.dueAt)
        }
        for recovery in recoveries.values { deadline = earliest(deadline, recovery.repetition.dueAt) }
        return earliest(deadline, privateDeadlines.earliest)
    }

    func wall(_ now: Instant) -> Int64 { clock.unixMilliseconds(at: now) }

    // MARK: Time

    private mutating func told(_ unixMilliseconds: Int64, at now: Instant, into outputs: inout [Output]) {
        _ = clock.set(unixMilliseconds: unixMilliseconds, at: now)
        stepDesk(.clock(unixMilliseconds: unixMilliseconds), at: now, into: &outputs)
        for lease in leases.keys where leases[lease]?.isClosed == false {
            stepMeter(of: lease, .clock(unixMilliseconds), at: now, into: &outputs)
        }
        let opens = !isOpen
        isOpen = true
        stepCounter(.clock(unixMilliseconds: unixMilliseconds), at: now, into: &outputs)
        if opens {
            resume(at: now, into: &outputs)
        } else if let due = forgetAt, due <= now {
            forgetPast(at: now, into: &outputs)
        }
    }

    private mutating func expire(at now: Instant, into outputs: inout [Output]) {
        stepCounter(.deadlineReached, at: now, into: &outputs)
        stepDesk(.deadlineReached, at: now, into: &outputs)
        stepStreams(.deadlineReached, at: now, into: &outputs)
        while let lease = deadlines.popDue(at: now) {
            stepMeter(of: lease, .deadlineReached, at: now, into: &outputs)
            limit(lease, at: now, into: &outputs)
            advance(lease, at: now, into: &outputs)
        }
        for (lease, recovery) in recoveries where recovery.repetition.dueAt <= now {
            recover(lease, at: now, into: &outputs)
        }
        while let bid = privateDeadlines.popDue(at: now) { say(bid, at: now, into: &outputs) }
        announceFreeSlots(at: now, into: &outputs)
    }

    // MARK: Writes and signatures

    mutating func persist(_ changes: [StoreChange], for write: Write, into outputs: inout [Output]) {
        let ticket = LeaseTicket(rawValue: nextTicket)
        nextTicket += 1
        writes[ticket] = write
        outputs.append(.persist(ticket, changes))
    }

    mutating func sign(
        _ body: RecordBody,
        for signature: Signature,
        expiresAt: Int64,
        into outputs: inout [Output]
    ) {
        let id = LeaseSignature(rawValue: nextTicket)
        nextTicket += 1
        signatures[id] = signature
        outputs.append(.sign(id, body, expiresAt: expiresAt))
    }

    private mutating func signed(
        _ id: LeaseSignature,
        _ record: SignedRecord,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch signatures.removeValue(forKey: id) {
        case .counter(let ticket): stepCounter(.signed(ticket, record), at: now, into: &outputs)
        case .bid(let bid):
            if let placed = bids[bid], placed.isPublic, placed.status.outcome == .open {
                outputs.append(.publish(record))
            }
            stepDesk(.signed(bid, record), at: now, into: &outputs)
        case .step(let lease): write(record, of: lease, at: now, into: &outputs)
        case nil: break
        }
    }

    private mutating func signFailed(
        _ id: LeaseSignature,
        _ refusal: DeskRefusal,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch signatures.removeValue(forKey: id) {
        case .counter(let ticket): stepCounter(.signFailed(ticket), at: now, into: &outputs)
        case .bid(let bid): stepDesk(.signFailed(bid, refusal), at: now, into: &outputs)
        case .step(let lease): postpone(lease, at: now)
        case nil: break
        }
    }

    // MARK: The end

    private mutating func shutDown(at now: Instant, into outputs: inout [Output]) {
        stepCounter(.shutdown, at: now, into: &outputs)
        // What was used since the last voucher is not forgotten, though nothing is charged while nobody watches.
        var changes: [StoreChange] = []
        for id in leases.keys where leases[id]?.isClosed == false {
            stepMeter(of: id, .pause, at: now, into: &outputs)
            // A voucher that is on its way to the disk takes its state along.
            if case .provider(let meter)? = leases[id]?.meter, !meter.isStoring {
                changes.append(.putRow(StoredRow(.vouchers, key: id.bytes, value: meter.state.stored)))
            }
        }
        if !changes.isEmpty { persist(changes, for: .housekeeping, into: &outputs) }
    }

    /// Checks what must always hold; for tests and the simulator.
    func checkInvariants() {
        counter.checkInvariants()
        desk.checkInvariants()
        streams.checkInvariants()
        deadlines.checkInvariants()
        precondition(privateBids.count <= LeaseLimits.privateBidCountMax)
        precondition(bids.count <= RenterDesk.bidCountMax + LeaseLimits.pastBidCountMax)
        precondition(leases.count <= LeaseLimits.leaseCountMax + ProviderCounter.pendingCountMax)
        precondition(early.count <= RenterDesk.bidCountMax + recoveries.count + adoptions.count)
        precondition(renounced.count <= LeaseLimits.renouncedCountMax)
        precondition(heldBids.count <= LeaseLimits.heldBidCountMax)
        for lease in leases.values {
            switch lease.meter {
            case .provider(let meter): meter.checkInvariants()
            case .renter(let meter):
                precondition(meter.state.promisedMicros <= lease.body.capMicros, "more was promised than the cap")
            }
        }
    }
}

/// One write of the leases, numbered by their machine.
struct LeaseTicket: Hashable, Sendable {
    let rawValue: UInt64
}

/// One signature for the leases, numbered by their machine.
struct LeaseSignature: Hashable, Sendable {
    let rawValue: UInt64
}
