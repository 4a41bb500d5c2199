internal import Primitives

/// How the parties of a lease square up, as offers and leases name it.
public enum SettlementRail: String, Hashable, Sendable, CaseIterable {
    /// Both remember who owes whom: mutual credit.
    case credit
    /// By hand; the operator notes what it was.
    case manual
    /// Each party's own program, called with the lease and its best voucher.
    case exec
}

/// What one party knows of the settlement of one lease: due, or done under a name.
///
/// It is written before the program is first called and after it has answered, so a crash in between calls again with the same key: a
/// rail that takes each key once has settled once.
public struct Settlement: Hashable, Sendable {
    public enum Bounds {
        public static let referenceByteCountMax = ReceiptBody.Bounds.referenceByteCountMax
        public static let complaintByteCountMax = 256
        public static let failureCountMax = 1_000_000
    }

    /// What became of one attempt.
    public enum Outcome: Hashable, Sendable {
        /// What the rail calls it; may be empty.
        case settled(reference: String)
        case failed(complaint: String)
    }

    public let key: SettlementKey
    /// What the last voucher promises, in micros.
    public let amountMicros: Int64
    /// `nil` while it is due.
    public private(set) var reference: String?
    /// Attempts that came to nothing, and what the last of them said.
    public private(set) var failureCount = 0
    public private(set) var complaint = ""

    public init(key: SettlementKey, amountMicros: Int64) {
        (self.key, self.amountMicros) = (key, amountMicros)
    }

    public var isSettled: Bool { reference != nil }

    /// The settlement after an attempt; `nil` if a reference is no text that a receipt may carry.
    public func after(_ outcome: Outcome) -> Settlement? {
        var next = self
        switch outcome {
        case .settled(let reference):
            guard Self.isText(reference, max: Bounds.referenceByteCountMax) else { return nil }
            next.reference = reference
            next.complaint = ""
        case .failed(let complaint):
            next.failureCount = min(failureCount + 1, Bounds.failureCountMax)
            next.complaint = Self.isText(complaint, max: Bounds.complaintByteCountMax) ? complaint : "no reason given"
        }
        return next
    }

    private static func isText(_ text: String, max: Int) -> Bool {
        do throws(RecordError) {
            try RecordText.check(text, "settlement", min: 0, max: max)
            return true
        } catch {
            return false
        }
    }

    /// Reads what `stored` wrote.
    public init(stored bytes: [UInt8]) throws(RecordError) {
        let message = try ParsedMessage(bytes)
        guard let lease = LeaseID(try message.bytes(1, "settlement.lease_id", max: 16)) else {
            throw .missing("settlement.lease_id")
        }
        key = SettlementKey(lease: lease, nonce: try message.sequence(2, "settlement.nonce"))
        amountMicros = try message.amount(3, "settlement.amount")
        failureCount = try message.int(4, "settlement.failures", in: 0...Bounds.failureCountMax)
        complaint = try message.text(5, "settlement.complaint", max: Bounds.complaintByteCountMax)
        if try message.bool(6, "settlement.done") {
            reference = try message.text(7, "settlement.reference", max: Bounds.referenceByteCountMax)
        }
    }

    public var stored: [UInt8] {
        var writer = ProtobufWriter()
        writer.bytes(1, key.lease.bytes)
        writer.varint(2, key.nonce)
        writer.varint(3, UInt64(clamping: amountMicros))
        writer.varint(4, UInt64(clamping: failureCount))
        writer.text(5, complaint)
        writer.bool(6, isSettled)
        writer.text(7, reference ?? "")
        return writer.bytes
    }
}

extension SettlementKey: CustomStringConvertible {
    /// What a rail is to take once.
    public var description: String { "\(lease)-\(nonce)" }
}
