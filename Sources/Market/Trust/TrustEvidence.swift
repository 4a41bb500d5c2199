public import Cryptography

/// One countersigned receipt as trust reads it: who paid whom, how much, how it went, and when.
public struct TrustEvidence: Hashable, Sendable {
    /// Whether a lease's end speaks for its provider, in millionths.
    public static let full: Int64 = 1_000_000

    public let renter: Ed25519.PublicKey
    public let provider: Ed25519.PublicKey
    public let unit: String
    public let paidMicros: Int64
    /// 0…1,000,000.
    public let outcome: Int64
    /// Milliseconds since the Unix epoch.
    public let at: Int64

    public init(
        renter: Ed25519.PublicKey,
        provider: Ed25519.PublicKey,
        unit: String,
        paidMicros: Int64,
        outcome: Int64,
        at: Int64
    ) {
        self.renter = renter
        self.provider = provider
        self.unit = unit
        self.paidMicros = max(0, min(paidMicros, RecordAmount.microsMax))
        self.outcome = max(0, min(outcome, Self.full))
        self.at = at
    }

    /// Reads a countersignature whose signatures hold; `nil` for every other record, and where somebody rents from itself.
    public init?(_ record: SignedRecord) {
        guard case .countersignature(let body) = record.record.body, record.author != body.provider else { return nil }
        self.init(
            renter: record.author,
            provider: body.provider,
            unit: body.body.unit,
            paidMicros: body.body.paidMicros,
            outcome: Self.outcome(of: body.body.code),
            at: record.record.issuedAt
        )
    }

    /// What a close code says about the provider: its promises kept, broken, or something between.
    static func outcome(of code: CloseCode) -> Int64 {
        switch code {
        case .done, .expired, .workloadFailed, .reclaimed, .outbid, .unpaid: full
        case .maintenance, .workloadRefused: full / 2
        case .tooSlow, .notAsDescribed, .unreachable, .lostState: 0
        // A code of a later version: its thousand says who closed.
        default: code.rawValue < 2_000 ? full / 2 : full
        }
    }
}

/// What a node believes about how trust fades; every node may have its own.
public struct TrustConfig: Hashable, Sendable {
    /// What one renter's payments to one provider weigh at most in one epoch, in micros of any unit.
    public var capMicros: Int64 = 10_000_000
    /// How long an epoch is; pairs earn one cap in each.
    public var epochMilliseconds: Int64 = 30 * 86_400_000
    /// Of ten thousand walks about so many reach a stranger's stranger that its share is known to a hundredth.
    public var walkCount = 10_000
    /// The chance that a walk ends at a hop (MeritRank's transitivity decay, α), in millionths.
    public var transitivityDecay = 150_000
    /// What is left of a score that one peer alone carries (1 − MeritRank's connectivity decay, β), in millionths.
    public var connectivityRest = 200_000
    /// Which share of the walks through one peer makes it the only path, in millionths.
    public var connectivityThreshold = 900_000
    /// A peer that this share of all walks reaches is as well known as can be, in millionths.
    public var fullShare = 20_000
    /// How many leases of one's own such a peer's good name is worth.
    public var indirectLeases = 6
    /// The trust in somebody of whom nothing is known: neutral-low, in millionths, and how many leases it takes to forget it.
    public var priorTrust = 300_000
    public var priorLeases = 2

    public init() {}
}
