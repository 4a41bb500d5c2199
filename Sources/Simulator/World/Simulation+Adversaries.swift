internal import Node
internal import Primitives

// Who is not honest, and how they get their way.
extension Simulation {
    /// Deals the hostile roles of the scenario; whoever never leaves is honest.
    mutating func appointAdversaries() {
        let candidates = Array(nodes.indices.dropFirst(stableCount))
        roster = AdversaryRoster(scenario: scenario, candidates: candidates, streams: streams)
        for index in nodes.indices where roster?.role(of: index) != nil { nodes[index].isHostile = true }
        referee.reflections.hosts = Set(doors.map(\.address))
        referee.reflections.honestDoor = nodes.first?.endpoint
    }

    /// A hostile node starts: with the same will as in its former life.
    mutating func awakenAdversary(of index: Int) {
        guard let role = roster?.role(of: index) else { return }
        adversaries[index] = Adversary(
            role: role,
            key: nodes[index].identity.key,
            network: "main",
            fidelity: scenario.fidelity,
            begins: .zero.advanced(by: scenario.buildUp),
            random: streams.stream(.adversary, node: index | Int(nodes[index].life) << 32),
            accomplices: accomplices(of: role),
            victims: victims(of: role),
            hidden: hiddenKeys(of: role),
            doors: doors
        )
    }

    /// An adversary's machine has spoken: what it does not send, or sends otherwise.
    mutating func filterOutputs(of index: Int) {
        adversaries[index]?.filter(&outputs, at: now)
        planAdversary(of: index)
    }

    mutating func planAdversary(of index: Int) {
        guard let due = adversaries[index]?.nextDeadline, due < nodes[index].wakesAt else { return }
        nodes[index].wakesAt = due
        queue.insert(.world(.adversary(life(of: index))), at: max(due, now))
    }

    mutating func wakeAdversary(_ life: NodeLife) {
        guard nodes[life.index].life == life.life, !nodes[life.index].isPaused else { return }
        nodes[life.index].wakesAt = .distantFuture
        let unix = unixMilliseconds(of: life.index)
        guard let actions = adversaries[life.index]?.wake(at: now, unixMilliseconds: unix) else { return }
        for input in actions.inputs { feed(life.index, input) }
        for output in actions.outputs { carryOut(output, of: life.index) }
        tell()
        planAdversary(of: life.index)
    }
}
