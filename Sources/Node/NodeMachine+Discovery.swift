internal import Gossipsub
internal import Identity
internal import Kademlia
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// How the node finds peers: its company, the rendezvous of its segments, and storefronts, all by the hash table.
extension NodeMachine {
    /// Searches of the node itself; commands of the driver have lower numbers.
    static let firstOwnSearch: UInt64 = 1 << 62

    var discoveryDeadline: Instant? {
        guard !kademlia.isEmpty else { return nil }
        let deadline = earliest(company.first?.nextDeadline, rendezvous.first?.nextDeadline)
        return earliest(deadline, storefront.first?.nextDeadline)
    }

    mutating func startDiscovery(at now: Instant, into outputs: inout [Output]) {
        guard !company.isEmpty else { return }
        storefront[0].start(at: now)
        weighRendezvous(isServer: kademlia[0].machine.mode == .server, at: now, into: &outputs)
    }

    mutating func expireDiscovery(at now: Instant, into outputs: inout [Output]) {
        if let due = company.first?.nextDeadline, due <= now { stepCompany(.deadlineReached, at: now) }
        if let due = rendezvous.first?.nextDeadline, due <= now {
            let counts = peerCounts
            var said: [Rendezvous.Output] = []
            rendezvous[0].expire(at: now, peerCount: { counts[$0] ?? 0 }, into: &said)
            carryOut(said, at: now, into: &outputs)
        }
        renewStorefront(at: now)
    }

    // MARK: Company

    mutating func stepCompany(_ input: PeerCompany.Input, at now: Instant) {
        guard !company.isEmpty else { return }
        var said: [PeerCompany.Output] = []
        company[0].handle(input, at: now, into: &said)
        for output in said {
            switch output {
            case .connect(let request, let peer, let addresses): dialStranger(request, peer, at: addresses)
            case .reconnect(let request, let peer, let addresses):
                work.append(.swarm(.learned(peer, Array(addresses.dropFirst()), from: nil)))
                // Where we have been ourselves is no stranger's word, and waits for no dial of theirs.
                work.append(.swarm(.connect(request, peer, Array(addresses.prefix(1)))))
            case .disconnect(let peer):
                // Somebody else may have joined the dial, and have found a use for it.
                if connected[peer]?.value == 0, !isLeasing(with: peer) { work.append(.swarm(.disconnect(peer))) }
            case .protect(let peer, let isProtected):
                if isProtected || !isLeasing(with: peer) { work.append(.swarm(.protect(peer, isProtected))) }
            case .remember(let record):
                cacheChanges.append(.setFact(name: CompanyRecord.factName, value: record.bytes))
            }
        }
        if company[0].isEnough != seeds.hasCompany { work.append(.seeds(.company(isEnough: company[0].isEnough))) }
    }

    /// What the swarm says of connections concerns the company too.
    mutating func heardByCompany(_ output: SwarmMachine.Output, at now: Instant) {
        switch output {
        case .connected(let remote, let info):
            stepCompany(.connected(remote, info.direction, info.remote), at: now)
        case .disconnected(let remote, _): stepCompany(.disconnected(remote), at: now)
        case .identified(let remote, let description):
            guard let source = connected[remote]?.connection.remote.address else { return }
            let usable = description.listenAddresses.filter { $0.isDialable(learnedFrom: source) }
            stepCompany(.identified(remote, usable.map(\.withoutPeer)), at: now)
        case .connectAnswered(let request, let result):
            if company.first?.owns(request) == true { stepCompany(.connectAnswered(request, result), at: now) }
        case .transport, .listening, .listenFailed, .streamOpened, .streamFailed, .inboundStream, .data,
            .remoteClosedWrite, .streamReset, .streamCongested, .streamDrained, .roundTrip, .addressesChanged,
            .refused, .stopped:
            break
        }
    }

    /// A peer has got a place in the table: it answered, so it may become company.
    mutating func joinedTable(_ peer: PeerID, at now: Instant) {
        if !rendezvous.isEmpty { rendezvous[0].tableHasFilled(at: now) }
        if kademlia[0].machine.tableCount == 1 { storefrontChanged(at: now) }
        guard let known = kademlia[0].machine.knownPeer(peer), let remote = connected[peer]?.connection.remote else {
            return
        }
        stepCompany(.heard([known], source: IPGroup(remote.address)), at: now)
    }

    /// Those who follow what we follow are heard of, and a few of those whom most have named are dialled at once.
    private mutating func welcome(_ found: [FoundProvider], at now: Instant) {
        for provider in found { stepCompany(.heard([provider.peer], source: provider.source), at: now) }
        let likeliest = Array(found.prefix(4 * Self.rendezvousDialCount))
        for provider in random.sample(likeliest, Self.rendezvousDialCount) {
            dialStranger(drawRecommendedConnect(), provider.peer.id, at: provider.peer.addresses)
        }
    }

    private static let rendezvousDialCount = 4

    /// Providers whom to be connected with would be new.
    private func newcomers(in result: KademliaResult) -> [FoundProvider] {
        guard case .providers(let found) = result else { return [] }
        return found.filter { $0.peer.id != peer && connected[$0.peer.id] == nil && !$0.peer.addresses.isEmpty }
    }

    /// Dials whom others have told us of: what was named by the operator is dialled without a limit, this is not.
    mutating func dialStranger(_ request: ConnectRequestID, _ remote: PeerID, at addresses: [Multiaddr]) {
        work.append(.swarm(.learned(remote, addresses, from: nil)))
        work.append(.swarm(.connect(request, remote, [])))
    }

    // MARK: Rendezvous

    /// Connected peers by what they follow; whoever follows the whole market counts for each segment.
    private var peerCounts: [Interest: Int] {
        var counts: [Interest: Int] = [:]
        for (topic, name) in zip(followed.topics, followed.names) {
            guard case .offers(let segment) = topic.lane else { continue }
            counts[.segment(segment)] = gossip.subscribers(of: name).count
        }
        counts[.market] = counts.values.min() ?? 0
        return counts
    }

    mutating func followRendezvous(_ segments: Set<Segment>?, at now: Instant, into outputs: inout [Output]) {
        guard !rendezvous.isEmpty else { return }
        var said: [Rendezvous.Output] = []
        rendezvous[0].follow(segments, at: now, into: &said)
        carryOut(said, at: now, into: &outputs)
    }

    mutating func weighRendezvous(isServer: Bool, at now: Instant, into outputs: inout [Output]) {
        guard !rendezvous.isEmpty else { return }
        var said: [Rendezvous.Output] = []
        rendezvous[0].set(isServer: isServer, at: now, into: &said)
        carryOut(said, at: now, into: &outputs)
    }

    private mutating func carryOut(_ said: [Rendezvous.Output], at now: Instant, into outputs: inout [Output]) {
        for output in said {
            switch output {
            case .provide(let key): search(.provide(key), for: .statement, at: now, into: &outputs)
            case .withdraw(let key): search(.withdraw(key), for: .statement, at: now, into: &outputs)
            case .find(let key): search(.findProviders(key), for: .rendezvous(key), at: now, into: &outputs)
            }
        }
    }

    /// Looks for a party of a lease or a request that is not where it was.
    mutating func seek(_ party: PeerID, at now: Instant, into outputs: inout [Output]) {
        let isSought = ownSearches.values.contains { if case .party(party) = $0 { true } else { false } }
        guard !kademlia.isEmpty, connected[party] == nil, !isSought else { return }
        search(.findPeer(party), for: .party(party), at: now, into: &outputs)
    }

    /// Asks the table for something of the node's own.
    mutating func search(
        _ command: KademliaCommand,
        for purpose: OwnSearch,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let id = KademliaCommandID(rawValue: nextOwnSearch)
        nextOwnSearch += 1
        ownSearches[id] = purpose
        stepKademlia(.command(id, command), at: now, into: &outputs)
    }

    /// One of the node's own searches has ended; `false` if it is a command's.
    mutating func finishOwnSearch(
        _ id: KademliaCommandID,
        _ result: KademliaResult,
        at now: Instant,
        into outputs: inout [Output]
    ) -> Bool {
        guard id.rawValue >= Self.firstOwnSearch else { return false }
        switch ownSearches.removeValue(forKey: id) {
        case .rendezvous(let key):
            let new = newcomers(in: result)
            if !rendezvous.isEmpty { rendezvous[0].found(key, newCount: new.count, at: now) }
            welcome(new, at: now)
        case .storefront(let command): foundStorefront(command, result, at: now, into: &outputs)
        case .replicas:
            welcome(newcomers(in: result), at: now)
        case .party(let party):
            guard case .peer(let found) = result, connected[party] == nil, !found.addresses.isEmpty else { break }
            dialStranger(drawRecommendedConnect(), party, at: found.addresses)
        case .statement, nil: break
        }
        return true
    }
}

/// What one of the node's own searches is for.
enum OwnSearch: Sendable {
    /// Something is said, or taken back; nobody waits.
    case statement
    case rendezvous([UInt8])
    /// Replicas of a segment that is searched and not followed.
    case replicas
    /// Somebody with whom a lease or a bid is under way.
    case party(PeerID)
    /// A command wants a peer's storefront, of which this is one replica.
    case storefront(CommandID)
}
