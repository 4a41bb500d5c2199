internal import Cryptography
internal import Market

/// What was asked for, and what was to be attested.
extension RecordingWriter {
    mutating func requestCommand(_ command: NodeCommand) {
        switch command {
        case .attest(let provider):
            number(31)
            bytes(provider.bytes)
        case .publishRequest(let draft):
            number(32)
            request(draft)
        case .withdrawRequest(let request):
            number(33)
            bytes(request.bytes)
        case .acceptRequest(let request, let bid):
            number(34)
            bytes(request.bytes)
            optional(bid) { $0.bytes($1.bytes) }
        case .requests: number(35)
        default: preconditionFailure("no command about requests")
        }
    }

    private mutating func request(_ draft: RequestDraft) {
        list(draft.alternatives) { writer, alternative in
            writer.number(UInt64(alternative.marketClass.rawValue))
            writer.list(alternative.catalogueIDs) { $0.text($1) }
            writer.signed(Int64(alternative.count))
            writer.signed(Int64(alternative.memoryMinMebibytes))
        }
        text(draft.filters)
        text(draft.unit)
        for value in [draft.totalMicrosMax, Int64(draft.durationSeconds), draft.openMilliseconds] { signed(value) }
        flag(draft.hasPublicBids)
        flag(draft.isAutomatic)
        terms(draft.terms)
    }

    private mutating func terms(_ terms: LeaseTerms) {
        text(terms.image)
        for texts in [terms.command, terms.environment, terms.accessKeys] { list(texts) { $0.text($1) } }
        list(terms.ports) { $0.signed(Int64($1)) }
    }
}

extension RecordingReader {
    static let requestCommands: ClosedRange<UInt64> = 31...35

    mutating func requestCommand(_ number: UInt64) throws(RecordingError) -> NodeCommand {
        switch number {
        case 31: return .attest(try publicKey())
        case 32: return .publishRequest(try requestDraft())
        case 33: return .withdrawRequest(try request())
        case 34:
            let wanted = try request()
            return .acceptRequest(wanted, try optional { reader throws(RecordingError) in try reader.bid() })
        case 35: return .requests
        default: throw .senseless
        }
    }

    private mutating func request() throws(RecordingError) -> RequestID {
        try checked { reader throws(RecordingError) in RequestID(try reader.byteArray()) }
    }

    private mutating func bid() throws(RecordingError) -> BidID {
        try checked { reader throws(RecordingError) in BidID(try reader.byteArray()) }
    }

    private mutating func requestDraft() throws(RecordingError) -> RequestDraft {
        let alternatives = try list { reader throws(RecordingError) in try reader.alternative() }
        let (filters, unit) = (try text(), try text())
        let (total, duration, open) = (try signed(), try requestNumber(), try signed())
        let (isPublic, isAutomatic) = (try flag(), try flag())
        var draft = RequestDraft(
            alternatives: alternatives,
            totalMicrosMax: total,
            durationSeconds: duration,
            openMilliseconds: open,
            terms: try requestTerms()
        )
        (draft.filters, draft.unit) = (filters, unit)
        (draft.hasPublicBids, draft.isAutomatic) = (isPublic, isAutomatic)
        return draft
    }

    private mutating func alternative() throws(RecordingError) -> RequestBody.Alternative {
        guard let raw = UInt8(exactly: try number()), let marketClass = MarketClass(rawValue: raw) else {
            throw .senseless
        }
        return RequestBody.Alternative(
            marketClass: marketClass,
            catalogueIDs: try list { reader throws(RecordingError) in try reader.text() },
            count: try requestNumber(),
            memoryMinMebibytes: try requestNumber()
        )
    }

    private mutating func requestTerms() throws(RecordingError) -> LeaseTerms {
        let image = try text()
        var lists: [[String]] = []
        for _ in 0..<3 { lists.append(try list { reader throws(RecordingError) in try reader.text() }) }
        return LeaseTerms(
            image: image,
            command: lists[0],
            environment: lists[1],
            ports: try list { reader throws(RecordingError) in try reader.requestNumber() },
            accessKeys: lists[2]
        )
    }

    private mutating func requestNumber() throws(RecordingError) -> Int {
        guard let value = Int(exactly: try signed()) else { throw .senseless }
        return value
    }
}
