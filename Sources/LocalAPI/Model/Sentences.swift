internal import Identity
public import Market
public import Node

// What went wrong, for people.

extension StoreFailure {
    public var sentence: String {
        switch self {
        case .diskFull: "the disk is full"
        case .inputOutput(let reason): reason
        case .corrupt(let reason): "a file is damaged: \(reason)"
        case .newerVersion(let number): "a newer version of rialto wrote it (schema \(number))"
        case .locked: "another process holds it"
        case .readOnly: "it is read-only"
        }
    }
}

extension RecordError {
    public var sentence: String {
        switch self {
        case .outOfBounds(let field): "\(field) is out of bounds"
        case .text(let field): "\(field) is no allowed text"
        case .missing(let field): "\(field) is missing"
        case .contradiction(let field): "\(field) contradicts the rest"
        case .unsorted(let field): "\(field) is not in order, or has something twice"
        case .tooLong: "it is too long"
        case .envelope(.tooLong): "it is longer than any signed envelope"
        case .envelope: "it is no signed envelope"
        case .payloadType: "it is a signed envelope of something else than a record"
        case .malformed: "it is cut off, or its fields are broken"
        case .unknownBody(let number): "it is of a kind that this version does not know (\(number))"
        case .unknownValue(let field): "\(field) has a value that this version does not know"
        case .notCanonical: "it is written in another way than the one way there is"
        }
    }
}

extension RecordRejection {
    public var sentence: String {
        switch self {
        case .malformed(let error): error.sentence
        case .wrongNetwork: "it belongs to another network"
        case .wrongTopic: "it came on a topic that is not its own"
        case .badSignature: "the signature does not hold"
        }
    }
}

extension RecordDismissal {
    public var sentence: String {
        switch self {
        case .tooLong: "it is longer than any record"
        case .topicNotFollowed: "this node does not follow its topic"
        case .newerVersion(let error): "a later version may know it: \(error.sentence)"
        case .expired: "it has expired"
        case .early: "it was issued later than our clock"
        case .duplicate: "it is held already"
        case .stale: "a newer one of its subject is known"
        case .banned: "its author is shut out"
        case .verificationBudget: "too many signatures wait"
        case .authorQuota: "its author holds its share"
        case .segmentFull: "its segment is full"
        case .surplusRival: "two rivals of it are held already"
        case .knownConflict: "the conflict is known"
        case .forwardingRate: "its subject changes too often"
        }
    }
}
