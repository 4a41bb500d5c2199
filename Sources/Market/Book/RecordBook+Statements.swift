internal import Cryptography

/// The lists behind `RecordBook.statements`.
struct StatementLists: Sendable {
    var receipts = SubjectList<TrustEvidence>()
    var attestations = SubjectList<HeldAttestation>()
    var leases = SubjectList<LeasedSlots>()
    var requests = SubjectList<SignedRecord>()
    var bids = SubjectList<SignedRecord>()
    var trustVersion: UInt64 = 0
}

// What stands beside the rows, kept as the records come and go, so that nobody has to walk the whole book for it.
extension RecordBook {
    /// What the book holds of deals and words, as of now.
    public var statements: MarketStatements {
        var statements = MarketStatements()
        statements.receipts = lists.receipts.values
        statements.attestations = lists.attestations.values
        statements.leases = lists.leases.values
        statements.requests = lists.requests.values
        statements.bids = lists.bids.values
        statements.culprits = Set(proofCounts.keys)
        statements.trustVersion = lists.trustVersion
        return statements
    }

    /// Brings the statement of a subject up to date; a conflict hides it, as it hides a row.
    mutating func refreshStatement(of subject: SubjectKey) {
        switch subject.kind {
        case .countersignature:
            if lists.receipts.set(current(subject).flatMap(TrustEvidence.init), of: subject) { lists.trustVersion += 1 }
        case .attestation:
            let word = current(subject).flatMap(HeldAttestation.init)
            if lists.attestations.set(word, of: subject) { lists.trustVersion += 1 }
        case .lease: lists.leases.set(current(subject).flatMap(LeasedSlots.init), of: subject)
        case .request: lists.requests.set(current(subject).flatMap { $0.isWithdrawal ? nil : $0 }, of: subject)
        case .bid: lists.bids.set(current(subject).flatMap { $0.isWithdrawal ? nil : $0 }, of: subject)
        case .proof: lists.trustVersion += 1
        case .machine, .offer, .presence, .withdrawal, .conflict, .leaseState, .receipt, .storefront: break
        }
    }

    func checkStatements() {
        lists.receipts.checkInvariants()
        lists.attestations.checkInvariants()
        lists.leases.checkInvariants()
        lists.requests.checkInvariants()
        lists.bids.checkInvariants()
    }
}
