public import Cryptography

/// Where a lease stands, in the words of one of its parties; only the two parties' words count.
public enum LeaseStanding: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    case reserved = 1
    case active = 2
    case suspended = 3
    /// For good.
    case closed = 4

    public static func < (left: LeaseStanding, right: LeaseStanding) -> Bool { left.rawValue < right.rawValue }
}

/// Why a lease ended: 1xxx by the renter, 2xxx by the provider, 3xxx by either.
///
/// Further codes of each thousand may be used and are shown as numbers.
public struct CloseCode: Hashable, Comparable, Sendable, CustomStringConvertible {
    public static let bounds = 1_000...3_999

    public let rawValue: Int

    /// `nil` outside 1000…3999.
    public init?(rawValue: Int) {
        guard Self.bounds.contains(rawValue) else { return nil }
        self.rawValue = rawValue
    }

    private init(_ rawValue: Int) {
        self.rawValue = rawValue
    }

    public static let done = CloseCode(1_000)
    public static let workloadFailed = CloseCode(1_001)
    public static let tooSlow = CloseCode(1_002)
    public static let notAsDescribed = CloseCode(1_003)
    public static let reclaimed = CloseCode(2_000)
    public static let maintenance = CloseCode(2_001)
    public static let outbid = CloseCode(2_002)
    public static let workloadRefused = CloseCode(2_003)
    public static let unreachable = CloseCode(3_000)
    public static let unpaid = CloseCode(3_001)
    /// The agreed end came.
    public static let expired = CloseCode(3_002)
    /// A party's machine was restarted and what it held is gone.
    public static let lostState = CloseCode(3_003)

    public var description: String {
        switch self {
        case .done: "done"
        case .workloadFailed: "workload failed"
        case .tooSlow: "too slow"
        case .notAsDescribed: "not as described"
        case .reclaimed: "reclaimed with notice"
        case .maintenance: "maintenance"
        case .outbid: "outbid"
        case .workloadRefused: "workload refused"
        case .unreachable: "unreachable"
        case .unpaid: "unpaid"
        case .expired: "expired"
        case .lostState: "lost state"
        default: "code \(rawValue)"
        }
    }

    public static func < (left: CloseCode, right: CloseCode) -> Bool { left.rawValue < right.rawValue }
}

/// One party's word on a lease.
public struct LeaseStateBody: Hashable, Sendable {
    public var lease: LeaseID
    public var marketClass: MarketClass
    public var provider: Ed25519.PublicKey
    public var standing: LeaseStanding
    /// Stated exactly if the standing is closed.
    public var code: CloseCode?
    /// The lease's agreed end, in milliseconds since the Unix epoch.
    public var endAt: Int64

    public init(
        lease: LeaseID,
        marketClass: MarketClass,
        provider: Ed25519.PublicKey,
        standing: LeaseStanding,
        code: CloseCode? = nil,
        endAt: Int64
    ) {
        self.lease = lease
        self.marketClass = marketClass
        self.provider = provider
        self.standing = standing
        self.code = code
        self.endAt = endAt
    }
}
