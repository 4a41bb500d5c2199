internal import Primitives

// Who comes and goes, and when everything begins.
extension Simulation {
    /// Adds the scenario's nodes and plans the beginning: one after another over the first half of the build-up, so that the last ones
    /// have found company when it ends.
    mutating func build() {
        nodes.reserveCapacity(scenario.nodeCount)
        for _ in 0..<scenario.nodeCount { addNode() }
        // Somebody must be found by everybody.
        for index in 0..<stableCount { network.setReachability(.open, of: index) }
        appointAdversaries()
        appointProviders()
        grindIdentities()
        for index in nodes.indices {
            let due = Instant.zero.advanced(by: scenario.buildUp * index / (2 * scenario.nodeCount))
            switch churn?.presenceAtStart(of: index) {
            case nil, .stable?: queue.insert(.world(.start(node: UInt32(index))), at: due)
            case .up(let rest)?:
                nodes[index].firstSession = rest
                queue.insert(.world(.start(node: UInt32(index))), at: due)
            case .away(let rest)?: queue.insert(.world(.start(node: UInt32(index))), at: due.advanced(by: rest))
            }
        }
        planFaults()
        let measured = Instant.zero.advanced(by: scenario.buildUp)
        if scenario.workload.changesPerSecond != nil { queue.insert(.world(.changeSomewhere), at: measured) }
        if scenario.workload.lookups != nil { queue.insert(.world(.lookUp), at: measured) }
        queue.insert(.world(.second), at: .zero.advanced(by: .seconds(1)))
    }

    /// How many nodes, the first ones, never leave of their own accord and are spared by the faults.
    var stableCount: Int {
        let planned = scenario.churn.map { $0.stable.of(scenario.nodeCount) } ?? 1
        return max(1, min(planned, scenario.nodeCount))
    }

    /// Whether the time that the metrics speak of has begun.
    var isMeasuring: Bool { Instant.zero.advanced(by: scenario.buildUp) <= now }

    /// A life begins: when the churn model has it end.
    mutating func planSession(of index: Int) {
        guard churn != nil, churn?.isStable(index) == false else { return }
        let first = nodes[index].firstSession.take()
        guard let length = first ?? churn?.session(of: index) else { return }
        queue.insert(.world(.leave(life(of: index))), at: now.advanced(by: length))
    }

    /// A session is over: the process ends as it does when somebody closes the lid, and returns after its downtime.
    mutating func leave(_ life: NodeLife) {
        guard nodes[life.index].life == life.life, let downtime = churn?.downtime(of: life.index) else { return }
        end(life.index, .crashed(losesUnsynced: false))
        if churn?.keepsIdentity == false { becomeSomebodyElse(life.index) }
        queue.insert(.world(.start(node: life.node)), at: now.advanced(by: downtime))
    }

    mutating func carryOut(_ event: WorldEvent) {
        switch event {
        case .start(let node): start(Int(node))
        case .leave(let life): leave(life)
        case .publish(let life, let offer): publish(offer, of: life)
        case .change(let life): changeOwn(of: life)
        case .changeSomewhere: changeSomewhere()
        case .bid(let life): bid(of: life)
        case .search(let life): search(of: life)
        case .lookUp: lookUpSomewhere()
        case .fault(let number): carryOut(faults[number])
        case .adversary(let life): wakeAdversary(life)
        case .second: second()
        }
    }
}
