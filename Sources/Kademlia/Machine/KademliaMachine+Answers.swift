internal import Identity
internal import OrderedCollections
internal import Primitives

// What came back.
extension KademliaMachine {
    mutating func received(
        _ bytes: [UInt8],
        for id: KademliaRequestID,
        from source: IPAddress?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let request = requests.close(id) else { return }
        guard let message = try? KademliaMessage(parsing: bytes.span), message.kind == request.kind else {
            return failed(request, at: now, into: &outputs)
        }
        switch request.purpose {
        case .lookup(let query, let contact):
            admit(request.peer, from: source, at: now, into: &outputs)
            answered(query, contact, message, from: source, at: now, into: &outputs)
        case .store(let query):
            // The echo says what was stored.
            guard case .putValue(message.record) = queries[query]?.purpose else {
                return stored(query, false, at: now, into: &outputs)
            }
            stored(query, true, at: now, into: &outputs)
        case .check:
            if message.closerPeers.isEmpty {
                contactFailed(request.peer.id, at: now, into: &outputs)
            } else {
                admit(request.peer, from: source, at: now, into: &outputs)
            }
            checks.remove(request.peer.id)
        case .correction: break
        }
    }

    private mutating func answered(
        _ id: QueryID,
        _ contact: ContactID,
        _ message: KademliaMessage,
        from source: IPAddress?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        // A query that stores, or is over, has chosen already.
        guard let purpose = queries[id]?.purpose, queries[id]?.storing == nil else { return }
        guard queries[id]?.admitsAnswer(of: contact, from: source) == true else {
            queries[id]?.lookup.failed(contact)
            return advance(id, at: now, into: &outputs)
        }
        switch purpose {
        case .findProviders:
            let group = source.map { IPGroup($0) } ?? .exempt
            let named = message.providerPeers.map { FoundProvider(peer: $0.visible(from: source), source: group) }
            queries[id]?.found(named)
        case .getValue(let key, _):
            if let record = message.record, record.key == key, let standing = judge(record, at: now) {
                queries[id]?.found(record.value, standing, at: contact)
            }
        case .findPeer, .closest, .refresh, .provide, .putValue:
            break
        }
        let closer = reachable(message.closerPeers, from: source)
        for peer in queries[id]?.answered(contact, closer: closer) ?? [] { outputs.append(.learned(peer)) }
        advance(id, at: now, into: &outputs)
    }

    /// The peers of an answer that we could ask: with addresses that the answerer may tell us, or with a connection.
    private func reachable(_ peers: [KademliaPeer], from source: IPAddress?) -> [KademliaPeer] {
        peers.compactMap { peer in
            guard peer.id != own else { return nil }
            let peer = peer.visible(from: source)
            if !peer.addresses.isEmpty { return peer }
            return known.peer(peer.id) ?? connected[peer.id]
        }
    }

    /// A request ended without an answer, or with one that is none.
    mutating func failed(_ request: RequestBook.Request, at now: Instant, into outputs: inout [Output]) {
        // Whoever does not want to keep a value resets the stream: it lives, and has answered a moment ago.
        if request.kind != .putValue { contactFailed(request.peer.id, at: now, into: &outputs) }
        unanswered(request, at: now, into: &outputs)
    }

    /// Nothing comes of a request: whoever waits for it goes on.
    mutating func unanswered(_ request: RequestBook.Request, at now: Instant, into outputs: inout [Output]) {
        switch request.purpose {
        case .lookup(let query, let contact):
            queries[query]?.lookup.failed(contact)
            advance(query, at: now, into: &outputs)
        case .store(let query): stored(query, false, at: now, into: &outputs)
        case .check: checks.remove(request.peer.id)
        case .correction: break
        }
    }
}
