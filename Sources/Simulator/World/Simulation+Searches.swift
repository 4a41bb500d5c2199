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
        var random = searchStream(of: life, .wait)
        let wait = Distribution.exponential(mean: plan.every).draw(using: &random)
        let due = max(now, .zero.advanced(by: scenario.buildUp)).advanced(by: wait)
        if due < end { queue.insert(.world(.search(life)), at: due) }
    }

    mutating func search(of life: NodeLife) {
        guard nodes[life.index].life == life.life else { return }
        if nodes[life.index].isUp, !nodes[life.index].isPaused {
            var random = searchStream(of: life, .choice)
            let segment = segments[random.below(segments.count)]
            nodes[life.index].searches[nodes[life.index].nextCommand] = SearchQuestion(segment: segment, at: now)
            command(life.index, .look([segment], models: []))
        }
        planSearch(of: life)
    }

    func searchStream(of life: NodeLife, _ draw: WorkloadDraw) -> SimulationRandom {
        let count = Int(nodes[life.index].nextCommand)
        return streams.fast(.workload, node: life.index | Int(life.life) << 24 | count << 40 | 1 << 60 | draw.tag)
    }

    /// What the workload asked long ago and nobody has answered is a miss: an answer that never comes must not improve the share.
    mutating func judgeUnanswered() {
        let patience = Self.answerPatience
        for index in nodes.indices where nodes[index].isUp && !nodes[index].isPaused && !nodes[index].isHostile {
            for id in nodes[index].questions.keys.sorted() {
                guard let question = nodes[index].questions[id], question.at.advanced(by: patience) <= now else {
                    continue
                }
                nodes[index].questions[id] = nil
                judge(nil, to: question, by: index)
            }
            for id in nodes[index].searches.keys.sorted() {
                guard let search = nodes[index].searches[id], search.at.advanced(by: patience) <= now else { continue }
                nodes[index].searches[id] = nil
                judge(nil, of: search, by: index)
            }
        }
    }

    /// Longer than a node takes over any question: it gives up a search of the hash table after a minute.
    static let answerPatience = Duration.seconds(120)

    /// A search is over: everything that honest providers have offered there for a while must be in the searcher's book.
    ///
    /// `report` is `nil` for a search that the node refused, or never finished: whatever was there, it showed nothing.
    mutating func judge(_ report: SearchReport?, of search: SearchQuestion, by index: Int) {
        let segment = search.segment
        let unix = unixMilliseconds(of: index)
        let shown = nodes[index].ask { Set($0.marketListings.filter { $0.liveness(at: unix) != .gone }.map(\.id)) }
        let seen = report == nil ? [] : shown ?? []
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

/// What a node was told to search.
struct SearchQuestion: Sendable {
    let segment: Segment
    let at: Instant
}
