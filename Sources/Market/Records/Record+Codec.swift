internal import Primitives

extension Record {
    /// Field numbers 5…31 are bodies, known or not; a number beyond them is not of this payload type.
    private static let bodyNumbers = 5...31

    /// Reads a payload: a bounded, tolerant parse, then the same record encoded again and compared.
    ///
    /// - Throws: `RecordError`; `mayBeNewer` tells a record to ignore from bytes to reject.
    public init(payload: [UInt8]) throws(RecordError) {
        try self.init(payload: payload, as: .outermost)
    }

    init(payload: [UInt8], as place: RecordPlace) throws(RecordError) {
        let message = try ParsedMessage(payload)
        let numbers = message.numbers
        guard numbers.allSatisfy({ $0 < Self.bodyNumbers.upperBound + 1 }) else { throw .notCanonical }
        let bodies = numbers.filter(Self.bodyNumbers.contains)
        guard let number = bodies.first else { throw .missing("record.body") }
        guard bodies.count == 1 else { throw .contradiction("record.body") }
        guard let raw = UInt8(exactly: number), let kind = RecordKind(rawValue: raw) else { throw .unknownBody(number) }
        guard place.admits(kind) else { throw .contradiction(place.name) }
        self.init(
            network: try message.text(1, "record.network", max: Bounds.networkByteCountMax),
            sequence: try message.uint(2).opaque,
            issuedAt: Int64(try message.int(3, "record.issued_at", in: 0...Int(Bounds.timeMax))),
            expiresAt: Int64(try message.int(4, "record.expires_at", in: 0...Int(Bounds.timeMax))),
            body: try RecordBody(parsing: message.message(number, "record.body"), kind: kind)
        )
        try check()
        guard encoded == payload else { throw .notCanonical }
    }

    /// The one encoding, without checks.
    private var encoded: [UInt8] {
        var writer = ProtobufWriter()
        writer.text(1, network)
        writer.varint(2, sequence)
        writer.varint(3, UInt64(issuedAt))
        writer.varint(4, UInt64(expiresAt))
        // A oneof member is written even when it is empty.
        writer.message(Int(kind.rawValue)) { body.write(to: &$0) }
        return writer.bytes
    }

    /// The one encoding.
    ///
    /// - Throws: `RecordError` if a bound does not hold: nobody would accept the record.
    public func payload() throws(RecordError) -> [UInt8] {
        try check()
        return encoded
    }

    private func check() throws(RecordError) {
        guard NetworkName.isValid(network) else { throw .text("record.network") }
        guard (1...Bounds.sequenceMax).contains(sequence) else { throw .outOfBounds("record.sequence") }
        guard (1...Bounds.timeMax).contains(issuedAt) else { throw .outOfBounds("record.issued_at") }
        guard expiresAt > issuedAt, expiresAt <= Bounds.timeMax, expiresAt <= body.expiryMax(issuedAt: issuedAt) else {
            throw .outOfBounds("record.expires_at")
        }
        try body.check(issuedAt: issuedAt, expiresAt: expiresAt)
    }
}

extension RecordBody {
    fileprivate init(parsing message: ParsedMessage, kind: RecordKind) throws(RecordError) {
        switch kind {
        case .machine: self = .machine(try MachineBody(parsing: message))
        case .offer: self = .offer(try OfferBody(parsing: message))
        case .presence: self = .presence(try PresenceBody(parsing: message))
        case .withdrawal: self = .withdrawal(try WithdrawalBody(parsing: message))
        case .conflict: self = .conflict(try ConflictBody(parsing: message))
        case .request: self = .request(try RequestBody(parsing: message))
        case .bid: self = .bid(try BidBody(parsing: message))
        case .lease: self = .lease(try AcceptedLease(parsing: message))
        case .leaseState: self = .leaseState(try LeaseStateBody(parsing: message))
        case .receipt: self = .receipt(try ReceiptBody(parsing: message))
        case .countersignature: self = .countersignature(try CountersignatureBody(parsing: message))
        case .attestation: self = .attestation(try AttestationBody(parsing: message))
        case .proof: self = .proof(try ProofBody(parsing: message))
        case .storefront: self = .storefront(try StorefrontBody(parsing: message))
        }
    }

    fileprivate func write(to writer: inout ProtobufWriter) {
        switch self {
        case .machine(let body): body.write(to: &writer)
        case .offer(let body): body.write(to: &writer)
        case .presence(let body): body.write(to: &writer)
        case .withdrawal(let body): body.write(to: &writer)
        case .conflict(let body): body.write(to: &writer)
        case .request(let body): body.write(to: &writer)
        case .bid(let body): body.write(to: &writer)
        case .lease(let body): body.write(to: &writer)
        case .leaseState(let body): body.write(to: &writer)
        case .receipt(let body): body.write(to: &writer)
        case .countersignature(let body): body.write(to: &writer)
        case .attestation(let body): body.write(to: &writer)
        case .proof(let body): body.write(to: &writer)
        case .storefront(let body): body.write(to: &writer)
        }
    }

    fileprivate func check(issuedAt: Int64, expiresAt: Int64) throws(RecordError) {
        switch self {
        case .machine(let body): try body.check()
        case .offer(let body): try body.check()
        case .presence(let body): try body.check()
        case .withdrawal(let body): try body.check()
        case .request(let body): try body.check(issuedAt: issuedAt)
        case .bid(let body): try body.check(issuedAt: issuedAt, expiresAt: expiresAt)
        case .lease(let body): try body.check(issuedAt: issuedAt)
        case .leaseState(let body): try body.check(issuedAt: issuedAt)
        case .receipt(let body): try body.check()
        case .attestation(let body): try body.check(issuedAt: issuedAt)
        case .storefront(let body): try body.check()
        case .conflict, .countersignature, .proof: break  // What they embed was checked when it was made.
        }
    }
}

/// The grammar of network names, which stand in records and in topics: 1…32 of `a…z`, `0…9` and `-`.
public enum NetworkName {
    public static func isValid(_ name: String) -> Bool {
        (1...Record.Bounds.networkByteCountMax).contains(name.utf8.count)
            && name.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }
}

/// Where a record stands: embedded ones may not embed in their turn, so that no bytes nest deeper than a conflict over two
/// countersignatures.
enum RecordPlace {
    case outermost
    /// In a conflict.
    case rival
    /// In a countersignature.
    case receiptOnly
    /// In a proof.
    case leaseOnly

    /// The field that embeds.
    var name: String {
        switch self {
        case .outermost: "record.body"
        case .rival: "conflict.envelopes"
        case .receiptOnly: "countersignature.receipt"
        case .leaseOnly: "proof.envelopes"
        }
    }

    func admits(_ kind: RecordKind) -> Bool {
        switch self {
        case .outermost: true
        case .rival: kind != .conflict && kind != .proof
        case .receiptOnly: kind == .receipt
        case .leaseOnly: kind == .lease
        }
    }
}
