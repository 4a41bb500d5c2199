public import Identity
public import Primitives

/// Why bytes are not a record.
public enum RecordError: Error, Hashable, Sendable {
    case envelope(EnvelopeError)
    /// Signed for something else than a record of this version.
    case payloadType
    case malformed(ProtobufError)
    /// A field that the body cannot be without.
    case missing(String)
    case outOfBounds(String)
    /// Not UTF-8, or with control characters.
    case text(String)
    /// A set that is not ascending and unique.
    case unsorted(String)
    /// A body of a later version; the number is its field's.
    case unknownBody(Int)
    /// A value of a later version.
    case unknownValue(String)
    /// Fields that contradict each other.
    case contradiction(String)
    /// Longer than its kind may be.
    case tooLong
    /// The fields are there, but not in their one encoding.
    case notCanonical

    /// Whether an honest node of a later version may have sent it: such a record is ignored, every other is rejected.
    public var mayBeNewer: Bool {
        switch self {
        case .payloadType, .unknownBody, .unknownValue, .tooLong: true
        case .envelope(let error): error == .tooLong
        case .malformed, .missing, .outOfBounds, .text, .unsorted, .contradiction, .notCanonical: false
        }
    }
}
