internal import Cryptography
internal import Identity
public import Primitives

/// Whether honest nodes are connected with each other, second by second: a node that only hostile ones talk to is eclipsed.
public struct CompanyLedger: Sendable {
    /// So long a node may take to find somebody.
    static let settling = Duration.seconds(30)

    /// Whether the scenario asks.
    let isWatched: Bool
    /// The first so many nodes are those that everybody is told of: to be connected with them is no feat.
    let seedCount: Int
    public private(set) var count = 0
    public private(set) var keptCount = 0
    public private(set) var firstMiss: (at: Instant, node: Int)?

    init(_ scenario: Scenario) {
        isWatched = scenario.expectations.contains { if case .honestCompany = $0 { true } else { false } }
        seedCount = scenario.discovery?.seedCount ?? 0
    }

    mutating func note(_ isKept: Bool, node: Int, at now: Instant) {
        count += 1
        if isKept { keptCount += 1 } else if firstMiss == nil { firstMiss = (now, node) }
    }
}

extension Referee {
    /// Looks at the connections of each node that has been up for a while and is no seed itself.
    mutating func watchCompany(
        of honest: [(node: Int, since: Instant)],
        _ witness: inout some Witness,
        at now: Instant
    ) {
        let seeds = Set(nodes.prefix(company.seedCount).map(\.key))
        for (node, since) in honest
        where node >= company.seedCount && since.advanced(by: CompanyLedger.settling) <= now {
            let isKept = witness.connectedPeers(of: node).contains { peer in
                guard let key = peer.publicKey else { return false }
                return honesty[key] == true && !seeds.contains(key)
            }
            company.note(isKept, node: node, at: now)
        }
    }
}
