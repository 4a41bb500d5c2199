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
