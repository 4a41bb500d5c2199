public import Cryptography
public import Primitives
internal import DequeModule
internal import OrderedCollections

/// The provider's counter: takes bids, holds devices for awards, and makes leases of acceptances.
///
/// Think of a cloakroom: a token is written into the book before it is handed out, a hook with a token is not given to the next
/// guest, and a token that nobody redeems in time goes back. Nothing leaves before it is durable: an award before it is sent,
/// a lease before it is published. So a crash between any two steps leaves either nothing or an award, which the clock
/// releases, or a lease; and of one slot's past there is one lease.
public struct ProviderCounter: Sendable {
    /// Bids that wait for one offer's slots or deadline.
    public static let waitingPerOfferMax = 64
    /// Of those, bids of one bidder that wait until its open award is a lease or nothing.
    static let waitingPerBidderMax = 16
    /// Offers that this counter serves: 64 for each class.
    public static let offerCountMax = 512
    /// Bidders who are remembered for letting awards lapse; the one who may come back first is forgotten first.
    public static let coolingCountMax = 4_096
    /// Writes and signatures under way; more bids are refused.
    public static let pendingCountMax = 1_024
    /// A lease is remembered as long as its bid could still be repeated: its auction, ten minutes, and more.
    static let bidMemory = Duration.seconds(3_600)
    /// The longest auction that an offer may have.
    static let auctionMax = Duration.seconds(86_400)
    /// An award that is taken back later than this has held its devices for nothing, as one that lapses.
    static let freeCancelMilliseconds: Int64 = 2_000
    /// And so many may be taken back at once, until one becomes a lease: each costs two writes and holds devices for a moment.
    static let freeCancelCountMax = 3
    /// How long after a failed write a lapse is tried again.
    static let retryInterval = Duration.seconds(1)
    /// A bidder that let awards lapse waits at most a day.
    static let coolingMax = Duration.seconds(86_400)

    public enum Input: Sendable {
        case clock(unixMilliseconds: Int64)
        /// The newest record of an offer of ours.
        case offer(SignedRecord)
        case offerWithdrawn(OfferID)
        case policy(CounterPolicy)
        /// A bid from a peer; `group` stands for its network of addresses.
        case bid(CounterConversation, from: Ed25519.PublicKey, group: UInt64, SignedRecord, sealedTerms: [UInt8])
        case accept(CounterConversation, from: Ed25519.PublicKey, BidID, LeaseAcceptance)
        case cancel(CounterConversation, from: Ed25519.PublicKey, BidID)
        /// A lease that `needs` says nobody needs is off the disk.
        case forget(LeaseID)
        /// A party closed a lease of ours.
        case closed(SignedRecord)
        /// A running lease of ours that these books do not have is being written into them: its devices are taken from now on.
        case adopting(LeaseBody)
        /// It is durable, with its close if it has one; or, with `nil`, could not be written.
        case adopted(LeaseID, SignedRecord?, close: SignedRecord?)
        case persisted(CounterTicket)
        case persistFailed(CounterTicket)
        /// The answer to `sign`, its sequence number durable.
        case signed(CounterTicket, SignedRecord)
        case signFailed(CounterTicket)
        case shutdown
        case deadlineReached
    }

    public enum Output: Sendable {
        case reply(CounterConversation, MarketMessage.Content)
        /// Comes back as `persisted` or `persistFailed`.
        case persist(CounterTicket, [CounterChange])
        /// Comes back as `signed` or `signFailed`; the record is not published before the counter says so.
        case sign(CounterTicket, RecordBody, expiresAt: Int64)
        /// Durable, both signatures on it: publish it, keep it going. Said again after a restart.
        case leased(SignedRecord, sealedTerms: [UInt8])
        /// What is free of an offer has changed.
        case freeSlots(OfferID, [Int])
        /// A better bid waits: give notice to this interruptible lease and close it as outbid at this time.
        case reclaim(LeaseID, at: Int64)
    }

    struct WaitingBid: Sendable {
        var conversation: CounterConversation
        let bidder: Ed25519.PublicKey
        let group: UInt64
        let bid: BidBody
        let sealedTerms: [UInt8]
    }

    struct ServedOffer: Sendable {
        let record: SignedRecord
        let body: OfferBody
        var waiting: [WaitingBid] = []
        /// When the bids are compared, in milliseconds since the Unix epoch.
        var auctionEnd: Int64?
        var announcedFree: [Int]
    }

    enum Pending: Sendable {
        case award(HeldAward, CounterConversation, group: UInt64)
        /// Whoever took its bid back waits for it.
        case drop(LeaseID, CounterConversation?)
        case signing(HeldAward, LeaseAcceptance, CounterConversation)
        case lease(SignedRecord, HeldAward, CounterConversation, forgotten: [LeaseID])
        case close(LeaseID)
    }

    struct Cooling: Sendable {
        var until: Int64
        var lapses: Int
        /// Awards that were taken back at once.
        var freeCancels = 0
    }

    let key: Ed25519.PublicKey
    let network: String
    var policy: CounterPolicy
    var clock = WallClock()
    var isOpen = false
    var isClosing = false
    public internal(set) var facts: CounterFacts
    var newest: OrderedDictionary<SlotKey, LeaseID>
    var offers: OrderedDictionary<OfferID, ServedOffer> = [:]
    var pending: OrderedDictionary<CounterTicket, Pending> = [:]
    /// Awards whose acceptance is being made a lease: the clock does not release them.
    var accepting: Set<LeaseID> = []
    /// Awards whose release waits for the disk.
    var dropping: Set<LeaseID> = []
    /// Bids that were taken back while their award was on its way to the disk.
    var withdrawn: Set<LeaseID> = []
    /// The address groups of open awards; after a restart unknown, and then the bidder alone counts.
    var groups: OrderedDictionary<LeaseID, UInt64> = [:]
    var cooling: OrderedDictionary<Ed25519.PublicKey, Cooling> = [:]
    var knownRenters: Set<Ed25519.PublicKey>
    var reclaiming: Set<LeaseID> = []
    /// Leases that were signed before a backup was restored, on their way to the disk.
    var adopting: OrderedDictionary<LeaseID, LeaseBody> = [:]
    var retryAt: Int64?
    var nextTicket: UInt64 = 1
    /// Closes that wait for the disk.
    var closing: OrderedDictionary<CounterTicket, SignedRecord> = [:]

    /// Restores the counter from its durable facts.
    public init(key: Ed25519.PublicKey, network: String, policy: CounterPolicy, facts: CounterFacts) {
        (self.key, self.network, self.policy, self.facts) = (key, network, policy, facts)
        newest = facts.newest()
        knownRenters = Set(facts.leases.values.compactMap { CounterFacts.body(of: $0)?.renter })
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .clock(let unixMilliseconds):
            _ = clock.set(unixMilliseconds: unixMilliseconds, at: now)
            open(into: &outputs)
        case .offer(let record): serve(record)
        case .offerWithdrawn(let offer): withdraw(offer, into: &outputs)
        case .policy(let policy): self.policy = policy
        case .bid(let conversation, let bidder, let group, let record, let terms):
            let waiting = read(record, conversation, from: bidder, group: group, sealedTerms: terms, into: &outputs)
            if let waiting { consider(waiting, wall: wall(now), into: &outputs) }
        case .accept(let conversation, let renter, let bid, let acceptance):
            accept(conversation, from: renter, bid, acceptance, wall: wall(now), into: &outputs)
        case .cancel(let conversation, let renter, let bid):
            cancel(conversation, from: renter, bid, wall: wall(now), into: &outputs)
        case .forget(let lease): facts.apply(.dropLease(lease))
        case .closed(let record): close(record, into: &outputs)
        case .adopting(let body): adopting[body.lease] = body
        case .adopted(let lease, let record, let close): adopt(lease, record, close: close, into: &outputs)
        case .persisted(let ticket): persisted(ticket, wall: wall(now), into: &outputs)
        case .persistFailed(let ticket): failed(ticket, wall: wall(now), into: &outputs)
        case .signed(let ticket, let record): signed(ticket, record, wall: wall(now), into: &outputs)
        case .signFailed(let ticket): failed(ticket, wall: wall(now), into: &outputs)
        case .shutdown: isClosing = true
        case .deadlineReached: break
        }
        guard isOpen else { return }
        release(wall: wall(now), into: &outputs)
        settle(wall: wall(now), into: &outputs)
        announceFreeSlots(wall: wall(now), into: &outputs)
    }

    public var nextDeadline: Instant? {
        guard isOpen else { return nil }
        let held = facts.awards.filter { !accepting.contains($0.key) && !dropping.contains($0.key) }
            .map { max($0.value.heldUntil, retryAt ?? 0) }
        // Until its auction ends, nobody looks at an offer's bids.
        let waiting = offers.values.flatMap { offer in
            offer.auctionEnd.map { [$0] } ?? offer.waiting.map(\.bid.validUntil)
        }
        // A running lease is the newest of its slots; those are few, whatever the past holds.
        let running = newest.values.compactMap(facts.openEnd(of:)).filter { $0 > lastWall }
        return (held + waiting + running).min().map { clock.instant(atUnixMilliseconds: $0) }
    }

    /// When the counter last looked at the clock; leases that ended before have been announced.
    var lastWall: Int64 = 0

    mutating func wall(_ now: Instant) -> Int64 {
        lastWall = max(lastWall, clock.unixMilliseconds(at: now))
        return clock.unixMilliseconds(at: now)
    }

    private mutating func open(into outputs: inout [Output]) {
        guard !isOpen else { return }
        isOpen = true
        // A crash may have come between the disk and the street.
        for (lease, record) in facts.leases where facts.closes[lease] == nil {
            outputs.append(.leased(record, sealedTerms: facts.terms[lease] ?? []))
        }
    }

    private mutating func serve(_ record: SignedRecord) {
        guard record.author == key, case .offer(let body) = record.record.body else { return }
        guard offers[body.offer] != nil || offers.count < Self.offerCountMax else { return }
        let known = offers[body.offer]
        var served = ServedOffer(record: record, body: body, announcedFree: body.freeSlots)
        served.waiting = known?.waiting ?? []
        served.auctionEnd = known?.auctionEnd
        offers[body.offer] = served
    }

    private mutating func withdraw(_ offer: OfferID, into outputs: inout [Output]) {
        for bid in offers.removeValue(forKey: offer)?.waiting ?? [] {
            outputs.append(.reply(bid.conversation, .refusal(Refusal(.unknownOffer))))
        }
    }

    /// Whether the lease is on the books, as some slot's newest or because its bid may be repeated.
    public func remembers(_ lease: LeaseID) -> Bool { facts.leases[lease] != nil }

    /// Whether the books cannot do without a lease: it runs, is a slot's newest, or its bid may be repeated.
    public func needs(_ lease: LeaseID, at wall: Int64) -> Bool {
        guard let record = facts.leases[lease], let body = CounterFacts.body(of: record) else { return false }
        return facts.isRunning(lease, at: wall)
            || body.slots.contains { newest[SlotKey(machine: body.machine, slot: $0.number)] == lease }
            || record.record.issuedAt + repeatMilliseconds(of: body) > wall
    }

    /// How long behind its lease a bid may come again.
    func repeatMilliseconds(of body: LeaseBody) -> Int64 {
        let window = offers[body.offer].map { Duration.seconds($0.body.awardWindowSeconds) } ?? Self.auctionMax
        return (window + Self.bidMemory).milliseconds
    }

    /// Whether neither a lease nor an award that may become it is on the books or on its way there.
    public func isUnknown(_ lease: LeaseID) -> Bool {
        facts.leases[lease] == nil && !accepting.contains(lease)
    }

    /// Whether its devices were given back before its end, durably.
    public func hasClosed(_ lease: LeaseID) -> Bool { facts.closes[lease] != nil }

    /// Whether somebody still waits who would have the lease's devices for more.
    public func isWanted(_ lease: LeaseID) -> Bool {
        guard let body = facts.leases[lease].flatMap(CounterFacts.body) else { return false }
        return offers.values.contains { offer in
            offer.body.machine == body.machine
                && offer.waiting.contains {
                    $0.bid.unit == body.price.unit && $0.bid.gpuHourMicros > body.price.gpuHourMicros
                }
        }
    }

    /// The lease need not yield after all; another better bid may ask for it again.
    public mutating func keep(_ lease: LeaseID) { reclaiming.remove(lease) }

    /// Slots of a class's machine that an award or a running lease has.
    ///
    /// Under whatever id the machine had when they were let: a new id has no past, but its devices stay in their slots.
    public func takenSlots(of marketClass: MarketClass, wall: Int64) -> Set<Int> {
        var taken = leasedSlots(of: marketClass, wall: wall)
        for award in heldAwards where award.body.marketClass == marketClass {
            taken.formUnion(award.body.slots.map(\.number))
        }
        return taken
    }

    /// Those of them that a lease has.
    func leasedSlots(of marketClass: MarketClass, wall: Int64) -> Set<Int> {
        var taken: Set<Int> = []
        for body in adopting.values where body.marketClass == marketClass && wall < body.endAt {
            taken.formUnion(body.slots.map(\.number))
        }
        for (slot, lease) in newest where facts.isRunning(lease, at: wall) {
            guard let body = facts.leases[lease].flatMap(CounterFacts.body), body.marketClass == marketClass else {
                continue
            }
            taken.insert(slot.slot)
        }
        return taken
    }

    mutating func drawTicket() -> CounterTicket {
        defer { nextTicket += 1 }
        return CounterTicket(rawValue: nextTicket)
    }

    /// Checks what must always hold; for tests and the simulator.
    public func checkInvariants() {
        precondition(pending.count <= Self.pendingCountMax + 2 * facts.awards.count + facts.leases.count)
        precondition(cooling.count <= Self.coolingCountMax && offers.count <= Self.offerCountMax)
        precondition(offers.values.allSatisfy { $0.waiting.count <= Self.waitingPerOfferMax })
        var held: Set<SlotKey> = []
        for award in heldAwards where !dropping.contains(award.body.lease) {
            for slot in award.body.slots {
                let key = SlotKey(machine: award.body.machine, slot: slot.number)
                precondition(held.insert(key).inserted, "a slot is held for two awards")
                precondition(newest[key] == slot.previous, "an award names another past than its slot has")
            }
        }
    }
}
