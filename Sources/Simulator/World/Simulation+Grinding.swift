internal import Identity
internal import Kademlia
internal import Market
internal import Node
internal import Primitives

// Peer ids cost nothing: whoever wants to stand at one place of the hash table draws keys until one lies there.
extension Simulation {
    /// More draws than any network of a scenario needs: a key next to a given one costs as many as there are honest nodes, on average.
    private static let grindingCountMax = 1 << 18

    /// Gives hostile nodes that want a certain place a key that has it.
    mutating func grindIdentities() {
        for index in nodes.indices {
            switch roster?.role(of: index) {
            case .hider(let thing)?:
                guard let key = replicas(of: thing).first.map(KademliaKey.init(hashing:)) else { continue }
                let nearest = nearestHonestDistance(to: key)
                grind(index) { KademliaKey(hashing: $0.bytes).distance(to: key) < nearest }
            case .squatter?:
                let segment = segments[0]
                grind(index) { NodeMachine.custody(of: $0, at: Self.epochMilliseconds) == segment }
            default: continue
            }
        }
    }

    private mutating func grind(_ index: Int, until fits: (PeerID) -> Bool) {
        for number in 1...Self.grindingCountMax {
            let identity = VirtualIdentity(streams: streams, node: index, number: number)
            guard fits(identity.peer) else { continue }
            nodes[index].identity = identity
            return directory.add(identity.peer, node: index)
        }
    }

    private func nearestHonestDistance(to key: KademliaKey) -> KademliaDistance {
        let honest = nodes.indices.filter { !nodes[$0].isHostile }
        let distances = honest.map { KademliaKey(hashing: nodes[$0].identity.peer.bytes).distance(to: key) }
        return distances.min() ?? key.distance(to: key)
    }

    /// The keys under which a thing stands, as honest nodes ask for them.
    private func replicas(of thing: HiddenThing) -> [[UInt8]] {
        switch thing {
        case .storefront:
            guard let victim = nodes.indices.first(where: { nodes[$0].provider.offerCount > 0 }) else { return [] }
            return NodeMachine.storefrontKeys(of: nodes[victim].identity.peer)
        case .segment:
            return NodeMachine.rendezvousKeys(of: followed == nil ? nil : segments[0], network: settings.network)
        }
    }

    /// The keys that a role is about: all of what a hider hides, and all under which nodes of the scenario's segments find each other.
    func hiddenKeys(of role: AdversaryRole) -> Set<[UInt8]> {
        switch role {
        case .hider(let thing): return Set(replicas(of: thing))
        case .flooder:
            let interests = [nil] + segments.map(Optional.some)
            return Set(interests.flatMap { NodeMachine.rendezvousKeys(of: $0, network: settings.network) })
        default: return []
        }
    }

    /// The nodes of one role, as they would name each other.
    func accomplices(of role: AdversaryRole) -> [KademliaPeer] {
        switch role {
        case .poisoner, .hider, .crowder: peers { $0 == role }
        default: []
        }
    }

    /// Whom a role dials: the honest ones.
    func victims(of role: AdversaryRole) -> [KademliaPeer] {
        role == .crowder ? peers { $0 == nil } : []
    }

    private func peers(where isWanted: (AdversaryRole?) -> Bool) -> [KademliaPeer] {
        nodes.indices.filter { isWanted(roster?.role(of: $0)) }.map {
            KademliaPeer(id: nodes[$0].identity.peer, addresses: [Multiaddr(endpoint: nodes[$0].endpoint)])
        }
    }
}
