internal import Cryptography
internal import Market
internal import Primitives

/// Who knows that somebody leased one device twice.
///
/// A node knows it when it holds a proof against the provider: from then on it shows none of its offers.
struct ProofWatch: Sendable {
    struct Culprit: Sendable {
        let provider: Ed25519.PublicKey
        /// When the second of the two leases first reached anybody.
        let since: Instant
        /// When enough of the honest nodes that were up knew.
        var knownAt: Instant?
        /// Somebody who did not when last looked.
        var ignorant: Int?
    }

    private let share: Share
    private var claims: [SlotClaim: LeaseID] = [:]
    private(set) var culprits: [Culprit] = []
    /// Proofs by culprit, as the registry numbers them.
    private var proofs: [Ed25519.PublicKey: [Int]] = [:]

    /// `share` of the honest nodes must know.
    init(share: Share) { self.share = share }

    /// A record that nobody has seen before is there.
    mutating func appeared(_ envelope: [UInt8], number: Int, at now: Instant) {
        guard let record = try? SignedRecord(envelope: envelope) else { return }
        switch record.record.body {
        case .lease(let lease):
            for claim in lease.body.claims {
                let isDouble = claims[claim].map { $0 != lease.body.lease } ?? false
                if claims[claim] == nil { claims[claim] = lease.body.lease }
                guard isDouble, !culprits.contains(where: { $0.provider == claim.provider }) else { continue }
                culprits.append(Culprit(provider: claim.provider, since: now))
            }
        case .proof(let proof): proofs[proof.culprit, default: []].append(number)
        default: break
        }
    }

    /// `nodes` are the honest ones that are up, with the instant since when.
    mutating func second(_ registry: RecordRegistry, nodes: [(node: Int, since: Instant)], at now: Instant) {
        for index in culprits.indices where culprits[index].knownAt == nil {
            let proofs = proofs[culprits[index].provider] ?? []
            let concerned = nodes.filter { $0.since <= culprits[index].since }
            let ignorant = concerned.filter { node, _ in !proofs.contains { registry[$0].holders.contains(node) } }
            culprits[index].ignorant = ignorant.first?.node
            let knowing = Share(concerned.count - ignorant.count, of: concerned.count)
            // That nobody is left who should know is no knowledge.
            if knowing >= share, !concerned.isEmpty { culprits[index].knownAt = now }
        }
    }
}
