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
    /// A batch that does not unpack to what it says.
    case batch
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
/// }
/// message Comparison { string network = 1; uint64 unix_seconds = 2; repeated Lane lanes = 3; }
/// message Lane { uint64 number = 1; bytes message = 2; }
/// message Batch { uint64 byte_count = 1; bytes block = 2; uint64 answered = 3; }
/// ```
enum SyncRequest: Hashable, Sendable {
    case compare(SyncComparison)
    case fetch([RecordID])
    case give(RecordBatch)
    case author([UInt8])
}

/// Its answer.
///
/// ```
/// message SyncAnswer {                  // exactly one of
///   Compared compared = 1;
///   Batch batch = 2;
///   bytes taken = 3;                    // the places of what was refused
///   bool busy = 4;
/// }
/// message Compared { repeated Lane lanes = 1; bytes unknown = 2; uint64 unix_seconds = 3; }
/// ```
enum SyncAnswer: Hashable, Sendable {
    /// What is to say of the lanes that differ, and which lanes are not followed here, one byte each; equal ones are left out.
    case compared([LaneMessage], unknown: [UInt8], unixSeconds: Int64)
    case batch(RecordBatch)
    /// What was given is judged; the places in the batch, one byte each, of the records that are not wanted here.
    case taken(refused: [UInt8])
    /// The asker has used up its allowance.
    case busy
}

// MARK: Writing

extension SyncRequest {
    var encoded: [UInt8] {
        var writer = ProtobufWriter()
        switch self {
        case .compare(let comparison):
            writer.message(1) { nested in
                nested.text(1, comparison.network)
                nested.varint(2, UInt64(comparison.unixSeconds))
                for lane in comparison.lanes { nested.message(3, lane.write) }
            }
        case .fetch(let ids):
            var bytes: [UInt8] = []
            bytes.reserveCapacity(ids.count * RecordID.byteCount)
            for id in ids { bytes += id.bytes }
            writer.requiredBytes(2, bytes)
        case .give(let batch): writer.message(3, batch.write)
        case .author(let key): writer.requiredBytes(4, key)
        }
        return writer.bytes
    }
}

extension SyncAnswer {
    var encoded: [UInt8] {
        var writer = ProtobufWriter()
        switch self {
        case .compared(let lanes, let unknown, let unixSeconds):
            writer.message(1) { nested in
                for lane in lanes { nested.message(1, lane.write) }
                nested.bytes(2, unknown)
                nested.varint(3, UInt64(unixSeconds))
            }
        case .batch(let batch): writer.message(2, batch.write)
        case .taken(let refused): writer.requiredBytes(3, refused)
        case .busy: writer.bool(4, true)
        }
        return writer.bytes
    }
}

extension LaneMessage {
    fileprivate func write(to writer: inout ProtobufWriter) {
        writer.varint(1, UInt64(lane))
        writer.bytes(2, message)
    }
}

extension RecordBatch {
    fileprivate func write(to writer: inout ProtobufWriter) {
        writer.varint(1, UInt64(byteCount))
        writer.bytes(2, block)
        writer.varint(3, UInt64(answeredCount))
    }
}

// MARK: Reading

extension SyncRequest {
    init(parsing source: borrowing Span<UInt8>) throws(SyncError) {
        do {
            self = try Self.read(source)
        } catch let error as ProtobufError {
            throw .protobuf(error)
        } catch let error as SyncError {
            throw error
        } catch {
            throw .kind
        }
    }

    private static func read(_ source: borrowing Span<UInt8>) throws -> SyncRequest {
        var request: SyncRequest?
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            guard (1...4).contains(field.number) else { continue }
            guard request == nil else { throw SyncError.kind }
            switch field.number {
            case 1:
                let range = try field.range(byteCountMax: SyncLimits.frameByteCountMax)
                request = .compare(try SyncComparison(reading: source.extracting(range)))
            case 2:
                let byteCountMax = SyncLimits.batchRecordCountMax * RecordID.byteCount
                let range = try field.range(byteCountMax: byteCountMax)
                guard !range.isEmpty, range.count % RecordID.byteCount == 0 else { throw SyncError.ids }
                var ids: [RecordID] = []
                for start in stride(from: range.lowerBound, to: range.upperBound, by: RecordID.byteCount) {
                    let bytes = Array(copying: source.extracting(start..<start + RecordID.byteCount))
                    if let id = RecordID(bytes) { ids.append(id) }
                }
                request = .fetch(ids)
            case 3:
                let range = try field.range(byteCountMax: SyncLimits.batchFrameByteCountMax)
                request = .give(try RecordBatch(reading: source.extracting(range)))
            default:
                let key = try field.bytes(of: source, byteCountMax: 32)
                guard key.count == 32 else { throw SyncError.ids }
                request = .author(key)
            }
        }
        guard let request else { throw SyncError.kind }
        return request
    }
}

extension SyncAnswer {
    init(parsing source: borrowing Span<UInt8>) throws(SyncError) {
        do {
            self = try Self.read(source)
        } catch let error as ProtobufError {
            throw .protobuf(error)
        } catch let error as SyncError {
            throw error
        } catch {
            throw .kind
        }
    }

    private static func read(_ source: borrowing Span<UInt8>) throws -> SyncAnswer {
        var answer: SyncAnswer?
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            guard (1...4).contains(field.number) else { continue }
            guard answer == nil else { throw SyncError.kind }
            switch field.number {
            case 1:
                let range = try field.range(byteCountMax: SyncLimits.frameByteCountMax)
                answer = try compared(source.extracting(range))
            case 2:
                let range = try field.range(byteCountMax: SyncLimits.batchFrameByteCountMax)
                answer = .batch(try RecordBatch(reading: source.extracting(range)))
            case 3:
                answer = .taken(refused: try field.bytes(of: source, byteCountMax: SyncLimits.batchRecordCountMax))
            default:
                guard try field.bool() else { throw SyncError.kind }
                answer = .busy
            }
        }
        guard let answer else { throw SyncError.kind }
        return answer
    }

    private static func compared(_ source: borrowing Span<UInt8>) throws -> SyncAnswer {
        var (lanes, unknown, unixSeconds): ([LaneMessage], [UInt8], Int) = ([], [], 0)
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            switch field.number {
            case 1: try lanes.appendLane(field, of: source)
            case 2: unknown = try field.bytes(of: source, byteCountMax: SyncLimits.laneCountMax)
            case 3: unixSeconds = try field.int(in: 0...SyncComparison.unixSecondsMax)
            default: continue
            }
        }
        return .compared(lanes, unknown: unknown, unixSeconds: Int64(unixSeconds))
    }
}

extension SyncComparison {
    fileprivate init(reading source: borrowing Span<UInt8>) throws {
        var (network, unixSeconds, lanes): (String, Int, [LaneMessage]) = ("", 0, [])
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            switch field.number {
            case 1: network = try field.text(of: source, byteCountMax: SyncLimits.networkByteCountMax)
            case 2: unixSeconds = try field.int(in: 0...Self.unixSecondsMax)
            case 3: try lanes.appendLane(field, of: source)
            default: continue
            }
        }
        self.init(network: network, unixSeconds: Int64(unixSeconds), lanes: lanes)
    }
}

extension [LaneMessage] {
    /// Lanes ascend, so that none is named twice.
    fileprivate mutating func appendLane(_ field: ProtobufField, of source: borrowing Span<UInt8>) throws {
        let nested = source.extracting(try field.range(byteCountMax: SyncLimits.frameByteCountMax))
        var (number, message): (Int, [UInt8]) = (0, [])
        var reader = ProtobufReader(copy nested)
        while let field = try reader.next() {
            switch field.number {
            case 1: number = try field.int(in: 0...255)
            case 2: message = try field.bytes(of: nested, byteCountMax: SyncLimits.frameByteCountMax)
            default: continue
            }
        }
        guard count < SyncLimits.laneCountMax, last.map({ $0.lane < number }) ?? true else { throw SyncError.lanes }
        append(LaneMessage(lane: number, message: message))
    }
}

extension RecordBatch {
    fileprivate init(reading source: borrowing Span<UInt8>) throws {
        var (byteCount, block, answeredCount): (Int, [UInt8], Int) = (0, [], 0)
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            switch field.number {
            case 1: byteCount = try field.int(in: 0...SyncLimits.batchByteCountMax)
            case 2: block = try field.bytes(of: source, byteCountMax: SyncLimits.batchFrameByteCountMax)
            case 3: answeredCount = try field.int(in: 0...SyncLimits.batchRecordCountMax)
            default: continue
            }
        }
        self.init(byteCount: byteCount, block: block, answeredCount: answeredCount)
    }
}
