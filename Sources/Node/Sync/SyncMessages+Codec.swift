internal import Market
internal import Primitives

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
        case .find(let question): writer.message(5, question.write)
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
        case .found(let batch, let unknown, let next):
            writer.message(5) { nested in
                nested.message(1, batch.write)
                nested.bytes(2, unknown)
                if let next { nested.message(3, next.write) }
            }
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
        self = try SyncError.catching(source, Self.read)
    }

    private static func read(_ source: borrowing Span<UInt8>) throws -> SyncRequest {
        var request: SyncRequest?
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            guard (1...5).contains(field.number) else { continue }
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
            case 5:
                let range = try field.range(byteCountMax: SyncLimits.frameByteCountMax)
                request = .find(try SyncQuestion(reading: source.extracting(range)))
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
        self = try SyncError.catching(source, Self.read)
    }

    private static func read(_ source: borrowing Span<UInt8>) throws -> SyncAnswer {
        var answer: SyncAnswer?
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            guard (1...5).contains(field.number) else { continue }
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
            case 5:
                let range = try field.range(byteCountMax: SyncLimits.batchFrameByteCountMax)
                answer = try found(source.extracting(range))
            default:
                guard try field.bool() else { throw SyncError.kind }
                answer = .busy
            }
        }
        guard let answer else { throw SyncError.kind }
        return answer
    }

    private static func found(_ source: borrowing Span<UInt8>) throws -> SyncAnswer {
        var (batch, unknown): (RecordBatch, [UInt8]) = (RecordBatch(packing: []), [])
        var next: OfferPlace?
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            switch field.number {
            case 1:
                let range = try field.range(byteCountMax: SyncLimits.batchFrameByteCountMax)
                batch = try RecordBatch(reading: source.extracting(range))
            case 2: unknown = try field.bytes(of: source, byteCountMax: SyncLimits.laneCountMax)
            case 3: next = try OfferPlace(reading: source.extracting(try field.range(byteCountMax: 64)))
            default: continue
            }
        }
        return .found(batch, unknown: unknown, next: next)
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
