internal import Cryptography
internal import Identity
internal import Market

/// How far this node trusts a peer, and why.
public struct TrustView: Codable, Sendable {
    public let peer: String
    /// From 0 to 1.
    public let trust: Double
    /// The standard deviation of the belief.
    public let width: Double
    public let summary: String
    /// Every part of the reason, a sentence each.
    public let reasons: [String]
    public let leasesByMe: Int
    /// The share of them that went well; absent without any.
    public let directShare: Double?
    /// Renters whom this node's walks reach and who paid the peer.
    public let paths: Int
    /// The share of the walks that come by.
    public let reach: Double
    public let carriedByOne: Bool
    public let indirectShare: Double?
    public let auditors: Int
    public let proven: Bool
    /// Ids of the proofs against it.
    public let proofs: [String]
    public let attestations: [AttestationView]

    init(_ peer: PeerID, _ score: TrustScore, attestations: [AttestationView], proofs: [String]) {
        self.peer = peer.description
        (trust, width) = (rounded(score.value), rounded(score.width))
        (summary, reasons) = (score.summary, score.reasons())
        (leasesByMe, directShare) = (score.leasesByMe, score.directShare.map { rounded($0) })
        (paths, reach, carriedByOne) = (score.pathCount, rounded(score.reach), score.isCarriedByOne)
        indirectShare = score.indirectShare.map { rounded($0) }
        (auditors, proven) = (score.attesterCount, score.isProven)
        (self.attestations, self.proofs) = (attestations, proofs)
    }
}

/// To four digits: more would promise what a random walk does not hold.
private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }

/// What somebody measured about a provider.
public struct AttestationView: Codable, Hashable, Sendable {
    public let attester: String
    public let provider: String
    public let marketClass: String
    /// `uptime`, `outcome`, `benchmark` or `audit`.
    public let kind: String
    public let metric: String
    /// In millionths of `unit`.
    public let valueMicros: Int64
    public let unit: String
    public let method: String
    public let fromUnixMs: Int64
    public let toUnixMs: Int64
    /// How far this node trusts whoever says so, from 0 to 1; absent where that was not asked.
    public let attesterTrust: Double?

    init(_ held: HeldAttestation, attesterTrust: Double? = nil) {
        attester = PeerID(publicKey: held.attester).description
        provider = PeerID(publicKey: held.body.provider).description
        marketClass = held.body.marketClass.name
        (kind, metric) = ("\(held.body.kind)", held.body.metric)
        (valueMicros, unit, method) = (held.body.valueMicros, held.body.unit, held.body.method)
        (fromUnixMs, toUnixMs) = (held.body.from, held.body.to)
        self.attesterTrust = attesterTrust.map { rounded($0) }
    }
}

/// Nothing: the path says who is meant.
public struct AttestRequest: Codable, Hashable, Sendable {
    public init() {}
}
