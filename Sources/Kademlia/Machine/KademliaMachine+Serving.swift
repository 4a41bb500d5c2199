internal import Identity
internal import OrderedCollections
internal import Primitives

// What others ask of us.
extension KademliaMachine {
    mutating func serve(
        _ id: KademliaInboundID,
        _ peer: PeerID,
        _ bytes: [UInt8],
        from source: IPAddress?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        // Who only uses the network does not offer the protocol; who asks all the same gets no answer.
        guard mode == .server, requestAllowances.take(peer, at: now),
            let message = try? KademliaMessage(parsing: bytes.span),
            message.kind != .getProviders
                || requestAllowances.take(peer, KademliaLimits.providersRequestCost - 1, at: now)
        else {
            outputs.append(.refuse(id))
            return
        }
        if message.kind == .addProvider {
            // It has no answer, not even when nothing in it is taken.
            addProvider(message, from: peer, at: source, now: now)
            outputs.append(.accept(id))
            return
        }
        guard let answer = answer(to: message, from: peer, at: source, now: now) else {
            outputs.append(.refuse(id))
            return
        }
        outputs.append(.respond(id, answer.encoded))
    }

    private mutating func answer(
        to message: KademliaMessage,
        from peer: PeerID,
        at source: IPAddress?,
        now: Instant
    ) -> KademliaMessage? {
        // An echo carries nothing that the asker could make us spread.
        if message.kind == .ping { return KademliaMessage(kind: .ping, key: message.key) }
        guard !message.key.isEmpty else { return nil }
        var answer = KademliaMessage(kind: message.kind, key: message.key)
        switch message.kind {
        case .findNode:
            answer.key = []
            answer.closerPeers = nodes(for: message.key, askedBy: peer, at: source)
        case .getValue:
            if let clock {
                let unixMilliseconds = clock.unixMilliseconds(at: now)
                let held = values.live(message.key, unixMilliseconds: unixMilliseconds)
                answer.record = held.map { KademliaValue(key: message.key, value: $0.value) }
            }
            answer.closerPeers = closerPeers(to: message.key, askedBy: peer, at: source)
        case .getProviders:
            answer.closerPeers = closerPeers(to: message.key, askedBy: peer, at: source)
            answer.providerPeers = providerPeers(of: message.key, at: source, now: now)
        case .putValue:
            guard let record = storedRecord(of: message, from: peer, now: now) else { return nil }
            answer.record = record
        case .ping, .addProvider:
            return nil
        }
        return answer
    }

    /// Whoever is searched, if we know it, and the nearest to it; we ourselves, if we are searched.
    private func nodes(for key: [UInt8], askedBy peer: PeerID, at source: IPAddress?) -> [KademliaPeer] {
        if key == own.bytes {
            return [KademliaPeer(id: own, addresses: ownAddresses, connection: .connected).visible(from: source)]
        }
        var nodes = closerPeers(to: key, askedBy: peer, at: source)
        // Also those that only use the network can be found, by whoever they are connected with.
        if let target = try? PeerID(bytes: key), target != peer, nodes.first?.id != target,
            let target = connected[target]?.visible(from: source), !target.addresses.isEmpty
        {
            nodes = [target] + nodes.prefix(KademliaMessage.closerPeerCountMax - 1)
        }
        return nodes
    }

    private func closerPeers(to key: [UInt8], askedBy peer: PeerID, at source: IPAddress?) -> [KademliaPeer] {
        let countMax = min(config.k, KademliaMessage.closerPeerCountMax)
        let nearest = known.closest(to: KademliaKey(hashing: key), count: countMax + 1)
        var told: [KademliaPeer] = []
        told.reserveCapacity(countMax)
        for known in nearest where known.id != peer && told.count < countMax {
            let visible = known.visible(from: source)
            guard !visible.addresses.isEmpty else { continue }
            let connection: KademliaPeer.Connection = connected[known.id] == nil ? .canConnect : .connected
            told.append(KademliaPeer(id: known.id, addresses: visible.addresses, connection: connection))
        }
        return told
    }

    /// As many as a reader takes from one answer, in random order, so that nobody is favoured.
    private mutating func providerPeers(of key: [UInt8], at source: IPAddress?, now: Instant) -> [KademliaPeer] {
        var told = providers.sample(Query.providersPerAnswerMax, of: key, using: &random, at: now)
            .map { $0.peer.visible(from: source) }
        if publications.isProvided(key) {
            told.append(KademliaPeer(id: own, addresses: ownAddresses, connection: .connected).visible(from: source))
        }
        random.shuffle(&told)
        return told
    }

    /// Keeps those entries that the sender makes for itself, with an address at which it can be reached.
    private mutating func addProvider(
        _ message: KademliaMessage,
        from peer: PeerID,
        at source: IPAddress?,
        now: Instant
    ) {
        guard !message.key.isEmpty, let entry = message.providerPeers.first(where: { $0.id == peer }) else { return }
        let provider = entry.visible(from: source)
        guard !provider.addresses.isEmpty else { return }
        let group = provider.group(connectedFrom: source)
        guard mayProvide(message.key, peer, group, now: now) else { return }
        providers.add(peer, addresses: provider.addresses, group: group, for: message.key, at: now)
    }

    /// Whether a provider is named at once, or has waited long enough for a key that many want.
    private mutating func mayProvide(_ key: [UInt8], _ peer: PeerID, _ group: IPGroup, now: Instant) -> Bool {
        guard config.waitingKeys.contains(key), !providers.contains(peer, of: key, at: now) else { return true }
        let crowd = providers.crowd(of: key, in: group)
        let wait = WaitingRoom.wait(count: crowd.count, kindred: group.isExempt ? 0 : crowd.kindred)
        return waitingRoom.admits(peer, of: group, to: key, after: wait, at: now)
    }

    /// What is held after a request to store, if it is what the request brought.
    private mutating func storedRecord(
        of message: KademliaMessage,
        from peer: PeerID,
        now: Instant
    ) -> KademliaValue? {
        guard let record = message.record, record.key == message.key, let clock,
            valueAllowances.take(peer, at: now), let standing = judge(record, at: now)
        else { return nil }
        let unixMilliseconds = clock.unixMilliseconds(at: now)
        switch values.put(record.value, standing, for: record.key, unixMilliseconds: unixMilliseconds) {
        case .stored, .same: return record
        case .outdated, .noRoom: return nil
        }
    }
}
