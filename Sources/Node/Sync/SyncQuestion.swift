internal import Market
internal import Primitives

/// Which offers somebody wants to see who follows none of their lanes.
struct SyncQuestion: Hashable, Sendable {
    let network: String
    /// By number, ascending.
    let lanes: [UInt8]
    /// Catalogue ids, ascending; none for any.
    let models: [String]
    /// Where the last answer ended.
    var after: OfferPlace?

    /// `models` that are too many to be named are all asked for.
    init(network: String, lanes: some Sequence<Int>, models: Set<String>, after: OfferPlace? = nil) {
        self.network = network
        self.lanes = lanes.map { UInt8($0) }.sorted()
        self.models = models.count > SyncLimits.modelCountMax ? [] : models.sorted()
        self.after = after
    }
}

extension SyncQuestion {
    func write(to writer: inout ProtobufWriter) {
        writer.text(1, network)
        writer.bytes(2, lanes)
        for model in models { writer.text(3, model) }
        if let after { writer.message(4, after.write) }
    }

    init(reading source: borrowing Span<UInt8>) throws {
        var (network, lanes, models): (String, [UInt8], [String]) = ("", [], [])
        var after: OfferPlace?
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            switch field.number {
            case 1: network = try field.text(of: source, byteCountMax: SyncLimits.networkByteCountMax)
            case 2: lanes = try field.bytes(of: source, byteCountMax: SyncLimits.laneCountMax)
            case 3:
                let model = try field.text(of: source, byteCountMax: SyncLimits.modelByteCountMax)
                guard !model.isEmpty, models.count < SyncLimits.modelCountMax else { throw SyncError.models }
                models.append(model)
            case 4: after = try OfferPlace(reading: source.extracting(try field.range(byteCountMax: 64)))
            default: continue
            }
        }
        guard zip(lanes, lanes.dropFirst()).allSatisfy({ $0 < $1 }) else { throw SyncError.lanes }
        self.init(network: network, lanes: lanes.map(Int.init), models: Set(models), after: after)
    }
}

extension OfferPlace {
    func write(to writer: inout ProtobufWriter) {
        writer.varint(1, UInt64(max(0, micros)))
        writer.bytes(2, id.bytes)
    }

    init(reading source: borrowing Span<UInt8>) throws {
        var (micros, id): (Int, RecordID?) = (0, nil)
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            switch field.number {
            case 1: micros = try field.int(in: 0...Int.max)
            case 2: id = RecordID(try field.bytes(of: source, byteCountMax: RecordID.byteCount))
            default: continue
            }
        }
        guard let id else { throw SyncError.ids }
        self.init(micros: Int64(micros), id: id)
    }
}
