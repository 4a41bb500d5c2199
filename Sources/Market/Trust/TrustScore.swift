public import Cryptography

/// How far one node trusts one peer, with every part of the reason.
public struct TrustScore: Hashable, Sendable {
    /// 0…1.
    public let value: Double
    /// The standard deviation of the belief: wide while little is known.
    public let width: Double
    public let leasesByMe: Int
    /// The share of my own leases with it that went well; `nil` without any.
    public let directShare: Double?
    /// The share of the walks that reached it, decayed if one peer alone carries the path.
    public let reach: Double
    public let isCarriedByOne: Bool
    /// How others' money that my walks can reach was served; `nil` if none is.
    public let indirectShare: Double?
    /// Renters that walks can reach and that paid it.
    public let pathCount: Int
    public let attesterCount: Int
    /// A proof says that it leased a device twice: nothing else counts.
    public let isProven: Bool
}

/// The walks of one node over its graph, made once and asked about many peers.
public struct TrustWalks: Sendable {
    /// Longer walks than this are cut; with α = 0.15 one in three thousand is.
    public static let hopCountMax = 50

    /// What others whom walks reach have paid one peer, weighed by the walks through them.
    private struct Inflow: Sendable {
        var amount = 0.0
        var merit = 0.0
        var payerCount = 0
        /// How many walks would come from its payers if walks followed all their money, well spent or not; and the most from one.
        var walks = 0.0
        var walksOfOne = 0.0
    }

    let graph: TrustGraph
    /// All walks' nodes one after the other, each walk without its start.
    private var hops: [Int32] = []
    /// Where each walk begins in `hops`, and the end.
    private var starts: [Int] = [0]
    /// In how many walks each node stands.
    private var visits: [Int]
    /// The walks in which each node stands, node by node, and where each node's begin.
    private var walksByNode: [Int32] = []
    private var walkStarts: [Int] = []
    private var inflows: [Inflow]

    /// Walks from `graph.me`, the same for the same seed.
    public init(_ graph: TrustGraph, seed: UInt64) {
        self.graph = graph
        visits = [Int](repeating: 0, count: graph.edges.count)
        inflows = [Inflow](repeating: Inflow(), count: graph.edges.count)
        var random = WalkRandom(seed: seed)
        var firstVisits: [(node: Int, walk: Int)] = []
        var lastVisit = [Int](repeating: -1, count: graph.edges.count)
        for walk in 0..<graph.config.walkCount {
            var node = 0
            for _ in 0..<Self.hopCountMax {
                guard let next = graph.step(from: node, &random) else { break }
                node = next
                hops.append(Int32(truncatingIfNeeded: node))
                if node != 0, lastVisit[node] != walk {
                    lastVisit[node] = walk
                    visits[node] += 1
                    firstVisits.append((node, walk))
                }
                if random.next() % 1_000_000 < UInt64(graph.config.transitivityDecay) { break }
            }
            starts.append(hops.count)
        }
        index(firstVisits)
        weighPayments()
        visits[0] = graph.config.walkCount
    }

    /// Sorts the visits by node, by counting.
    private mutating func index(_ firstVisits: [(node: Int, walk: Int)]) {
        walkStarts = [0]
        for count in visits { walkStarts.append((walkStarts.last ?? 0) + count) }
        walksByNode = [Int32](repeating: 0, count: firstVisits.count)
        var next = walkStarts
        for (node, walk) in firstVisits {
            walksByNode[next[node]] = Int32(truncatingIfNeeded: walk)
            next[node] += 1
        }
    }

    /// Walks that end at a peer of mine say no more than my own leases with it, so my own payments do not count here.
    ///
    /// A payer sends its walks on in parts, as it spent its money; who spent less than a cap keeps the rest, so that dust weighs dust.
    private mutating func weighPayments() {
        for source in graph.edges.indices.dropFirst() where visits[source] > 0 {
            let spent = graph.edges[source].reduce(0.0) { $0 + Double($1.amount) }
            let whole = max(spent, Double(graph.config.capMicros), 1)
            for edge in graph.edges[source] where edge.target != source {
                let walks = Double(visits[source]) * Double(edge.amount) / whole
                inflows[edge.target].amount += Double(visits[source]) * Double(edge.amount)
                inflows[edge.target].merit += Double(visits[source]) * Double(edge.merit)
                inflows[edge.target].payerCount += 1
                inflows[edge.target].walks += walks
                inflows[edge.target].walksOfOne = max(inflows[edge.target].walksOfOne, walks)
            }
        }
    }

    /// What all of it says about one peer.
    public func score(of peer: Ed25519.PublicKey) -> TrustScore {
        let config = graph.config
        let index = graph.indexes[peer]
        let mine = index.flatMap { graph.leasesByMe[$0] }
        let leases = Double(mine?.count ?? 0)
        let good = Double(mine?.good ?? 0) / Double(TrustEvidence.full)
        let inflow = index.map { inflows[$0] } ?? Inflow()
        let share = inflow.amount > 0 ? inflow.merit / inflow.amount : nil
        let carried = index.map(isCarriedByOne) ?? false
        var reach = index.map { Double(visits[$0]) / Double(max(1, config.walkCount)) } ?? 0
        // What others say weighs by the walks that came from them: my own leases with a peer make nobody's word on it heavier.
        let heard = inflow.walks / Double(max(1, config.walkCount))
        var known = min(1, heard * 1_000_000 / Double(max(1, config.fullShare)))
        if carried {
            // Of the weight too: however much one peer carries, it is one peer's word.
            reach *= Double(config.connectivityRest) / 1_000_000
            known *= Double(config.connectivityRest) / 1_000_000
        }
        let weight = share == nil ? 0 : Double(config.indirectLeases) * known
        let (prior, strength) = (Double(config.priorTrust) / 1_000_000, Double(config.priorLeases))
        let total = strength + leases + weight
        let mean = (prior * strength + good + (share ?? 0) * weight) / max(1, total)
        let isProven = graph.culprits.contains(peer)
        return TrustScore(
            value: isProven ? 0 : mean,
            width: isProven ? 0 : (mean * (1 - mean) / (total + 1)).squareRoot(),
            leasesByMe: mine?.count ?? 0,
            directShare: leases > 0 ? good / leases : nil,
            reach: reach,
            isCarriedByOne: carried,
            indirectShare: share,
            pathCount: inflow.payerCount,
            attesterCount: index.flatMap { graph.attesters[$0] } ?? 0,
            isProven: isProven
        )
    }

    /// Whether nearly all walks that reach a peer through others come through one, or would if they followed all that was paid.
    private func isCarriedByOne(_ index: Int) -> Bool {
        guard index != 0 else { return false }
        let threshold = Double(graph.config.connectivityThreshold) / 1_000_000
        if inflows[index].walks > 0, inflows[index].walksOfOne > threshold * inflows[index].walks { return true }
        var before: [Int32: Int] = [:]
        var indirectCount = 0
        for walk in walksByNode[walkStarts[index]..<walkStarts[index + 1]] {
            let path = hops[starts[Int(walk)]..<starts[Int(walk) + 1]]
            guard let end = path.firstIndex(of: Int32(truncatingIfNeeded: index)) else { continue }
            let way = Set(path[..<end]).subtracting([0])
            indirectCount += way.isEmpty ? 0 : 1
            for node in way { before[node, default: 0] += 1 }
        }
        return Double(before.values.max() ?? 0) > threshold * Double(indirectCount)
    }
}
