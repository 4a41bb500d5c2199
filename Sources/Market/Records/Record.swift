public import Cryptography

/// What a record says; exactly one body.
public enum RecordBody: Hashable, Sendable {
    case machine(MachineBody)
    case offer(OfferBody)
    case presence(PresenceBody)
    case withdrawal(WithdrawalBody)
    case conflict(ConflictBody)

    public var kind: RecordKind {
        switch self {
        case .machine: .machine
        case .offer: .offer
        case .presence: .presence
        case .withdrawal: .withdrawal
        case .conflict: .conflict
        }
    }
}

/// One expiring statement, the payload of a signed envelope.
public struct Record: Hashable, Sendable {
    public enum Bounds {
        public static let networkByteCountMax = 32
        /// Below 2⁶³, so that every language's integers hold it.
        public static let sequenceMax = UInt64(Int64.max)
        /// The last millisecond of the year 9999.
        public static let timeMax: Int64 = 253_402_300_799_999
    }

    /// The market's name, so that a record of one network is worthless in another: 1…32 of `a…z`, `0…9`, `-`.
    public var network: String
    /// Rises with everything that the author signs; 1 ..< 2⁶³.
    public var sequence: UInt64
    /// Milliseconds since the Unix epoch.
    public var issuedAt: Int64
    /// Milliseconds since the Unix epoch; later than `issuedAt` by at most the kind's longest life.
    public var expiresAt: Int64
    public var body: RecordBody

    public init(network: String, sequence: UInt64, issuedAt: Int64, expiresAt: Int64, body: RecordBody) {
        self.network = network
        self.sequence = sequence
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.body = body
    }

    public var kind: RecordKind { body.kind }

    /// The subject key that this record has if `author` signs it.
    public func subject(author: Ed25519.PublicKey) -> SubjectKey {
        switch body {
        case .machine(let body): .machine(body.machine, of: author)
        case .offer(let body): .offer(body.offer, of: author)
        case .presence(let body): .presence(of: author, in: body.marketClass)
        case .withdrawal(let body):
            switch body.subject {
            case .machine(let machine): .machine(machine, of: author)
            case .offer(let offer): .offer(offer, of: author)
            }
        case .conflict(let body): .conflict(over: body.subject)
        }
    }

    /// The class whose topics carry the record; of a conflict, the class that its rivals name (the lower id's, if two).
    public var marketClass: MarketClass {
        switch body {
        case .machine(let body): body.marketClass
        case .offer(let body): body.marketClass
        case .presence(let body): body.marketClass
        case .withdrawal(let body): body.marketClass
        case .conflict(let body): body.first.record.marketClass
        }
    }
}
