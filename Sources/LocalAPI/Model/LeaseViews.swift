internal import Cryptography
internal import Identity
internal import Market
internal import Node

/// What a renter bids; prices in millionths of the offer's unit.
public struct BidRequest: Codable, Hashable, Sendable {
    /// `<provider>/<offer id>`, or the beginning of an offer id.
    public var offer: String
    /// For one GPU and one hour; what the offer asks if absent.
    public var priceMicros: Int64?
    /// The price's unit: an offer in another one is not bid on.
    ///
    /// If absent, the one in which this node has shown the offer, else USD for a
    /// price that is named.
    public var unit: String?
    /// 1 if absent, or as many as there are slots.
    public var gpus: Int?
    public var slots: [Int]?
    public var seconds: Int
    public var image: String?
    public var command: [String]?
    /// `NAME=value`.
    public var environment: [String]?
    public var ports: [Int]?
    public var sshKeys: [String]?
    /// Owing more than this at once is refused.
    public var exposureMicros: Int64?
    /// Whether the bid is shown in the order book.
    public var isPublic: Bool?
    /// Whether more than twice what the offer asks is meant, and not a slip of the point.
    public var aboveAsk: Bool?
    /// Whether the answer waits for what becomes of the bid; it does if absent.
    public var wait: Bool?

    public init(offer: String, seconds: Int) {
        (self.offer, self.seconds) = (offer, seconds)
    }
}

/// A bid of this node.
public struct BidRow: Codable, Hashable, Sendable {
    public let bidID: String
    public let provider: String
    public let offerID: String
    public let gpus: Int
    public let unit: String
    public let priceMicros: Int64
    public let seconds: Int
    public let placedUnixMs: Int64
    /// `open`, `leased` or `failed`.
    public let state: String
    public let leaseID: String?
    /// How the lease is settled: `credit`, `manual` or `exec`; absent in a list of bids and while there is no lease.
    public let settlement: String?
    /// Whether the lease yields to a better bid when its notice has passed; absent as `settlement` is, and so is the notice.
    public let interruptible: Bool?
    public let noticeSeconds: Int?
    /// Why it failed: a word for programs, a sentence for people.
    public let reason: String?
    public let message: String?
    /// The lowest price that would be considered now.
    public let nearestMicros: Int64?
    public let retryMs: Int64?

    init(_ bid: BidStatus, lease: LeaseBody? = nil) {
        settlement = lease?.settlement
        interruptible = lease.map { $0.mode == .interruptible }
        noticeSeconds = lease.flatMap { $0.mode == .interruptible ? $0.noticeSeconds : nil }
        bidID = bid.bid.description
        provider = PeerID(publicKey: bid.offer.provider).description
        offerID = bid.offer.offer.description
        (gpus, unit, priceMicros) = (bid.count, bid.unit, bid.gpuHourMicros)
        (seconds, placedUnixMs) = (bid.durationSeconds, bid.placedAt)
        var refusal: Refusal?
        switch bid.outcome {
        case .open: (state, leaseID, reason, message) = ("open", nil, nil, nil)
        case .leased(let lease): (state, leaseID, reason, message) = ("leased", lease.description, nil, nil)
        case .failed(let failure):
            (state, leaseID, reason, message) = ("failed", nil, failure.word, failure.sentence)
            if case .refused(let told) = failure { refusal = told }
        }
        nearestMicros = refusal.flatMap { $0.nearestMicros > 0 ? $0.nearestMicros : nil }
        retryMs = refusal.flatMap { $0.retryMilliseconds > 0 ? $0.retryMilliseconds : nil }
    }
}

/// A lease of this node, as provider or renter.
public struct LeaseRow: Codable, Hashable, Sendable {
    public let leaseID: String
    /// `provider` or `renter`: what this node is.
    public let role: String
    public let provider: String
    public let renter: String
    public let offerID: String
    public let recordID: String
    /// `reserved`, `active` or `closed`.
    public let state: String
    public let slots: [Int]
    public let unit: String
    /// For one GPU and one hour.
    public let priceMicros: Int64
    public let capMicros: Int64
    public let owedMicros: Int64
    public let paidMicros: Int64
    public let startUnixMs: Int64
    public let endUnixMs: Int64
    public let readyUnixMs: Int64?
    public let closedUnixMs: Int64?
    /// When an interruptible lease yields to a better bid.
    public let reclaimUnixMs: Int64?
    public let interruptible: Bool
    public let noticeSeconds: Int
    public let settlement: String
    /// `due` or `settled`; absent before it is due, and on credit.
    public let settlementState: String?
    /// What the rail calls it.
    public let settlementReference: String?
    /// What the provider calls it in its receipt; absent if it does not.
    public let receiptReference: String?
    /// Why the last attempt came to nothing.
    public let settlementProblem: String?
    public let providerCode: Int?
    public let renterCode: Int?
    /// The effective code in words.
    public let why: String?
    public let image: String?
    public let command: [String]?
    public let environment: [String]?
    public let ports: [Int]?
    public let sshKeys: [String]?
    public let receiptID: String?
    public let countersignatureID: String?

    init(_ lease: LeaseSummary) {
        let body = lease.body
        leaseID = lease.lease.description
        role = lease.isProvider ? "provider" : "renter"
        provider = PeerID(publicKey: body.provider).description
        renter = PeerID(publicKey: body.renter).description
        (offerID, recordID) = (body.offer.description, lease.record.id.description)
        state = "\(lease.standing)"
        slots = body.slots.map(\.number)
        (unit, priceMicros, capMicros) = (body.price.unit, body.price.gpuHourMicros, body.capMicros)
        (owedMicros, paidMicros) = (lease.owedMicros, lease.paidMicros)
        (startUnixMs, endUnixMs) = (body.startAt, body.endAt)
        (readyUnixMs, closedUnixMs, reclaimUnixMs) = (lease.readyAt, lease.closedAt, lease.reclaimAt)
        (interruptible, noticeSeconds) = (body.mode == .interruptible, body.noticeSeconds)
        settlement = body.settlement
        settlementState = lease.settlement.map { $0.isSettled ? "settled" : "due" }
        if case .receipt(let receipt)? = lease.receipt?.record.body, !receipt.reference.isEmpty {
            receiptReference = receipt.reference
        } else {
            receiptReference = nil
        }
        settlementReference = lease.settlement?.reference
        settlementProblem = lease.settlement.flatMap { $0.complaint.isEmpty ? nil : $0.complaint }
        (providerCode, renterCode) = (lease.providerCode?.rawValue, lease.renterCode?.rawValue)
        why = lease.code?.description
        image = lease.terms?.image
        command = lease.terms?.command
        environment = lease.terms?.environment
        ports = lease.terms?.ports
        sshKeys = lease.terms?.accessKeys
        receiptID = lease.receipt?.id.description
        countersignatureID = lease.countersignature?.id.description
    }
}

/// What the operator calls a settlement by hand.
public struct SettleRequest: Codable, Hashable, Sendable {
    public var reference: String

    public init(reference: String) {
        self.reference = reference
    }
}

/// What a lease came to, in its provider's words.
public struct ReceiptRow: Codable, Hashable, Sendable {
    public let leaseID: String
    public let provider: String
    public let renter: String
    public let recordID: String
    public let activeSeconds: Int
    public let unit: String
    public let owedMicros: Int64
    public let paidMicros: Int64
    public let code: Int
    public let why: String
    /// What the receipt calls the settlement or, if it does not, this node; absent without one.
    public let settlementReference: String?
    /// Absent until the renter has signed.
    public let countersignatureID: String?

    init?(_ lease: LeaseSummary) {
        guard let record = lease.receipt, case .receipt(let body) = record.record.body else { return nil }
        leaseID = lease.lease.description
        provider = PeerID(publicKey: lease.body.provider).description
        renter = PeerID(publicKey: lease.body.renter).description
        recordID = record.id.description
        (activeSeconds, unit) = (body.activeSeconds, body.unit)
        (owedMicros, paidMicros) = (body.owedMicros, body.paidMicros)
        (code, why) = (body.code.rawValue, body.code.description)
        settlementReference = body.reference.isEmpty ? lease.settlement?.reference : body.reference
        countersignatureID = lease.countersignature?.id.description
    }
}

/// What a peer owes this node (positive) or is owed by it, in one unit.
public struct CreditRow: Codable, Hashable, Sendable {
    public let peer: String
    public let unit: String
    public let micros: Int64

    init(_ balance: CreditBalance) {
        (peer, unit, micros) = (PeerID(publicKey: balance.peer).description, balance.unit, balance.micros)
    }
}

extension BidFailure {
    /// The same from version to version.
    var word: String {
        switch self {
        case .refused(let refusal): refusal.word
        case .wrongAward: "wrong_award"
        case .slotTaken: "slot_taken"
        case .noAnswer: "no_answer"
        case .uncertain: "uncertain"
        case .clocksDiffer: "clocks_differ"
        case .cancelled: "cancelled"
        case .notSigned: "not_signed"
        case .notDurable: "not_durable"
        case .invalid: "invalid"
        case .tooManyBids: "too_many_bids"
        }
    }
}

extension Refusal {
    fileprivate var word: String {
        switch code {
        case .malformed: "malformed"
        case .unknownOffer: "unknown_offer"
        case .wrongUnit: "wrong_unit"
        case .priceTooLow: "price_too_low"
        case .noFreeSlots: "no_free_gpus"
        case .durationOutOfBounds: "duration_out_of_bounds"
        case .expired: "expired"
        case .blocked: "blocked"
        case .awardOpen: "award_open"
        case .coolingDown: "cooling_down"
        case .strangersFull: "strangers_full"
        case .tooManyBids: "too_many_bids"
        case .notDurable: "provider_not_durable"
        case .outbid: "outbid"
        case .termsRefused: "terms_refused"
        case .badAcceptance: "bad_acceptance"
        case .shuttingDown: "shutting_down"
        }
    }
}
