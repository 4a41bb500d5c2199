internal import Cryptography
internal import Identity
internal import Market
internal import Primitives
internal import Swarm

/// The small values of which inputs are made.
extension RecordingWriter {
    mutating func address(_ value: IPAddress) { bytes(value.bytes) }

    mutating func endpoint(_ value: Endpoint) {
        address(value.address)
        count(Int(value.port))
    }

    mutating func transportFailure(_ value: TransportFailure) {
        switch value {
        case .refused: number(0)
        case .timedOut: number(1)
        case .unreachable: number(2)
        case .reset: number(3)
        case .addressInUse: number(4)
        case .addressNotAvailable: number(5)
        case .permissionDenied: number(6)
        case .tooManyDescriptors: number(7)
        case .system(let name):
            number(8)
            text(name)
        }
    }

    mutating func storeFailure(_ value: StoreFailure) {
        switch value {
        case .diskFull: number(0)
        case .inputOutput(let reason):
            number(1)
            text(reason)
        case .corrupt(let reason):
            number(2)
            text(reason)
        case .newerVersion(let version):
            number(3)
            signed(Int64(version))
        case .locked: number(4)
        case .readOnly: number(5)
        }
    }

    mutating func subject(_ value: SubjectKey) {
        bytes(value.author.bytes)
        number(UInt64(value.kind.rawValue))
        bytes(value.id)
    }

    mutating func segment(_ value: Segment) {
        number(UInt64(value.marketClass.rawValue))
        count(value.shard)
    }

    mutating func record(_ value: StoredRecord) {
        bytes(value.id.bytes)
        subject(value.subject)
        number(value.sequence)
        signed(value.expiresAt)
        signed(value.receivedAt)
        bytes(value.envelope)
    }

    mutating func row(_ value: StoredRow) {
        number(UInt64(value.table.rawValue))
        bytes(value.key)
        bytes(value.value)
    }

    mutating func ban(_ value: Ban) {
        text("\(value.target)")
        optional(value.until) { $0.signed($1) }
        text(value.reason)
    }
}

extension RecordingReader {
    mutating func address() throws(RecordingError) -> IPAddress {
        try checked { reader throws(RecordingError) in IPAddress(try reader.byteArray()) }
    }

    mutating func endpoint() throws(RecordingError) -> Endpoint {
        let address = try address()
        guard let port = UInt16(exactly: try number()) else { throw .senseless }
        return Endpoint(address: address, port: port)
    }

    mutating func multiaddr() throws(RecordingError) -> Multiaddr {
        try checked { reader throws(RecordingError) in
            let bytes = try reader.byteArray()
            return try? Multiaddr(bytes: bytes)
        }
    }

    mutating func peer() throws(RecordingError) -> PeerID {
        try checked { reader throws(RecordingError) in
            let bytes = try reader.byteArray()
            return try? PeerID(bytes: bytes)
        }
    }

    mutating func publicKey() throws(RecordingError) -> Ed25519.PublicKey {
        try checked { reader throws(RecordingError) in Ed25519.PublicKey(try reader.byteArray()) }
    }

    mutating func transportFailure() throws(RecordingError) -> TransportFailure {
        switch try number() {
        case 0: return .refused
        case 1: return .timedOut
        case 2: return .unreachable
        case 3: return .reset
        case 4: return .addressInUse
        case 5: return .addressNotAvailable
        case 6: return .permissionDenied
        case 7: return .tooManyDescriptors
        case 8: return .system(try text())
        default: throw .senseless
        }
    }

    mutating func storeFailure() throws(RecordingError) -> StoreFailure {
        switch try number() {
        case 0: return .diskFull
        case 1: return .inputOutput(try text())
        case 2: return .corrupt(try text())
        case 3:
            guard let version = Int(exactly: try signed()) else { throw .senseless }
            return .newerVersion(version)
        case 4: return .locked
        case 5: return .readOnly
        default: throw .senseless
        }
    }

    mutating func subject() throws(RecordingError) -> SubjectKey {
        guard let author = Ed25519.PublicKey(try byteArray()), let kind = UInt8(exactly: try number()),
            let kind = RecordKind(rawValue: kind), kind != .withdrawal
        else { throw .senseless }
        return SubjectKey(author: author, kind: kind, id: try byteArray())
    }

    mutating func segment() throws(RecordingError) -> Segment {
        guard let raw = UInt8(exactly: try number()), let marketClass = MarketClass(rawValue: raw) else {
            throw .senseless
        }
        return Segment(marketClass: marketClass, shard: try count())
    }

    mutating func record() throws(RecordingError) -> StoredRecord {
        let id = try checked { reader throws(RecordingError) in RecordID(try reader.byteArray()) }
        let subject = try subject()
        let (sequence, expiresAt, receivedAt) = (try number(), try signed(), try signed())
        return StoredRecord(
            id: id,
            subject: subject,
            sequence: sequence,
            expiresAt: expiresAt,
            receivedAt: receivedAt,
            envelope: try byteArray()
        )
    }

    mutating func row() throws(RecordingError) -> StoredRow {
        let table = try choice(OwnTable.self)
        return StoredRow(table, key: try byteArray(), value: try byteArray())
    }

    /// A case of an enum by its number.
    mutating func choice<Choice: RawRepresentable<UInt8>>(_ type: Choice.Type) throws(RecordingError) -> Choice {
        guard let raw = UInt8(exactly: try number()), let choice = Choice(rawValue: raw) else { throw .senseless }
        return choice
    }

    mutating func banTarget() throws(RecordingError) -> BanTarget {
        try checked { reader throws(RecordingError) in BanTarget(try reader.text()) }
    }

    mutating func ban() throws(RecordingError) -> Ban {
        let target = try banTarget()
        let until = try optional { reader throws(RecordingError) in try reader.signed() }
        return try checked { reader throws(RecordingError) in Ban(target, until: until, reason: try reader.text()) }
    }
}
