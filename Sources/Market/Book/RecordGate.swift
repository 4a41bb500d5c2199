public import Cryptography
public import Primitives

/// A record that is canonical and welcome, waiting for its signatures.
public struct PendingRecord: Sendable {
    public let record: SignedRecord
}

/// A record as it was read from its bytes, perhaps with the checks that it needs, so that many may share both.
public struct ReadRecord: Sendable {
    public let record: SignedRecord
    /// `nil` until they are needed: most records are dropped before.
    let checks: [SignatureCheck]?

    /// A record whose checks are made if they are needed.
    public init(record: SignedRecord) {
        (self.record, checks) = (record, nil)
    }

    /// A record whose checks are made now, once for all.
    public init(checking record: SignedRecord) {
        (self.record, checks) = (record, record.signatureChecks)
    }
}

/// Judges inbound records in the order of the verdict, cheapest check first, split around the signatures.
///
/// The pubsub layer has checked frame, message budget and message id before; the store is the book. Nothing here draws, waits
/// or remembers: the node gives the clocks, the bans and the peer's budget.
public struct RecordGate: Sendable {
    /// How far an author's clock may be ahead of ours.
    public static let clockToleranceMilliseconds: Int64 = 120_000

    public enum Screening: Sendable {
        case drop(RecordVerdict)
        /// Verify these (one; of what embeds others more), then call `admit`.
        case needsSignatures(PendingRecord, [SignatureCheck])
    }

    public let network: String
    public let profile: MarketProfile

    public init(network: String, profile: MarketProfile = .first) {
        precondition(NetworkName.isValid(network), "\(network) is no network name")
        (self.network, self.profile) = (network, profile)
    }

    /// Checks everything that needs no signature.
    ///
    /// `topic` is where the record was gossiped, `nil` if it was fetched from a peer; `now` is wall time in milliseconds since
    /// the Unix epoch, `instant` the monotonic clock of the budget. The budget is charged only if all other checks pass.
    public func screen(
        _ envelope: [UInt8],
        on topic: String?,
        against book: RecordBook,
        at now: Int64,
        instant: Instant,
        budget: inout VerificationBudget,
        isFollowed: (MarketTopic.Lane) -> Bool = { _ in true },
        isBanned: (Ed25519.PublicKey) -> Bool = { _ in false }
    ) -> Screening {
        var lane: MarketTopic.Lane?
        if let topic {
            guard let parsed = MarketTopic(text: topic), parsed.network == network, parsed.profile == profile,
                isFollowed(parsed.lane)
            else {
                let isLong = envelope.count > SignedRecord.byteCountMax
                return .drop(.ignore(isLong ? .tooLong : .topicNotFollowed))
            }
            lane = parsed.lane
        }
        return screen(
            envelope,
            in: lane,
            against: book,
            at: now,
            instant: instant,
            budget: &budget,
            isFollowed: isFollowed,
            isBanned: isBanned
        )
    }

    /// The same for a record of a followed lane, or of none.
    public func screen(
        _ envelope: [UInt8],
        in lane: MarketTopic.Lane?,
        against book: RecordBook,
        at now: Int64,
        instant: Instant,
        budget: inout VerificationBudget,
        isFollowed: (MarketTopic.Lane) -> Bool = { _ in true },
        isBanned: (Ed25519.PublicKey) -> Bool = { _ in false }
    ) -> Screening {
        guard envelope.count <= SignedRecord.byteCountMax else { return .drop(.ignore(.tooLong)) }
        let record: SignedRecord
        do {
            record = try SignedRecord(envelope: envelope)
        } catch {
            return .drop(error.mayBeNewer ? .ignore(.newerVersion(error)) : .reject(.malformed(error)))
        }
        return screen(
            ReadRecord(record: record),
            in: lane,
            against: book,
            at: now,
            instant: instant,
            budget: &budget,
            isFollowed: isFollowed,
            isBanned: isBanned
        )
    }

    /// The same for a record that was read before.
    public func screen(
        _ read: ReadRecord,
        in lane: MarketTopic.Lane?,
        against book: RecordBook,
        at now: Int64,
        instant: Instant,
        budget: inout VerificationBudget,
        isFollowed: (MarketTopic.Lane) -> Bool = { _ in true },
        isBanned: (Ed25519.PublicKey) -> Bool = { _ in false }
    ) -> Screening {
        let record = read.record
        if let verdict = headerVerdict(of: record, on: lane, against: book, at: now) { return .drop(verdict) }
        guard profile.carries(record, in: isFollowed) else { return .drop(.ignore(.topicNotFollowed)) }
        guard !isBanned(record.subject.author), !isBanned(record.author) else { return .drop(.ignore(.banned)) }
        let checks = read.checks ?? record.signatureChecks
        guard budget.spend(checks.count, at: instant) else { return .drop(.ignore(.verificationBudget)) }
        return .needsSignatures(PendingRecord(record: record), checks)
    }

    /// Stores a record whose signatures were verified meanwhile, and says whether to pass it on.
    public func admit(
        _ pending: PendingRecord,
        signaturesHold: Bool,
        into book: inout RecordBook,
        at now: Int64,
        instant: Instant,
        changes: inout [BookChange]
    ) -> RecordVerdict {
        guard signaturesHold else { return .reject(.badSignature) }
        switch book.admit(pending.record, at: now, into: &changes) {
        case .dismissed(let dismissal): return .ignore(dismissal)
        case .admitted:
            return book.takeForwarding(of: pending.record, at: instant) ? .accept : .ignore(.forwardingRate)
        }
    }

    /// Network, times, sequence above the floor, topic: in this order.
    private func headerVerdict(
        of record: SignedRecord,
        on lane: MarketTopic.Lane?,
        against book: RecordBook,
        at now: Int64
    ) -> RecordVerdict? {
        guard record.record.network == network else { return .reject(.wrongNetwork) }
        guard record.record.expiresAt > now else { return .ignore(.expired) }
        guard record.record.issuedAt <= now + Self.clockToleranceMilliseconds else { return .ignore(.early) }
        guard !book.contains(record.id) else { return .ignore(.duplicate) }
        guard !book.isStale(record) else { return .ignore(.stale) }
        if let lane, !profile.carries(record, in: { $0 == lane }) { return .reject(.wrongTopic) }
        return nil
    }
}
