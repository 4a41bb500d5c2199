public import Cryptography
internal import Primitives

extension TrustGraph {
    /// The graph that a node draws from what its book holds.
    ///
    /// Attestations in the unit `ratio` count if an auditor of the node's choice made them.
    public init(
        me: Ed25519.PublicKey,
        statements: MarketStatements,
        auditors: Set<Ed25519.PublicKey> = [],
        config: TrustConfig = TrustConfig()
    ) {
        let attested = statements.attestations.filter { auditors.contains($0.attester) && $0.body.unit == "ratio" }
        self.init(
            me: me,
            evidence: statements.receipts,
            attested: attested.map { ($0.attester, $0.body.provider, $0.body.valueMicros) },
            auditors: auditors,
            culprits: statements.culprits,
            config: config
        )
    }
}

extension TrustScore {
    /// The value in thousandths, as searches compare it.
    public var thousandths: Thousandths { Thousandths(count: Int((value * 1_000).rounded())) }

    /// The reasons in a few words: `3 leases by you, 2 paths, 1 auditor`.
    public var summary: String {
        if isProven { return "leased a device twice" }
        var parts: [String] = []
        if leasesByMe > 0 { parts.append(leasesByMe.counted("lease") + " by you") }
        if pathCount > 0 { parts.append(pathCount.counted("path") + (isCarriedByOne ? " through one peer" : "")) }
        if attesterCount > 0 { parts.append(attesterCount.counted("auditor")) }
        return parts.isEmpty ? "newcomer" : parts.joined(separator: ", ")
    }

    /// Every part of the reason, a sentence each.
    public func reasons(_ config: TrustConfig = TrustConfig()) -> [String] {
        if isProven { return ["a proof says that it leased one device twice: nothing else counts"] }
        var reasons: [String] = []
        if let directShare {
            reasons.append("\(leasesByMe.counted("lease")) by you, \(Self.percent(directShare)) went well")
        } else {
            reasons.append("you have never rented from it")
        }
        if let indirectShare {
            let payers = pathCount == 1 ? "1 renter whom you reach has" : "\(pathCount) renters whom you reach have"
            reasons.append("\(payers) paid it, \(Self.percent(indirectShare)) of the money went well")
            reasons.append("\(Self.percent(reach)) of your walks come by")
            if isCarriedByOne {
                let rest = Self.percent(Double(config.connectivityRest) / 1_000_000)
                reasons.append("all of them through one peer, whose word alone is worth \(rest)")
            }
        } else {
            reasons.append("nobody whom you reach has paid it")
        }
        if attesterCount > 0 { reasons.append("\(attesterCount.counted("auditor")) of yours attested it") }
        if leasesByMe == 0, indirectShare == nil {
            let prior = Thousandths(count: config.priorTrust / 1_000)
            reasons.append("whoever is new begins at \(prior), and rises with every paid lease that goes well")
        }
        return reasons
    }

    /// Tenths of percents, but never 0 for something or 100 for less than all.
    private static func percent(_ share: Double) -> String {
        let tenths = Int((share * 1_000).rounded())
        if share > 0, tenths == 0 { return "less than 0.1 %" }
        if share < 1, tenths == 1_000 { return "more than 99.9 %" }
        return "\(ScaledDecimal.text(tenths, scale: 10)) %"
    }
}
