internal import Cryptography
internal import Market
internal import Node
internal import Primitives

// What nodes do that hold a part of the market: each searches from time to time in a segment that it does not hold.
extension Simulation {
    /// How old an offer is that a search must show.
    private static let settledMilliseconds: Int64 = 60_000

    /// The segments of a node's interest: some of those that the scenario trades in, drawn.
    func drawInterest(of index: Int, _ plan: SearchPlan) -> Set<Segment> {
        var random = streams.fast(.workload, node: index | 1 << 59)
        var drawn = segments
        random.shuffle(&drawn)
        return Set(drawn.prefix(plan.followed))
    }

    /// A wait before the next search of a life, drawn from a stream of the life's own.
    mutating func planSearch(of life: NodeLife) {
        guard !nodes[life.index].isHostile, let plan = scenario.workload.searches else { return }
        var random = searchStream(of: life)
        let wait = Distribution.exponential(mean: plan.every).draw(using: &random)
        let due = max(now, .zero.advanced(by: scenario.buildUp)).advanced(by: wait)
        if due < end { queue.insert(.world(.search(life)), at: due) }
    }

    mutating func search(of life: NodeLife) {
        guard nodes[life.index].life == life.life else { return }
        if nodes[life.index].isUp, !nodes[life.index].isPaused {
            var random = searchStream(of: life)
            command(life.index, .look([segments[random.below(segments.count)]], models: []))
        }
        planSearch(of: life)
    }

    private func searchStream(of life: NodeLife) -> SimulationRandom {
        let count = Int(nodes[life.index].nextCommand)
        return streams.fast(.workload, node: life.index | Int(life.life) << 24 | count << 40 | 1 << 60)
    }

    /// A search is over: everything that honest providers have offered there for a while must be in the searcher's book.
    mutating func judge(_ report: SearchReport, by index: Int) {
        // What the node follows itself is no search.
        guard let segment = report.segments.first else { return }
        let unix = unixMilliseconds(of: index)
        let seen = nodes[index].ask { Set($0.marketListings.filter { $0.liveness(at: unix) != .gone }.map(\.id)) } ?? []
        var (offered, missing) = (0, 0)
        for provider in nodes.indices where !nodes[provider].isHostile && nodes[provider].isUp {
            let key = nodes[provider].identity.key.publicKey
            guard let marketClass = nodes[provider].provider.marketClass,
                MarketProfile.first.segment(of: key, in: marketClass) == segment
            else { continue }
            let settled = unixMilliseconds(of: provider) - Self.settledMilliseconds
            let own = nodes[provider].ask { node in
                node.marketListings.filter { $0.provider == key && $0.issuedAt <= settled }.map(\.id)
            }
            for id in own ?? [] {
                offered += 1
                if !seen.contains(id) { missing += 1 }
            }
        }
        referee.searches.note(offered: offered, missing: missing, report, node: index, at: now)
    }
}
