internal import DequeModule
internal import OrderedCollections
public import Cryptography
public import Primitives

/// One wish of an operator, numbered by the owner.
public struct DeskRequestID: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// One durable write of the desk, numbered by the desk.
public struct DeskTicket: Hashable, Sendable {
    public let rawValue: UInt64
}

/// The provider's side of the market: signs what it offers, keeps it fresh, and takes it back.
///
/// Think of a shop counter with a bound ledger: nothing is called out to the street before it stands in the book. Every wish becomes
/// records; their bytes and their block of sequence numbers are made durable; only then are they published and the wish answered.
/// Wishes are handled one after the other, so that no two of them take the same slot.
///
/// Before the first signature the desk waits for `caughtUp`: a home that was restored from a backup must first hear from its peers
/// which sequence numbers it has used. If it may have forgotten something (it hears of a higher number, nobody answers, the operator
/// resumes the key), its machines get new ids first: a lease that it does not remember can then never look like a lie. Offers and machines are signed anew at half their life; a presence
/// per class says every ten minutes that the provider is there, and the last one says goodbye.
public struct ProviderDesk: Sendable {
    public enum Input: Sendable {
        case clock(unixMilliseconds: Int64)
        /// The peers were asked for our own newest records, or need not be; `isUnheard` if none of those that are configured answered.
        case caughtUp(isUnheard: Bool)
        /// A validly signed record of ours came from somewhere.
        case ownRecordSeen(SignedRecord)
        case publish(DeskRequestID, OfferDraft)
        case update(DeskRequestID, OfferID, OfferChange)
        /// Takes an offer off the market; devices in these slots of its machine are let, and stay where they are.
        case withdraw(DeskRequestID, OfferID, reason: Int, keeping: Set<Int>)
        /// What is free of an offer has changed.
        case freeSlots(OfferID, [Int])
        /// What this node found about others: a conflict, which accuses nobody and warns everybody, or a proof.
        case publishFinding(RecordBody)
        /// A statement of another part of the node (a bid, a lease, a receipt): answered with the record once its number is
        /// durable; not published, and not renewed.
        case sign(DeskRequestID, RecordBody, expiresAt: Int64)
        /// Our dialable addresses, binary multiaddrs.
        case addresses([[UInt8]])
        case persisted(DeskTicket)
        case persistFailed(DeskTicket)
        /// The operator says that this home alone uses the key.
        case resumeSigning
        /// The clock was set by a lot: nothing is signed while nobody knows whether it is right.
        case clockDoubted
        case clockTrusted
        case shutdown
        case deadlineReached
    }

    public enum Output: Sendable {
        /// Comes back as `persisted` or `persistFailed`.
        case persist(DeskTicket, [DeskChange])
        /// Durable where it must be: gossip it and put it into the book.
        case publish(SignedRecord)
        /// A presence that only says again what everybody knows: put it into the book, from where reconciliation takes it.
        case renew(SignedRecord)
        case answered(DeskRequestID, Result<SignedRecord, DeskRefusal>)
        /// Another holder of the key seems to be at work.
        case signingStopped
        /// The last presences are out.
        case saidGoodbye
    }

    let config: DeskConfig
    let key: Ed25519.PrivateKey
    let secrets: DeskSecrets
    var random: SeededRandom
    var clock = WallClock()
    var sequence: SequenceReservation
    var phase = Phase.catchingUp
    var ledger = DeskLedger()
    /// The newest record of every subject of ours, withdrawals included.
    var records: OrderedDictionary<SubjectKey, SignedRecord> = [:]
    var waiting = Deque<Wish>()
    var current: Operation?
    var renewals: OrderedDictionary<SubjectKey, Instant> = [:]
    var presences: OrderedDictionary<MarketClass, Instant> = [:]
    /// Presences and conflicts that wait for their block of sequence numbers.
    var heldStatements: OrderedDictionary<DeskTicket, (reserved: UInt64, records: [SignedRecord], isRenewal: Bool)> =
        [:]
    /// Signed statements of other parts that wait for their block of sequence numbers.
    var heldAnswers: OrderedDictionary<DeskTicket, (reserved: UInt64, request: DeskRequestID, record: SignedRecord)> =
        [:]
    /// The write behind which the last presences leave.
    var goodbyeTicket: DeskTicket?
    var addresses: [[UInt8]] = []
    /// This home may not know all that its key has signed, so what it says of its slots' pasts could contradict what it said before.
    public var mayRepeatItself = false
    var signedSequences = Deque<UInt64>()
    var firstSequence: UInt64?
    var retryAt: Instant?
    var nextTicket: UInt64 = 1

    /// Restores the desk from its durable facts and records; `records` may be in any order.
    public init(
        config: DeskConfig,
        key: Ed25519.PrivateKey,
        secrets: DeskSecrets,
        reservedSequence: UInt64,
        records restored: [SignedRecord],
        random: SeededRandom
    ) {
        self.config = config
        self.key = key
        self.secrets = secrets
        self.random = random
        sequence = SequenceReservation(reserved: reservedSequence)
        for record in restored.sorted(by: { $0.subject < $1.subject }) where record.author == key.publicKey {
            records[record.subject] = record
            switch record.record.body {
            case .machine(let machine): ledger.machines[machine.marketClass] = machine
            case .offer(let offer): ledger.offers[offer.offer] = offer
            case .withdrawal, .presence, .conflict, .request, .bid, .lease, .leaseState, .receipt, .countersignature,
                .attestation, .proof, .storefront:
                break
            }
        }
    }

    /// The provider's offers, oldest id first, each with its newest record.
    public var offers: [SignedRecord] {
        ledger.offers.keys.compactMap { records[.offer($0, of: key.publicKey)] }
    }

    public var isSigning: Bool { phase == .open }

    /// To which bidders seal their terms, 32 bytes.
    public var sealingKey: [UInt8] { secrets.sealingKey }

    /// Known to this node alone.
    public var deviceSalt: [UInt8] { secrets.salt }

    public var nextDeadline: Instant? {
        guard phase == .open else { return nil }
        var deadline = presences.values.min()
        if current == nil {
            deadline = earliest(deadline, earliest(renewals.values.min(), nil).map { max($0, retryAt ?? $0) })
        }
        return deadline
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .clock(let unixMilliseconds): _ = clock.set(unixMilliseconds: unixMilliseconds, at: now)
        case .caughtUp(let isUnheard):
            if isUnheard { mayRepeatItself = true }
            open(at: now, into: &outputs)
        case .ownRecordSeen(let record): seen(record, into: &outputs)
        case .publish(let id, let draft): enqueue(.publish(id, draft), at: now, into: &outputs)
        case .update(let id, let offer, let change): enqueue(.update(id, offer, change), at: now, into: &outputs)
        case .withdraw(let id, let offer, let reason, let slots):
            enqueue(.withdraw(id, offer, reason, keeping: slots), at: now, into: &outputs)
        case .freeSlots(let offer, let slots): enqueue(.free(offer, slots), at: now, into: &outputs)
        case .publishFinding(let body): publish(body, at: now, into: &outputs)
        case .sign(let id, let body, let expiresAt):
            answerSigned(id, body, expiresAt: expiresAt, at: now, into: &outputs)
        case .addresses(let addresses): moved(to: addresses, at: now, into: &outputs)
        case .persisted(let ticket): persisted(ticket, at: now, into: &outputs)
        case .persistFailed(let ticket): persistFailed(ticket, at: now, into: &outputs)
        case .resumeSigning: resume(at: now, into: &outputs)
        case .clockDoubted: if phase == .open { phase = .doubting }
        case .clockTrusted: if phase == .doubting { reopen(at: now, into: &outputs) }
        case .shutdown: shutDown(at: now, into: &outputs)
        case .deadlineReached: expire(at: now, into: &outputs)
        }
    }

    /// Checks what must always hold; for tests and the simulator.
    public func checkInvariants() {
        precondition(waiting.count <= DeskConfig.waitingCountMax)
        precondition(signedSequences.count <= DeskConfig.rememberedSequenceCountMax)
        for offer in ledger.offers.values {
            let slots = Set(ledger.machines[offer.marketClass]?.devices.map(\.slot) ?? [])
            precondition(offer.slots.allSatisfy(slots.contains), "an offer names a slot that its machine lacks")
        }
    }
}

extension ProviderDesk {
    enum Phase: Hashable, Sendable {
        /// Nothing is signed yet. Can transition to: open, stopped, closed.
        case catchingUp
        /// Can transition to: doubting, stopped, closed.
        case open
        /// Nobody knows whether the clock is right. Can transition to: open, stopped, closed.
        case doubting
        /// Somebody else signs with our key. Can transition to: open (by the operator), closed.
        case stopped
        case closed
    }

    enum Wish: Sendable {
        case publish(DeskRequestID, OfferDraft)
        case update(DeskRequestID, OfferID, OfferChange)
        case withdraw(DeskRequestID, OfferID, Int, keeping: Set<Int>)
        case free(OfferID, [Int])
        case renew([SubjectKey])
        /// Every machine gets a new id, under which no slot has a past.
        case redrawMachines

        var request: DeskRequestID? {
            switch self {
            case .publish(let id, _), .update(let id, _, _), .withdraw(let id, _, _, _): id
            case .free, .renew, .redrawMachines: nil
            }
        }
    }

    /// A wish whose records are signed and wait for the disk.
    struct Operation: Sendable {
        let ticket: DeskTicket
        let request: DeskRequestID?
        let ledger: DeskLedger
        let records: [SignedRecord]
        let answer: SignedRecord?
        let reserved: UInt64?
    }
}

/// One write that the desk asks for; all of it is own state.
public enum DeskChange: Hashable, Sendable {
    case reserveSequences(upTo: UInt64)
    case put(SignedRecord)
    case delete(SubjectKey)
}

/// What the desk needs to know about the market and its own pace.
public struct DeskConfig: Hashable, Sendable {
    /// Wishes that wait for the disk; more are refused.
    public static let waitingCountMax = 256
    /// Enough to recognise what this run signed within any peer's memory of it.
    static let rememberedSequenceCountMax = 4096
    /// How long after a failed write renewals rest.
    static let retryInterval = Duration.seconds(30)
    /// Presences of one provider spread by a fifth, so that they do not arrive in step.
    static let presenceJitter = 0.2

    public let network: String
    /// At most 24 h; renewed at half of it.
    public let recordLifetime: Duration
    public let presenceInterval: Duration

    public init(network: String, recordLifetime: Duration, presenceInterval: Duration) {
        self.network = network
        self.recordLifetime = recordLifetime
        self.presenceInterval = presenceInterval
    }
}

/// What the desk must not forget and not show.
public struct DeskSecrets: Sendable {
    /// Hides which device a commitment stands for; 32 bytes.
    public let salt: [UInt8]
    /// The public half of the key to which bidders seal their terms; 32 bytes.
    public let sealingKey: [UInt8]

    public init(salt: [UInt8], sealingKey: [UInt8]) {
        precondition(salt.count == 32 && sealingKey.count == 32)
        self.salt = salt
        self.sealingKey = sealingKey
    }
}
