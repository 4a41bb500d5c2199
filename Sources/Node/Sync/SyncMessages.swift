internal import Market
public import Primitives

/// Why the words of a peer were no sync message; no honest peer sends such.
public enum SyncError: Error, Hashable, Sendable {
    case protobuf(ProtobufError)
    /// Not exactly one of the kinds of message.
    case kind
    /// Lanes that do not ascend, or too many.
    case lanes
    /// Record ids that are no multiple of 32 bytes.
    case ids
    /// Too many models of GPUs, or one without a name.
    case models
    /// A batch that does not unpack to what it says.
    case batch

    /// What `read` makes of the bytes, with whatever it throws as an error of this kind.
    static func catching<Message>(
        _ source: borrowing Span<UInt8>,
        _ read: (borrowing Span<UInt8>) throws -> Message
    ) throws(SyncError) -> Message {
        do {
            return try read(source)
        } catch let error as ProtobufError {
            throw .protobuf(error)
        } catch let error as SyncError {
            throw error
        } catch {
            throw .kind
        }
    }
}

/// What one side says of one lane, in negentropy's words.
struct LaneMessage: Hashable, Sendable {
    /// The lane's place among the topics of the market profile.
    let lane: Int
    let message: [UInt8]
}

/// What an asker compares.
struct SyncComparison: Hashable, Sendable {
    let network: String
    /// The asker's wall clock at the first question of the run, in seconds since the Unix epoch; both sides derive the cut from it.
    let unixSeconds: Int64
    /// Ascending by lane.
    let lanes: [LaneMessage]

    static let unixSecondsMax = 1 << 40

    /// Records that expire earlier, in milliseconds since the Unix epoch, are left out.
    var cut: UInt64 {
        let milliseconds = unixSeconds * 1_000
        return UInt64(milliseconds - milliseconds % SyncLimits.cutStep + SyncLimits.cutMargin)
    }
}

/// A question, one at a time on a stream of the asker's.
///
/// ```
/// message SyncRequest {                 // exactly one of
///   Comparison compare = 1;
///   bytes fetch = 2;                    // record ids of 32 bytes each, at most 256
///   Batch give = 3;
///   bytes author = 4;                   // a public key of 32 bytes: its newest records
///   Question find = 5;
/// }
/// message Comparison { string network = 1; uint64 unix_seconds = 2; repeated Lane lanes = 3; }
/// message Lane { uint64 number = 1; bytes message = 2; }
/// message Batch { uint64 byte_count = 1; bytes block = 2; uint64 answered = 3; }
/// message Question {
///   string network = 1;
///   bytes lanes = 2;                    // one byte each
///   repeated string models = 3;         // catalogue ids; none for any
///   Place after = 4;                    // where the last answer ended
/// }
/// message Place { uint64 micros = 1; bytes id = 2; }
/// ```
enum SyncRequest: Hashable, Sendable {
    case compare(SyncComparison)
    case fetch([RecordID])
    case give(RecordBatch)
    case author([UInt8])
    /// Offers of lanes that the asker does not follow, by price.
    case find(SyncQuestion)
}

/// Its answer.
///
/// ```
/// message SyncAnswer {                  // exactly one of
///   Compared compared = 1;
///   Batch batch = 2;
///   bytes taken = 3;                    // the places of what was refused
///   bool busy = 4;
///   Found found = 5;
/// }
/// message Compared { repeated Lane lanes = 1; bytes unknown = 2; uint64 unix_seconds = 3; }
/// message Found { Batch batch = 1; bytes unknown = 2; Place next = 3; }
/// ```
enum SyncAnswer: Hashable, Sendable {
    /// What is to say of the lanes that differ, and which lanes are not followed here, one byte each; equal ones are left out.
    case compared([LaneMessage], unknown: [UInt8], unixSeconds: Int64)
    case batch(RecordBatch)
    /// What was given is judged; the places in the batch, one byte each, of the records that are not wanted here.
    case taken(refused: [UInt8])
    /// The asker has used up its allowance.
    case busy
    /// Offers, their machines and presences; the lanes that are not followed here, one byte each; where the answer ends, unless it is whole.
    case found(RecordBatch, unknown: [UInt8], next: OfferPlace?)
}
