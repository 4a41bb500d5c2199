public import Cryptography

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
    /// Milliseconds since the Unix epoch; later than `issuedAt` by at most the body's longest life.
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
    public func subject(author: Ed25519.PublicKey) -> SubjectKey { body.subject(author: author) }

    /// The class whose topics carry the record; of a conflict or proof, the class that its records name (the lower id's, if
    /// two), of a request the lowest that it names.
    public var marketClass: MarketClass { body.marketClass }
}
