internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// Whose bid a request takes, and what there was if it takes none.
extension NodeMachine {
    /// All bids on a request of ours, the best first.
    func candidates(for own: RequestDesk.Own, at now: Instant) -> [RequestChoice.Candidate] {
        ranked(for: own, at: now)?.candidates ?? []
    }

    /// The bid that a request which decides itself is to accept now.
    ///
    /// Who was silent comes once more when nobody else is left.
    func next(for own: RequestDesk.Own, at now: Instant) -> RequestChoice.Candidate? {
        guard let (choice, candidates) = ranked(for: own, at: now) else { return nil }
        let wall = wall.unixMilliseconds(at: now)
        for tried in [own.tried.union(own.silent), own.tried] {
            let next = choice.next(
                of: candidates,
                tried: tried,
                attemptCount: own.attemptCount,
                turns: { requests.turns(of: network(of: $0, own), for: own, at: wall) },
                trust: { trust(in: $0.map(\.record.author)) }
            )
            if let next { return next }
        }
        return nil
    }

    /// What stands for where a bidder is: from there it has bid, or is connected; what it only says of itself is not counted.
    func network(of bidder: Ed25519.PublicKey, _ own: RequestDesk.Own) -> UInt64 {
        if let known = own.privateBids?.network(of: bidder) { return known }
        guard let peer = connected[PeerID(publicKey: bidder)] else { return RequestDesk.unknownNetwork }
        return LeaseMachine.group(of: peer.connection.remote.address, bidder)
    }

    /// What there is of what a request asks for.
    func shortage(of own: RequestDesk.Own, at now: Instant) -> RequestStatus.Shortage? {
        guard let (choice, candidates) = ranked(for: own, at: now) else { return nil }
        return RequestStatus.Shortage(
            offerCount: choice.matchCount(among: book.listings),
            bidCount: candidates.count,
            fittingCount: candidates.count { $0.shortfall == nil },
            shortfall: candidates.lazy.compactMap(\.shortfall).first
        )
    }

    private func ranked(
        for own: RequestDesk.Own,
        at now: Instant
    ) -> (choice: RequestChoice, candidates: [RequestChoice.Candidate])? {
        guard let record = own.record, case .request(let body) = record.record.body else { return nil }
        let statements = book.statements
        let bids = statements.bids + (own.privateBids?.records ?? [])
        var context = SearchContext(now: wall.unixMilliseconds(at: now))
        if body.asksTrust { context.trust = trust(in: bids.map(\.author)) }
        let choice = RequestChoice(
            of: record,
            culprits: statements.culprits,
            blockedPeers: leaseSeat.policy.counter.blockedPeers,
            context: context
        )
        return choice.map { ($0, $0.ranked(bids) { book.listing(for: $0) }) }
    }

    /// How far this node trusts some bidders.
    private func trust(in bidders: [Ed25519.PublicKey]) -> [Ed25519.PublicKey: Thousandths] {
        let walks = TrustWalks(TrustGraph(me: key.publicKey, statements: book.statements), seed: walkSeed)
        return Dictionary(Set(bidders).map { ($0, walks.score(of: $0).thousandths) }) { first, _ in first }
    }
}
