internal import Cryptography
internal import Foundation
internal import Identity
public import Market

/// Any record, with what it says in words and its bytes in base64url without padding.
public struct RecordView: Codable, Hashable, Sendable {
    public let recordID: String
    public let kind: String
    public let author: String
    public let network: String
    public let sequence: UInt64
    public let issuedUnixMs: Int64
    public let expiresUnixMs: Int64
    public let marketClass: String
    /// The machine or offer that it speaks about, if any.
    public let subject: String?
    public let gpus: [String]?
    public let unit: String?
    public let priceMicros: Int64?
    public let reason: Int?
    public let envelope: String

    public init(_ signed: SignedRecord) {
        let record = signed.record
        recordID = signed.id.description
        author = PeerID(publicKey: signed.author).description
        network = record.network
        sequence = record.sequence
        (issuedUnixMs, expiresUnixMs) = (record.issuedAt, record.expiresAt)
        marketClass = record.marketClass.name
        envelope = EnvelopeText.line(signed.envelope)
        kind = "\(signed.kind)"
        var facts: (subject: String?, gpus: [String]?, price: PriceTerms?, reason: Int?) = (nil, nil, nil, nil)
        switch record.body {
        case .machine(let body):
            facts.subject = body.machine.description
            facts.gpus = body.devices.map { $0.catalogueID.isEmpty ? $0.rawName : $0.catalogueID }
        case .offer(let body): (facts.subject, facts.price) = (body.offer.description, body.price)
        case .withdrawal(let body):
            facts.reason = body.reason
            switch body.subject {
            case .machine(let machine): facts.subject = machine.description
            case .offer(let offer): facts.subject = offer.description
            case .request(let request): facts.subject = request.description
            case .bid(let bid): facts.subject = bid.description
            }
        case .request(let body): facts.subject = body.request.description
        case .bid(let body): facts.subject = body.bid.description
        case .lease(let lease): (facts.subject, facts.price) = (lease.body.lease.description, lease.body.price)
        case .leaseState(let body): (facts.subject, facts.reason) = (body.lease.description, body.code?.rawValue)
        case .receipt(let body): (facts.subject, facts.reason) = (body.lease.description, body.code.rawValue)
        case .countersignature(let body): facts.subject = body.body.lease.description
        case .presence, .conflict, .attestation, .proof, .storefront: break
        }
        (subject, gpus, reason) = (facts.subject, facts.gpus, facts.reason)
        (unit, priceMicros) = (facts.price?.unit, facts.price?.gpuHourMicros)
    }
}

/// One page of an export.
public struct RecordPageView: Codable, Sendable {
    /// Envelopes, one base64url text each.
    public let envelopes: [String]
    /// Give it as `after` for the next page; absent at the end.
    public let next: String?
}

/// Envelopes to be judged as if a peer had sent them.
public struct ImportRequest: Codable, Sendable {
    public let envelopes: [String]

    public init(envelopes: [String]) {
        self.envelopes = envelopes
    }
}

/// One verdict for each envelope, in order.
public struct ImportView: Codable, Sendable {
    public struct Verdict: Codable, Hashable, Sendable {
        public let accepted: Bool
        /// Why not, in words.
        public let reason: String?
    }

    public let verdicts: [Verdict]
}

extension ImportView.Verdict {
    init(_ verdict: RecordVerdict) {
        switch verdict {
        case .accept: (accepted, reason) = (true, nil)
        case .reject(let rejection): (accepted, reason) = (false, "rejected: \(rejection.sentence)")
        case .ignore(let dismissal): (accepted, reason) = (false, "ignored: \(dismissal.sentence)")
        }
    }
}

/// Envelopes as text: one a line, base64url without padding (RFC 4648, section 5); hexadecimal is read too.
public enum EnvelopeText {
    public static func line(_ envelope: [UInt8]) -> String {
        Data(envelope).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// `nil` unless the line is one of the two forms, of at most twice a record's length.
    public static func bytes(_ line: some StringProtocol) -> [UInt8]? {
        guard !line.isEmpty, line.utf8.count <= SignedRecord.byteCountMax * 2 else { return nil }
        return hexadecimal(line) ?? base64(String(line))
    }

    private static func base64(_ line: String) -> [UInt8]? {
        let standard = line.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        return Data(base64Encoded: standard + padding).map { Array($0) }
    }

    public static func hexadecimal(_ line: some StringProtocol) -> [UInt8]? {
        let digits = line.compactMap(\.hexDigitValue)
        guard digits.count == line.count, digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
