/// Two envelopes of one author with one subject key and one sequence but two record ids: an accident or a trick.
///
/// It hides both and accuses nobody.
public struct ConflictBody: Hashable, Sendable {
    /// The record with the lower id.
    public let first: SignedRecord
    /// The record with the higher id.
    public let second: SignedRecord

    /// `nil` unless the two are rivals: same author, subject key and sequence, different ids, neither a conflict or proof itself.
    public init?(_ one: SignedRecord, _ other: SignedRecord) {
        guard one.subject == other.subject, one.record.sequence == other.record.sequence, one.id != other.id,
            one.record.network == other.record.network, one.kind != .conflict, one.kind != .proof
        else { return nil }
        (first, second) = one.id < other.id ? (one, other) : (other, one)
    }

    /// The subject key that both claim.
    public var subject: SubjectKey { first.subject }
    /// The sequence that both carry.
    public var sequence: UInt64 { first.record.sequence }
}
