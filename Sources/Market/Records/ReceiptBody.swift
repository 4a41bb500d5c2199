public import Cryptography

/// What a lease came to, in its provider's words; with the renter's countersignature it is evidence.
public struct ReceiptBody: Hashable, Sendable {
    public enum Bounds {
        public static let secondsMax = OfferBody.Bounds.durationSecondsMax
        public static let probeCountMax = 1_000_000
        public static let referenceByteCountMax = 128
        public static let hashByteCount = 32
    }

    public var lease: LeaseID
    public var marketClass: MarketClass
    public var renter: Ed25519.PublicKey
    /// Seconds from the award until the renter had heard that the GPUs were ready; 0 if it never did.
    public var readySeconds: Int
    /// Seconds in which the GPUs were the renter's.
    public var activeSeconds: Int
    public var unit: String
    /// What the meter says, in micros.
    public var owedMicros: Int64
    /// What the last voucher says, in micros; at most the lease's cap.
    public var paidMicros: Int64
    public var code: CloseCode
    public var probeCount: Int
    public var answeredProbeCount: Int
    /// SHA-256 of the last voucher's payload; empty exactly if nothing was paid.
    public var voucherHash: [UInt8]
    public var settlement: String
    /// What the rail calls the settlement; empty if it has not happened or has no name.
    public var reference: String

    public init(
        lease: LeaseID,
        marketClass: MarketClass,
        renter: Ed25519.PublicKey,
        readySeconds: Int,
        activeSeconds: Int,
        unit: String,
        owedMicros: Int64,
        paidMicros: Int64,
        code: CloseCode,
        probeCount: Int = 0,
        answeredProbeCount: Int = 0,
        voucherHash: [UInt8],
        settlement: String,
        reference: String = ""
    ) {
        self.lease = lease
        self.marketClass = marketClass
        self.renter = renter
        self.readySeconds = readySeconds
        self.activeSeconds = activeSeconds
        self.unit = unit
        self.owedMicros = owedMicros
        self.paidMicros = paidMicros
        self.code = code
        self.probeCount = probeCount
        self.answeredProbeCount = answeredProbeCount
        self.voucherHash = voucherHash
        self.settlement = settlement
        self.reference = reference
    }
}

/// The renter's signature under a receipt: it carries the receipt and stands alone.
public struct CountersignatureBody: Hashable, Sendable {
    public let receipt: SignedRecord

    /// `nil` unless the record is a receipt.
    public init?(_ receipt: SignedRecord) {
        guard receipt.kind == .receipt else { return nil }
        self.receipt = receipt
    }

    public var provider: Ed25519.PublicKey { receipt.author }

    public var body: ReceiptBody {
        guard case .receipt(let body) = receipt.record.body else { preconditionFailure("it is a receipt") }
        return body
    }
}
