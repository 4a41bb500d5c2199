/// How wide, how deep and how carefully a lookup searches.
public struct LookupLimits: Hashable, Sendable {
    /// How many of the nearest candidates may be asked: the replication parameter (libp2p/specs, kad-dht: 20).
    public var k: Int
    /// Requests that are out at a time, over all paths.
    public var alpha: Int
    /// How many of the nearest must have answered before a path ends: `k` to store and to read safely, fewer to find a way.
    public var beta: Int
    /// Disjoint paths: nobody's answer on one path leads another astray (Baumgart and Mies, "S/Kademlia", 2007, §4.4).
    public var paths: Int
    /// Candidates that a path remembers, those that failed included: even if three of four fail, `k` are left.
    public var candidateCountMax: Int
    /// Requests of the whole lookup: an honest one needs some 2k; who invents ever nearer peers must come to an end.
    public var requestCountMax: Int

    public init(k: Int = 20, alpha: Int = 10, beta: Int? = nil, paths: Int = 1) {
        precondition(k > 0 && alpha > 0 && (1...k).contains(beta ?? k) && (1...16).contains(paths))
        self.k = k
        self.alpha = alpha
        self.beta = beta ?? k
        self.paths = paths
        candidateCountMax = 4 * k
        requestCountMax = 8 * k
    }

    /// Twice as wide: twice as many of the nearest must have answered, for as many results.
    ///
    /// Whoever lies names the nearest of its own kind, and where three in ten lie, its k nearest reach three times as far from the
    /// target as the k nearest of all: they fill a path as wide as k, and those who would name the honest ones are never asked.
    var widened: LookupLimits {
        var wide = self
        (wide.beta, wide.candidateCountMax, wide.requestCountMax) = (2 * k, 2 * candidateCountMax, 2 * requestCountMax)
        return wide
    }

    /// How many of the nearest may be asked.
    var width: Int { max(k, beta) }
}
