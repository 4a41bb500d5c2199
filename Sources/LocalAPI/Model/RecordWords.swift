internal import Cryptography
internal import Identity
public import Market

/// What a record that speaks about others says, in sentences for whoever has nothing but the record.
public enum RecordWords {
    /// `nil` for records that say only what their author offers or wants.
    public static func sentences(of record: SignedRecord) -> [String]? {
        switch record.record.body {
        case .proof(let proof): proofSentences(proof)
        case .conflict(let body): conflictSentences(body)
        case .countersignature(let body): receiptSentences(body.body, provider: body.provider)
        case .attestation(let body): attestationSentences(body, by: record.author)
        case .machine, .offer, .presence, .withdrawal, .request, .bid, .lease, .leaseState, .receipt, .storefront: nil
        }
    }

    private static func name(_ key: Ed25519.PublicKey) -> String { PeerID(publicKey: key).description }

    private static func proofSentences(_ proof: ProofBody) -> [String] {
        let claim = proof.claim
        let past = claim.previous.map { "after the lease \($0)" } ?? "as its first"
        var sentences = [
            "\(name(proof.culprit)) leased one device twice: slot \(claim.slot) of machine \(claim.machine), twice \(past)"
        ]
        for record in [proof.first, proof.second] {
            guard case .lease(let lease) = record.record.body else { continue }
            sentences.append(
                "lease \(lease.body.lease) to \(name(lease.body.renter)), from \(TimeText.text(lease.body.startAt)) to "
                    + "\(TimeText.text(lease.body.endAt)), signed by both"
            )
        }
        sentences.append("an honest provider makes one lease of a slot and past, whatever accident befalls it")
        return sentences
    }

    private static func conflictSentences(_ body: ConflictBody) -> [String] {
        [
            "\(name(body.first.author)) signed two records of one subject (\(body.subject.kind)) with the number "
                + "\(body.sequence): \(body.first.id) and \(body.second.id)",
            "this accuses nobody: both are hidden until a higher number comes",
        ]
    }

    private static func receiptSentences(_ receipt: ReceiptBody, provider: Ed25519.PublicKey) -> [String] {
        [
            "\(name(receipt.renter)) paid \(name(provider)) \(MoneyText.text(receipt.paidMicros)) \(receipt.unit) for "
                + "\(receipt.activeSeconds) s of lease \(receipt.lease); it ended: \(receipt.code)"
        ]
    }

    private static func attestationSentences(_ body: AttestationBody, by author: Ed25519.PublicKey) -> [String] {
        [
            "\(name(author)) attests \(name(body.provider)): \(body.metric) \(MoneyText.text(body.valueMicros)) \(body.unit) "
                + "(\(body.kind), by \(body.method)), from \(TimeText.text(body.from)) to \(TimeText.text(body.to))"
        ]
    }
}

/// Unix milliseconds as people write times: `2026-11-28T15:04:05Z`.
enum TimeText {
    static func text(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1_000
        let (day, rest) = (seconds / 86_400, seconds % 86_400)
        let parts = [rest / 3_600, rest / 60 % 60, rest % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        return "\(DayText.text(day))T\(parts.joined(separator: ":"))Z"
    }
}

/// Millionths as a decimal number with as many digits as it has.
enum MoneyText {
    static func text(_ micros: Int64) -> String {
        let (whole, rest) = micros.quotientAndRemainder(dividingBy: 1_000_000)
        guard rest != 0 else { return "\(whole)" }
        var digits = String(rest.magnitude)
        digits = String(repeating: "0", count: 6 - digits.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(whole == 0 && micros < 0 ? "-" : "")\(whole).\(digits)"
    }
}
