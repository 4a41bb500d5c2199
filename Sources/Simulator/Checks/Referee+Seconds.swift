internal import Cryptography
public import Primitives
internal import Identity

/// What one virtual second adds to the curves of a run.
public struct RefereeSecond: Hashable, Sendable {
    public let publications: Int
    /// First copies that reached a book.
    public let deliveries: Int
    public let latencyP50: Duration?
    public let latencyP99: Duration?
    /// Distinct sets among honest live nodes, as of five seconds ago; 1 is agreement.
    public let distinctSets: Int
}

extension Referee {
    /// Pairs of a record and a node that are looked up in the books every second.
    static let auditCount = 64

    /// A virtual second is over; `index` counts them.
    public mutating func second(_ index: Int, witness: inout some Witness, at now: Instant) -> RefereeSecond {
        ledger.advance(to: now)
        let delivered = ledger.takeSecond()
        agreement.second(registry, at: now)
        let honest = nodes.indices.compactMap { node in
            nodes[node].isHonest ? nodes[node].upSince.map { (node: node, since: $0) } : nil
        }
        proofs.second(registry, nodes: honest, at: now)
        conflicts.second(registry, conflictsOver: { conflictRecords[$0] ?? [] }, nodes: honest, at: now)
        let honesty = honesty
        for (node, _) in honest {
            checks.second(
                node,
                of: nodes.count,
                second: index,
                witness: &witness,
                isHonest: { peer in peer.publicKey.flatMap { honesty[$0] } ?? false },
                at: now
            )
        }
        if company.isWatched, now >= measuredFrom { watchCompany(of: honest, &witness, at: now) }
        audit(index, witness: &witness, at: now)
        return RefereeSecond(
            publications: delivered.publications,
            deliveries: delivered.deliveries,
            latencyP50: delivered.latencyP50,
            latencyP99: delivered.latencyP99,
            distinctSets: agreement.distinctSets
        )
    }

    /// Whether books hold what their nodes said that they stored, and nothing else.
    private mutating func audit(_ second: Int, witness: inout some Witness, at now: Instant) {
        guard !registry.entries.isEmpty, !nodes.isEmpty else { return }
        for round in 0..<Self.auditCount {
            // Not random: spread by a finaliser, so that no stream is drawn from.
            let draw = SplitMix64.finalised(UInt64(second) << 16 | UInt64(round))
            let number = Int(draw % UInt64(registry.entries.count))
            let node = Int((draw >> 32) % UInt64(nodes.count))
            guard nodes[node].isHonest, nodes[node].upSince != nil else { continue }
            let (id, isClaimed) = (registry[number].id, registry[number].holders.contains(node))
            let isHeld = witness.holds(id, node: node)
            let kind = isClaimed ? "lacking" : "untold"
            checks.verdicts.check(.honestCounts, isHeld == isClaimed, kind: kind, node: node, at: now) {
                isClaimed
                    ? "record \(id.shortText) was counted as delivered to node \(node), whose book lacks it"
                    : "node \(node) holds record \(id.shortText), which it never said that it stored"
            }
        }
    }
}
