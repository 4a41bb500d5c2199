public import Cryptography

/// A slot claim with the lease that made it, which may have left the book since.
struct HeldClaim: Sendable {
    let lease: SignedRecord
    var until: Int64 { lease.record.expiresAt }
}

struct ClaimDeadline: Hashable, Comparable, Sendable {
    let at: Int64
    let claim: SlotClaim

    static func < (left: ClaimDeadline, right: ClaimDeadline) -> Bool {
        left.at != right.at ? left.at < right.at : left.claim < right.claim
    }
}

extension SlotClaim: Comparable {
    /// By provider, machine, slot and past.
    public static func < (left: SlotClaim, right: SlotClaim) -> Bool {
        if left.provider != right.provider {
            return left.provider.bytes.lexicographicallyPrecedes(right.provider.bytes)
        }
        if left.machine != right.machine { return left.machine < right.machine }
        if left.slot != right.slot { return left.slot < right.slot }
        return (left.previous?.bytes ?? []).lexicographicallyPrecedes(right.previous?.bytes ?? [])
    }
}

// Which lease said what about which slot's past: two that say the same are a proof.
extension RecordBook {
    /// How many claims are remembered.
    public var claimCount: Int { claims.count }

    /// Whether a proof says that this provider leased a slot twice: its offers are not shown.
    public func isProven(_ provider: Ed25519.PublicKey) -> Bool {
        !proofCounts.isEmpty && proofCounts[provider] != nil
    }

    /// The proofs against a provider, ascending by subject.
    public func proofs(against provider: Ed25519.PublicKey) -> [SignedRecord] {
        guard isProven(provider) else { return [] }
        return held(of: provider).map(\.record).filter { $0.kind == .proof }
    }

    /// The proof that we could publish: we hold two leases that make one, and nobody's proof against their provider.
    public func unpublishedProof(over subject: SubjectKey) -> ProofBody? {
        guard subject.kind == .proof, !isProven(subject.author), let clash = clashes[subject.author],
            SubjectKey.proof(over: clash.claim) == subject
        else { return nil }
        return clash
    }

    /// What `BookChange.conflictFound` asks to be published, if nobody has done it meanwhile: a conflict or a proof.
    public func unpublishedStatement(over subject: SubjectKey) -> RecordBody? {
        if let proof = unpublishedProof(over: subject) { return .proof(proof) }
        return unpublishedConflict(over: subject).map(RecordBody.conflict)
    }

    /// Remembers what a lease says about its slots to the lease's expiry, whether or not the record itself stays.
    mutating func rememberClaims(of record: SignedRecord, into changes: inout [BookChange]) {
        guard record.kind == .lease, case .lease(let lease) = record.record.body else { return }
        for claim in lease.body.claims {
            if let known = claims[claim] {
                note(record, against: known.lease, into: &changes)
                // Of a lease's versions the one that lasts longest stands for it; of two leases the first known.
                guard known.lease.subject == record.subject, known.until < record.record.expiresAt else { continue }
                claimDeadlines.remove(ClaimDeadline(at: known.until, claim: claim))
            } else {
                guard claimsByProvider[claim.provider, default: 0] < config.claimsPerProviderMax else { continue }
                claimsByProvider[claim.provider, default: 0] += 1
            }
            claims[claim] = HeldClaim(lease: record)
            claimDeadlines.insert(ClaimDeadline(at: record.record.expiresAt, claim: claim))
            if claims.count > config.claimCountMax, let soonest = claimDeadlines.first { forget(soonest) }
        }
    }

    private mutating func note(_ record: SignedRecord, against known: SignedRecord, into changes: inout [BookChange]) {
        guard clashes[record.author] == nil, !isProven(record.author), clashes.count < config.clashCountMax,
            let proof = ProofBody(known, record)
        else { return }
        clashes[record.author] = proof
        changes.append(.conflictFound(.proof(over: proof.claim)))
    }

    mutating func forget(_ deadline: ClaimDeadline) {
        claimDeadlines.remove(deadline)
        guard claims.removeValue(forKey: deadline.claim) != nil else { return }
        let provider = deadline.claim.provider
        claimsByProvider[provider, default: 1] -= 1
        guard claimsByProvider[provider] == 0 else { return }
        claimsByProvider[provider] = nil
        clashes[provider] = nil
    }

    /// Counts a conflict, and a proof against its culprit, in or out.
    mutating func count(_ record: SignedRecord, by change: Int) {
        if record.kind == .conflict { conflictCount += change }
        guard record.kind == .proof, case .proof(let body) = record.record.body else { return }
        let count = proofCounts[body.culprit, default: 0] + change
        proofCounts[body.culprit] = count == 0 ? nil : count
    }
}
