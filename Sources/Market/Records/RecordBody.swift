public import Cryptography

/// What a record says; exactly one body.
///
/// Behind a reference: bodies are large, and whoever only asks of which kind one is must not copy all that it says.
public indirect enum RecordBody: Hashable, Sendable {
    case machine(MachineBody)
    case offer(OfferBody)
    case presence(PresenceBody)
    case withdrawal(WithdrawalBody)
    case conflict(ConflictBody)
    case request(RequestBody)
    case bid(BidBody)
    case lease(AcceptedLease)
    case leaseState(LeaseStateBody)
    case receipt(ReceiptBody)
    case countersignature(CountersignatureBody)
    case attestation(AttestationBody)
    case proof(ProofBody)
    case storefront(StorefrontBody)

    public var kind: RecordKind {
        switch self {
        case .machine: .machine
        case .offer: .offer
        case .presence: .presence
        case .withdrawal: .withdrawal
        case .conflict: .conflict
        case .request: .request
        case .bid: .bid
        case .lease: .lease
        case .leaseState: .leaseState
        case .receipt: .receipt
        case .countersignature: .countersignature
        case .attestation: .attestation
        case .proof: .proof
        case .storefront: .storefront
        }
    }

    /// The class whose topics carry it; of a conflict or proof that of its records (the lower id's, if two), of a request
    /// or storefront the lowest that it names.
    public var marketClass: MarketClass {
        switch self {
        case .machine(let body): body.marketClass
        case .offer(let body): body.marketClass
        case .presence(let body): body.marketClass
        case .withdrawal(let body): body.marketClass
        case .conflict(let body): body.first.record.marketClass
        case .request(let body): body.classes.first ?? .other
        case .bid(let body): body.marketClass
        case .lease(let lease): lease.body.marketClass
        case .leaseState(let body): body.marketClass
        case .receipt(let body): body.marketClass
        case .countersignature(let body): body.body.marketClass
        case .attestation(let body): body.marketClass
        case .proof(let body): body.first.record.marketClass
        case .storefront(let body): body.segments.first?.marketClass ?? .other
        }
    }

    /// The provider whose segment carries it, if that may be another than the author.
    var provider: Ed25519.PublicKey? {
        switch self {
        case .machine, .offer, .presence, .withdrawal, .conflict, .request, .bid, .receipt, .proof, .storefront: nil
        case .lease(let lease): lease.body.provider
        case .leaseState(let body): body.provider
        case .countersignature(let body): body.provider
        case .attestation(let body): body.provider
        }
    }

    /// What stands in the place of the record's own sequence along its subject key.
    var disputedSequence: UInt64? {
        switch self {
        case .conflict(let body): body.sequence
        case .proof: 1
        case .machine, .offer, .presence, .withdrawal, .request, .bid, .lease, .leaseState, .receipt,
            .countersignature, .attestation, .storefront:
            nil
        }
    }

    /// The latest time at which a record of this body may end, in milliseconds since the Unix epoch.
    public func expiryMax(issuedAt: Int64) -> Int64 {
        let latest = issuedAt + kind.lifetimeMax
        switch self {
        case .bid(let body): return min(latest, body.expiryMax(issuedAt: issuedAt))
        case .lease(let lease): return min(latest, LeaseBody.expiryMax(endAt: lease.body.endAt))
        case .leaseState(let body): return min(latest, LeaseBody.expiryMax(endAt: body.endAt))
        case .machine, .offer, .presence, .withdrawal, .conflict, .request, .receipt, .countersignature, .attestation,
            .proof, .storefront:
            return latest
        }
    }

    /// Whether `author` may say this: a lease is its provider's, a countersignature its receipt's renter's.
    func check(author: Ed25519.PublicKey) throws(RecordError) {
        switch self {
        case .lease(let lease):
            guard lease.body.provider == author else { throw .contradiction("lease.provider") }
        case .countersignature(let body):
            guard body.body.renter == author else { throw .contradiction("countersignature.receipt") }
        case .machine, .offer, .presence, .withdrawal, .conflict, .request, .bid, .leaseState, .receipt, .attestation,
            .proof, .storefront:
            break
        }
    }

    /// The subject key of a record that `author` signs with this body.
    func subject(author: Ed25519.PublicKey) -> SubjectKey {
        switch self {
        case .machine(let body): .machine(body.machine, of: author)
        case .offer(let body): .offer(body.offer, of: author)
        case .presence(let body): .presence(of: author, in: body.marketClass)
        case .withdrawal(let body):
            switch body.subject {
            case .machine(let machine): .machine(machine, of: author)
            case .offer(let offer): .offer(offer, of: author)
            case .request(let request): .request(request, of: author)
            case .bid(let bid): .bid(bid, of: author)
            }
        case .conflict(let body): .conflict(over: body.subject)
        case .request(let body): .request(body.request, of: author)
        case .bid(let body): .bid(body.bid, of: author)
        case .lease(let lease): .lease(lease.body.lease, of: author)
        case .leaseState(let body):
            .leaseState(of: body.lease, with: body.provider, isClose: body.standing == .closed, by: author)
        case .receipt(let body): .receipt(for: body.lease, of: author)
        case .countersignature(let body): .countersignature(for: body.body.lease, with: body.provider, by: author)
        case .attestation(let body): SubjectKey(author: author, kind: .attestation, id: body.subjectID)
        case .proof(let body): .proof(over: body.claim)
        case .storefront: SubjectKey(author: author, kind: .storefront, id: [])
        }
    }
}

extension LeaseBody {
    /// What the two parties may have said of the lease: ready, their closes, its receipt and the signature under it.
    public var words: [SubjectKey] {
        [
            .leaseState(of: lease, with: provider, isClose: false, by: provider),
            .leaseState(of: lease, with: provider, isClose: true, by: provider),
            .leaseState(of: lease, with: provider, isClose: true, by: renter),
            .receipt(for: lease, of: provider), .countersignature(for: lease, with: provider, by: renter),
        ]
    }
}

extension SubjectKey {
    public static func request(_ request: RequestID, of renter: Ed25519.PublicKey) -> SubjectKey {
        SubjectKey(author: renter, kind: .request, id: request.bytes)
    }

    public static func bid(_ bid: BidID, of bidder: Ed25519.PublicKey) -> SubjectKey {
        SubjectKey(author: bidder, kind: .bid, id: bid.bytes)
    }

    public static func lease(_ lease: LeaseID, of provider: Ed25519.PublicKey) -> SubjectKey {
        SubjectKey(author: provider, kind: .lease, id: lease.bytes)
    }

    /// A close has a key of its own, so that nothing displaces it.
    public static func leaseState(
        of lease: LeaseID,
        with provider: Ed25519.PublicKey,
        isClose: Bool,
        by party: Ed25519.PublicKey
    ) -> SubjectKey {
        SubjectKey(author: party, kind: .leaseState, id: provider.bytes + lease.bytes + [isClose ? 1 : 0])
    }

    public static func receipt(for lease: LeaseID, of provider: Ed25519.PublicKey) -> SubjectKey {
        SubjectKey(author: provider, kind: .receipt, id: lease.bytes)
    }

    public static func countersignature(
        for lease: LeaseID,
        with provider: Ed25519.PublicKey,
        by renter: Ed25519.PublicKey
    ) -> SubjectKey {
        SubjectKey(author: renter, kind: .countersignature, id: provider.bytes + lease.bytes)
    }

    /// The culprit's, whoever found it.
    public static func proof(over claim: SlotClaim) -> SubjectKey {
        let id = claim.machine.bytes + [UInt8(truncatingIfNeeded: claim.slot)] + (claim.previous?.bytes ?? [])
        return SubjectKey(author: claim.provider, kind: .proof, id: id)
    }
}
