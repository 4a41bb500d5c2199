internal import Cryptography
internal import DequeModule
internal import Identity
internal import Kademlia
internal import Market
internal import Node
internal import Primitives
internal import Swarm

// What is looked up in the hash table, and whether it was found: judged by what there is, not by what the answers say.
extension Simulation {
    /// So long a node must have been up before others can be expected to find it, or to ask well.
    private static let lookupSettling = Duration.seconds(30)
    /// So long it must have been up to be the nearest to a key in everybody's eyes.
    private static let neighbourSettling = Duration.seconds(60)
    /// How soon after it was said that somebody provides a key another node looks for it.
    private static let provisionRest = Duration.seconds(5)
    private static let drawCount = 64

    /// The network's common rate: whoever is drawn looks something up.
    mutating func lookUpSomewhere() {
        guard let plan = scenario.workload.lookups else { return }
        let wait = Distribution.exponential(mean: .seconds(1) / plan.perSecond).draw(using: &lookups.random)
        queue.insert(.world(.lookUp), at: now.advanced(by: wait))
        guard let asker = drawSettled(), let sought = drawSought(plan, asker: asker) else { return }
        let number = nodes[asker].nextCommand
        nodes[asker].questions[number] = LookupQuestion(sought: sought, at: now)
        switch sought {
        case .peer(let target): command(asker, .dht(.findPeer(nodes[target].identity.peer)))
        case .closest(let key): command(asker, .dht(.closestPeers(key)))
        case .provision(let key): command(asker, .dht(.provide(key)))
        case .provider:
            guard let provided = lookups.provided.popFirst() else { return }
            command(asker, .dht(.findProviders(provided.key)))
        case .storefront(let target): command(asker, .findStorefront(nodes[target].identity.peer))
        }
    }

    private mutating func drawSought(_ plan: LookupPlan, asker: Int) -> LookupQuestion.Sought? {
        switch plan.kinds[lookups.random.below(plan.kinds.count)] {
        case .findPeer: return drawSettled(but: asker).map { .peer($0) }
        case .closest: return .closest(drawKey())
        case .providers:
            // Those who left, or became somebody else, can no longer be found.
            while let first = lookups.provided.first, !hasStayed(first.node, since: first.at) {
                lookups.provided.removeFirst()
            }
            guard let first = lookups.provided.first, first.at.advanced(by: Self.provisionRest) <= now,
                first.node != asker
            else { return .provision(drawKey()) }
            return .provider(first.node)
        case .storefront:
            return drawSettled(but: asker, whose: { !$0.provider.offers.isEmpty }).map { .storefront($0) }
        }
    }

    /// A multihash that nobody chose.
    private mutating func drawKey() -> [UInt8] {
        lookups.keyCount += 1
        return Multihash(sha256: Array("rialto simulation \(seed) key \(lookups.keyCount)".utf8)).bytes
    }

    /// An honest node that has been up for a while; `nil` if a few draws find none.
    private mutating func drawSettled(
        but other: Int? = nil,
        whose isFit: (VirtualNode) -> Bool = { _ in true }
    ) -> Int? {
        for _ in 0..<Self.drawCount {
            let index = lookups.random.below(nodes.count)
            if index != other, isSettled(index, for: Self.lookupSettling), isFit(nodes[index]) { return index }
        }
        return nil
    }

    private func isSettled(_ index: Int, for length: Duration) -> Bool {
        guard !nodes[index].isHostile, nodes[index].isUp, !nodes[index].isPaused, index < referee.nodes.count,
            let since = referee.nodes[index].upSince
        else { return false }
        return since.advanced(by: length) <= now
    }

    private func hasStayed(_ index: Int, since instant: Instant) -> Bool {
        guard nodes[index].isUp, let since = referee.nodes[index].upSince else { return false }
        return since <= instant
    }

    // MARK: What came of it

    /// A search of a node has ended: one that serves a question waits for the answer, all others are noted at once.
    mutating func searched(_ summary: LookupSummary, for id: CommandID?, by index: Int) {
        guard !nodes[index].isHostile else { return }
        if let id, nodes[index].questions[id.rawValue] != nil {
            nodes[index].questions[id.rawValue]?.hops = summary.hops
            nodes[index].questions[id.rawValue]?.requestCount += summary.requestCount
            nodes[index].questions[id.rawValue]?.failureCount += summary.failureCount
            return
        }
        referee.lookups.note(
            LookupSample(
                at: now.advanced(by: .zero - summary.lasted),
                node: index,
                kind: summary.kind.rawValue,
                isAsked: false,
                hops: summary.hops,
                requestCount: summary.requestCount,
                failureCount: summary.failureCount,
                lasted: summary.lasted,
                isFound: summary.isFound
            )
        )
    }

    /// A question is answered, or, with `nil`, never was; one about somebody who left meanwhile was none.
    mutating func judge(_ answer: NodeAnswer?, to question: LookupQuestion, by index: Int) {
        guard let isFound = isRight(answer, to: question, askedBy: index) else { return }
        referee.lookups.note(
            LookupSample(
                at: question.at,
                node: index,
                kind: question.sought.kind,
                isAsked: true,
                hops: question.hops,
                requestCount: question.requestCount,
                failureCount: question.failureCount,
                lasted: question.at.duration(to: now),
                isFound: isFound
            )
        )
        if isFound, case .provision(let key) = question.sought {
            lookups.provided.append(LookupWorkload.Provided(key: key, node: index, at: now))
        }
    }

    private mutating func isRight(_ answer: NodeAnswer?, to question: LookupQuestion, askedBy asker: Int) -> Bool? {
        switch question.sought {
        case .peer(let target):
            guard hasStayed(target, since: question.at) else { return nil }
            guard case .dht(.peer(let found))? = answer else { return false }
            return found.id == nodes[target].identity.peer
                && found.addresses.contains(Multiaddr(endpoint: nodes[target].endpoint))
        case .closest(let key):
            guard let nearest = nearestServer(to: key, but: asker, since: question.at) else { return nil }
            guard case .dht(.closest(let found))? = answer else { return false }
            return found.contains { $0.id == nearest }
        case .provision:
            if case .dht(.provided(let count))? = answer { return count > 0 }
            return false
        case .provider(let target):
            guard hasStayed(target, since: question.at) else { return nil }
            guard case .dht(.providers(let found))? = answer else { return false }
            return found.contains { $0.peer.id == nodes[target].identity.peer }
        case .storefront(let target):
            guard hasStayed(target, since: question.at) else { return nil }
            guard case .records(let found)? = answer else { return false }
            return found.contains { $0.author == nodes[target].identity.key.publicKey }
        }
    }

    /// The honest server that lies nearest to a key, of those that have long been up.
    private mutating func nearestServer(to key: [UInt8], but asker: Int, since instant: Instant) -> PeerID? {
        let target = KademliaKey(hashing: key)
        var nearest: (distance: KademliaDistance, peer: PeerID)?
        for index in nodes.indices
        where index != asker && isSettled(index, for: Self.neighbourSettling + instant.duration(to: now)) {
            let peer = nodes[index].identity.peer
            let distance = KademliaKey(hashing: peer.bytes).distance(to: target)
            guard nearest.map({ distance < $0.distance }) ?? true,
                nodes[index].ask({ $0.servesTable }) == true
            else { continue }
            nearest = (distance, peer)
        }
        return nearest?.peer
    }
}
