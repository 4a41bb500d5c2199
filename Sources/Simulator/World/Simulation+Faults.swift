internal import Node
internal import Primitives

// What breaks, and how each breakage acts on the world.
extension Simulation {
    mutating func planFaults() {
        // Whoever never leaves stays whole: the others need somebody to find each other.
        let candidates = Array(nodes.indices.dropFirst(stableCount))
        let schedule = FaultSchedule(scenario: scenario, candidates: candidates, streams: streams)
        for event in schedule.events { plan(event) }
        faultSchedule = schedule
    }

    private mutating func plan(_ event: FaultEvent) {
        queue.insert(.world(.fault(faults.count)), at: event.at)
        faults.append(event.action)
    }

    mutating func carryOut(_ action: FaultAction) {
        switch action {
        case .partition(let fault, let side, let isOneWay):
            cuts.append((fault, network.cut(side, isOneWay ? .outward : .both)))
            watchCutConnections()
        case .heal(let fault):
            for cut in cuts where cut.fault == fault { network.heal(cut.cut) }
            cuts.removeAll { $0.fault == fault }
            releaseAll()
        case .swizzle(let fault):
            for event in faultSchedule?.clogs(of: fault, links: connectedPairs) ?? [] { plan(event) }
        case .clog(_, let left, let right):
            network.clog(from: left, to: right)
            network.clog(from: right, to: left)
            watchCutConnections()
        case .unclog(_, let left, let right):
            network.unclog(from: left, to: right)
            network.unclog(from: right, to: left)
            releaseAll()
        case .crash(let hit, let losesUnsynced):
            for node in hit where nodes[node].isUp {
                end(node, .crashed(losesUnsynced: losesUnsynced))
                crashed[node] = nodes[node].life
            }
        case .restart(let hit):
            // Who was away when the fault struck comes back in its own time.
            for node in hit where crashed.removeValue(forKey: node) == nodes[node].life { start(node) }
        case .depart(let hit): for node in hit { end(node, .departed) }
        case .arrive(let count): for _ in 0..<count { arrive() }
        case .disconnect(let hit): for node in hit { disconnectAll(node) }
        case .slow(let hit, let factor): network.slow(hit, factor: factor)
        case .stepClock(let hit, let by): for node in hit { stepClock(of: node, by: by) }
        case .diskFull(let hit, let isFull): for node in hit { setDiskFull(node, isFull) }
        case .pause(let hit, let isPaused): for node in hit { isPaused ? pause(node) : resume(node) }
        case .corrupt(let perMille): corruptionPerMille = perMille
        }
    }

    /// A node that was never there before comes and starts.
    private mutating func arrive() {
        let index = addNode()
        churn?.addNode()
        start(index)
    }

    /// The pairs of nodes that are connected now, each once.
    var connectedPairs: [(Int, Int)] {
        wires.all.filter { wires.isUp($0) }.map { (wires.node(at: $0), wires.node(at: $0.far)) }
    }

    /// Connections over a way that is cut now: their pings will not come back.
    private mutating func watchCutConnections() {
        guard scenario.fidelity != .bytes else { return }
        for end in wires.all where isCut(end) { planWatch(end) }
    }

    /// Whether one of the two ends cannot be heard by the other: a ping needs both ways.
    func isCut(_ end: WireEnd) -> Bool {
        let (near, far) = (wires.node(at: end), wires.node(at: end.far))
        return network.isCut(from: near, to: far) || network.isCut(from: far, to: near)
    }

    private mutating func releaseAll() {
        for end in wires.all where !isCut(end) { release(end) }
    }
}
