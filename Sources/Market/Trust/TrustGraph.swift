public import Cryptography
internal import OrderedCollections

/// Who paid whom and was content, as one node sees it: the ground on which its random walks go.
///
/// An edge leads from a renter to its provider. Nobody can draw one out of another's account: a thousand identities that trade
/// among themselves make a dense graph to which no edge of ours leads. Source: Nasrulin, Ishmaev, Pouwelse, "MeritRank: Sybil
/// Tolerant Reputation for Merit-based Tokenomics" (2022).
public struct TrustGraph: Sendable {
    struct Edge: Sendable {
        let target: Int
        /// Capped payments, in micros.
        var amount: Int64
        /// The same times how it went.
        var merit: Int64
    }

    private struct Pair: Hashable {
        let source: Int
        let target: Int
        let epoch: Int64
    }

    public let me: Ed25519.PublicKey
    public let config: TrustConfig
    let indexes: [Ed25519.PublicKey: Int]
    /// By source, in the order in which the targets were first seen.
    var edges: [[Edge]]
    /// By source: the running sums of the edges' merits, for drawing one.
    var sums: [[Int64]]
    let leasesByMe: [Int: (good: Int64, count: Int)]
    let attesters: [Int: Int]
    let culprits: Set<Ed25519.PublicKey>

    /// Builds the graph from evidence in any order; `auditors` are keys whose word counts as a full payment of ours.
    public init(
        me: Ed25519.PublicKey,
        evidence: [TrustEvidence],
        attested: [(auditor: Ed25519.PublicKey, provider: Ed25519.PublicKey, share: Int64)] = [],
        auditors: Set<Ed25519.PublicKey> = [],
        culprits: Set<Ed25519.PublicKey> = [],
        config: TrustConfig = TrustConfig()
    ) {
        (self.me, self.config, self.culprits) = (me, config, culprits)
        var indexes = [me: 0]
        indexes.reserveCapacity(evidence.count)
        func index(_ key: Ed25519.PublicKey) -> Int {
            if let known = indexes[key] { return known }
            indexes[key] = indexes.count
            return indexes.count - 1
        }
        var paid: OrderedDictionary<Pair, (amount: Int64, merit: Int64)> = [:]
        paid.reserveCapacity(evidence.count)
        var mine: [Int: (good: Int64, count: Int)] = [:]
        for item in evidence {
            let pair = Pair(
                source: index(item.renter),
                target: index(item.provider),
                epoch: item.at / max(1, config.epochMilliseconds)
            )
            let amount = min(item.paidMicros, config.capMicros)
            let merit = Self.part(item.outcome, of: amount)
            let known = paid[pair] ?? (0, 0)
            paid[pair] = (known.amount + amount, known.merit + merit)
            if pair.source == 0 {
                let leases = mine[pair.target] ?? (0, 0)
                mine[pair.target] = (leases.good + item.outcome, leases.count + 1)
            }
        }
        for auditor in auditors.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
            paid[Pair(source: 0, target: index(auditor), epoch: -1)] = (config.capMicros, config.capMicros)
        }
        var attesters: [Int: Int] = [:]
        for item in attested where auditors.contains(item.auditor) && item.auditor != item.provider {
            let pair = Pair(source: index(item.auditor), target: index(item.provider), epoch: -1)
            let merit = Self.part(max(0, min(item.share, TrustEvidence.full)), of: config.capMicros)
            // Of several words of one auditor the mean counts, once.
            if paid[pair] == nil { attesters[pair.target, default: 0] += 1 }
            let known = paid[pair] ?? (0, 0)
            paid[pair] = (known.amount + config.capMicros, known.merit + merit)
        }
        (edges, sums) = Self.table(of: paid, count: indexes.count, cap: config.capMicros)
        (self.indexes, leasesByMe, self.attesters) = (indexes, mine, attesters)
    }

    /// So many millionths of an amount; of dust too, which would else count as money ill spent.
    private static func part(_ millionths: Int64, of amount: Int64) -> Int64 {
        Int64(clamping: Int128(amount) * Int128(millionths) / Int128(TrustEvidence.full))
    }

    /// Joins a pair's epochs, each capped, into one edge.
    private static func table(
        of paid: OrderedDictionary<Pair, (amount: Int64, merit: Int64)>,
        count: Int,
        cap: Int64
    ) -> (edges: [[Edge]], sums: [[Int64]]) {
        var edges = [[Edge]](repeating: [], count: count)
        // Sorted, so that the order in which evidence arrived decides nothing but the numbering of peers.
        let ordered = paid.elements.sorted {
            ($0.key.source, $0.key.target, $0.key.epoch) < ($1.key.source, $1.key.target, $1.key.epoch)
        }
        for (pair, sum) in ordered where sum.amount > 0 {
            let amount = min(sum.amount, cap)
            let merit = sum.amount > cap ? Int64(Double(sum.merit) / Double(sum.amount) * Double(cap)) : sum.merit
            if let last = edges[pair.source].indices.last, edges[pair.source][last].target == pair.target {
                edges[pair.source][last].amount += amount
                edges[pair.source][last].merit += merit
            } else {
                edges[pair.source].append(Edge(target: pair.target, amount: amount, merit: merit))
            }
        }
        let sums = edges.map { edges in
            var sum: Int64 = 0
            return edges.map { edge in
                sum += edge.merit
                return sum
            }
        }
        return (edges, sums)
    }

    /// One step of a walk; `nil` where nobody was paid for anything good.
    func step(from source: Int, _ random: inout WalkRandom) -> Int? {
        guard let total = sums[source].last, total > 0 else { return nil }
        let draw = Int64(random.next() % UInt64(total))
        var (low, high) = (0, sums[source].count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sums[source][middle] > draw { high = middle } else { low = middle + 1 }
        }
        return edges[source][low].target
    }
}

/// The walks' own numbers (splitmix64): a graph of strangers cannot predict a secret seed, and a test repeats it.
struct WalkRandom {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
