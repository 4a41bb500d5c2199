internal import Identity
internal import Node
internal import Primitives
internal import Swarm

// At `bytes` a node's words are encrypted before they reach the world. So a hostile node is taken apart there: its swarm is a machine of its
// own, and what the node and the swarm say to each other passes its will.
extension Simulation {
    /// What a hostile node that starts is told besides: that somebody else keeps its connections.
    func seize(_ config: inout NodeConfig, of index: Int) {
        guard scenario.fidelity == .bytes, let role = roster?.role(of: index) else { return }
        config.swarmSeat = .driver(typedGossip: false)
        config.swarm.trimming = ConnectionTrimmingConfig()
        if role == .reflector { config.swarm.announcedAddresses = doors.map { Multiaddr(endpoint: $0) } }
    }

    /// The connections of a hostile node that starts.
    mutating func seizeSwarm(of index: Int, _ config: NodeConfig) {
        guard case .driver = config.swarmSeat, scenario.fidelity == .bytes else { return }
        let random = streams.stream(.adversary, node: index | Int(nodes[index].life) << 32 | 1 << 62)
        seizedSwarms[index] = SwarmMachine(
            config: config.namedSwarm,
            identity: nodes[index].identity.key,
            random: random
        )
    }

    /// Feeds a seized swarm: what it says is the world's to do, or the node's to hear at the same instant.
    mutating func stepSwarm(of index: Int, _ input: SwarmMachine.Input) {
        var said: [SwarmMachine.Output] = []
        seizedSwarms[index]?.handle(input, at: now, into: &said)
        for output in said {
            if case .transport(let output) = output {
                carryOut(output, of: index)
            } else {
                owe(index, .swarm(output))
            }
        }
    }

    /// When a node's timer is due, whoever keeps its connections.
    func deadline(of index: Int) -> Instant? {
        guard nodes[index].isHostile else { return nodes[index].machines[0].nextDeadline }
        return earliest(nodes[index].machines[0].nextDeadline, seizedSwarms[index]?.nextDeadline)
    }

    /// Where reflectors send others: next to the door of the first node, which everybody knows, and to that of somebody who is no node.
    var doors: [Endpoint] {
        guard scenario.adversaries.contains(where: { $0.role == .reflector }), let first = nodes.first else {
            return []
        }
        return [first.endpoint, Endpoint(address: Self.bystander, port: first.endpoint.port)].map { door in
            Endpoint(address: door.address, port: door.port + 1)
        }
    }

    /// No node ever has this address.
    private static let bystander = IPAddress(99, 0, 0, 1)
}
