public import Cryptography

/// Two leases that no honest provider can have signed, whatever accident befell it: one slot, one past, two leases.
///
/// It needs no other data. Overlapping times prove nothing, since a lease may close early; two versions of one lease are a
/// conflict.
public struct ProofBody: Hashable, Sendable {
    /// The record with the lower id.
    public let first: SignedRecord
    /// The record with the higher id.
    public let second: SignedRecord
    /// The lowest slot that both claim.
    public let claim: SlotClaim

    /// `nil` unless both are leases of one provider and network with different lease ids and a slot claim in common.
    public init?(_ one: SignedRecord, _ other: SignedRecord) {
        guard case .lease(let left) = one.record.body, case .lease(let right) = other.record.body,
            one.author == other.author, one.record.network == other.record.network,
            left.body.lease != right.body.lease,
            let claim = left.body.claims.first(where: right.body.claims.contains)
        else { return nil }
        (first, second) = one.id < other.id ? (one, other) : (other, one)
        self.claim = claim
    }

    public var culprit: Ed25519.PublicKey { first.author }
}
