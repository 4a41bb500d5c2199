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

    let graph: TrustGraph
    /// All walks' nodes one after the other, each walk without its start.
    private(set) var hops: [Int32] = []
    /// Where each walk begins in `hops`, and the end.
    private(set) var starts: [Int] = [0]
    /// In how many walks each node stands.
    private(set) var visits: [Int]

    /// Walks from `graph.me`, the same for the same seed.
    public init(_ graph: TrustGraph, seed: UInt64) {
        self.graph = graph
        visits = [Int](repeating: 0, count: graph.edges.count)
        visits[0] = graph.config.walkCount
        var random = WalkRandom(seed: seed)
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
                }
                if random.next() % 1_000_000 < UInt64(graph.config.transitivityDecay) { break }
            }
            starts.append(hops.count)
        }
    }

    /// What all of it says about one peer.
    public func score(of peer: Ed25519.PublicKey) -> TrustScore {
        let config = graph.config
        let index = graph.indexes[peer]
        let mine = index.flatMap { graph.leasesByMe[$0] }
        let leases = Double(mine?.count ?? 0)
        let good = Double(mine?.good ?? 0) / Double(TrustEvidence.full)
        let others = index.map(self.others) ?? (share: nil, count: 0)
        let carried = index.map(isCarriedByOne) ?? false
        var reach = index.map { Double(visits[$0]) / Double(max(1, config.walkCount)) } ?? 0
        var known = min(1, reach * 1_000_000 / Double(max(1, config.fullShare)))
        if carried {
            // Of the weight too: however much one peer carries, it is one peer's word.
            reach *= Double(config.connectivityRest) / 1_000_000
            known *= Double(config.connectivityRest) / 1_000_000
        }
        // Walks that end at a peer of mine say no more than my own leases with it.
        let weight = others.share == nil ? 0 : Double(config.indirectLeases) * known
        let (prior, strength) = (Double(config.priorTrust) / 1_000_000, Double(config.priorLeases))
        let total = strength + leases + weight
        let mean = (prior * strength + good + (others.share ?? 0) * weight) / max(1, total)
        let isProven = graph.culprits.contains(peer)
        return TrustScore(
            value: isProven ? 0 : mean,
            width: isProven ? 0 : (mean * (1 - mean) / (total + 1)).squareRoot(),
            leasesByMe: mine?.count ?? 0,
            directShare: leases > 0 ? good / leases : nil,
            reach: reach,
            isCarriedByOne: carried,
            indirectShare: others.share,
            pathCount: others.count,
            attesterCount: index.flatMap { graph.attesters[$0] } ?? 0,
            isProven: isProven
        )
    }

    /// How others whom walks reach were served by a peer, each weighed by how many walks reach it.
    private func others(_ index: Int) -> (share: Double?, count: Int) {
        var (amount, merit, count) = (0.0, 0.0, 0)
        for source in 1..<max(1, graph.edges.count) where visits[source] > 0 && source != index {
            for edge in graph.edges[source] where edge.target == index {
                amount += Double(visits[source]) * Double(edge.amount)
                merit += Double(visits[source]) * Double(edge.merit)
                count += 1
            }
        }
        return (amount > 0 ? merit / amount : nil, count)
    }

    /// Whether nearly all walks that reach a peer come through one other.
    private func isCarriedByOne(_ index: Int) -> Bool {
        guard index != 0, visits[index] > 0 else { return false }
        var before: [Int32: Int] = [:]
        for walk in 0..<(starts.count - 1) {
            let path = hops[starts[walk]..<starts[walk + 1]]
            guard let end = path.firstIndex(of: Int32(truncatingIfNeeded: index)) else { continue }
            for node in Set(path[..<end]) where node != 0 { before[node, default: 0] += 1 }
        }
        let most = before.values.max() ?? 0
        return most * 1_000_000 > visits[index] * graph.config.connectivityThreshold
    }
}
