/// What becomes of one inbound record.
public enum RecordVerdict: Hashable, Sendable {
    /// Stored; pass it on.
    case accept
    /// Bytes that no honest node of any version sends: they cost their sender score.
    case reject(RecordRejection)
    /// Neither passed on nor punished.
    case ignore(RecordDismissal)

    /// Whether the message id counts as seen: never after a drop for a budget, a quota, a full store or an early clock,
    /// because the same bytes may be welcome later.
    public var isFinal: Bool {
        switch self {
        case .accept, .reject: true
        case .ignore(let dismissal): dismissal.isFinal
        }
    }
}

public enum RecordRejection: Hashable, Sendable {
    case malformed(RecordError)
    case wrongNetwork
    /// Sent on a topic that is not the record's.
    case wrongTopic
    case badSignature
}

public enum RecordDismissal: Hashable, Sendable {
    /// Longer than any record.
    case tooLong
    case topicNotFollowed
    /// A type, body or value that a later version may know.
    case newerVersion(RecordError)
    case expired
    /// Issued later than our clock and its tolerance.
    case early
    /// Held already, perhaps under another message id.
    case duplicate
    /// Not above what its subject has seen.
    case stale
    case banned
    /// The peer asked for too many verifications.
    case verificationBudget
    /// The author holds its share with higher sequences.
    case authorQuota
    /// The author stands behind today's cut of a full segment.
    case segmentFull
    /// Two rivals with lower ids are held already.
    case surplusRival
    /// The same conflict is known; stored only if its id is lower.
    case knownConflict
    /// Stored, but its subject changes too often to be passed on.
    case forwardingRate

    public var isFinal: Bool {
        switch self {
        case .topicNotFollowed, .early, .verificationBudget, .authorQuota, .segmentFull: false
        case .tooLong, .newerVersion, .expired, .duplicate, .stale, .banned, .surplusRival, .knownConflict,
            .forwardingRate:
            true
        }
    }
}
