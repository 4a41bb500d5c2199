/// What a record says; the value is the field number of its body in `rialto-record.proto`.
public enum RecordKind: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    case machine = 5
    case offer = 6
    case presence = 7
    case withdrawal = 8
    case conflict = 9
    case request = 10
    case bid = 11
    case lease = 12
    case leaseState = 13
    case receipt = 14
    case countersignature = 15
    case attestation = 16
    case proof = 17
    case storefront = 18

    /// The longest time between `issued_at` and `expires_at` of any record of the kind, in milliseconds.
    ///
    /// What a bid, a lease or its state says may allow it less; see `RecordBody.expiryMax`.
    public var lifetimeMax: Int64 {
        switch self {
        case .presence: 30 * 60_000
        case .machine, .offer, .withdrawal, .request: 24 * 3_600_000
        case .bid: BidBody.Bounds.auctionMillisecondsMax + BidBody.Bounds.auctionSlackMilliseconds
        case .lease, .leaseState:
            LeaseBody.Bounds.startMillisecondsMax + LeaseBody.Bounds.durationMillisecondsMax
                + LeaseBody.Bounds.tailMilliseconds
        case .conflict, .receipt, .countersignature, .attestation, .proof: 90 * 24 * 3_600_000
        case .storefront: 36 * 3_600_000
        }
    }

    /// The largest envelope, in bytes: 4 KiB, or 9 KiB where two others are embedded.
    public var envelopeByteCountMax: Int {
        switch self {
        case .machine, .offer, .presence, .withdrawal, .request, .bid, .lease, .leaseState, .receipt,
            .countersignature, .attestation, .storefront:
            4 * 1024
        case .conflict, .proof: 9 * 1024
        }
    }

    /// Live subjects that one author may have of this kind in one class.
    public var subjectsPerGroupMax: Int {
        switch self {
        case .machine, .offer, .presence, .withdrawal, .conflict, .request, .bid, .proof, .storefront: 64
        // A provider of a whole class closes and signs thousands of leases while one of them is remembered.
        case .lease, .leaseState, .receipt, .countersignature, .attestation: 4_096
        }
    }

    public static func < (left: RecordKind, right: RecordKind) -> Bool { left.rawValue < right.rawValue }
}
