internal import Cryptography
internal import Identity
internal import Kademlia
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// Where a provider can be found without gossip.
extension NodeMachine {
    /// Holders whose word is compared: one honest one suffices, for a storefront proves itself.
    private static let storefrontQuorum = 3

    /// Says where this provider is, if it is one and that has changed.
    mutating func renewStorefront(at now: Instant) {
        guard let due = storefront.first?.nextDeadline, due <= now else { return }
        let own = ownStorefront
        guard let body = storefront[0].due(own, at: now) else { return }
        let expiresAt = wall.unixMilliseconds(at: now) + StorefrontKeeper.lifetimeMilliseconds
        state(.storefront(body), expiresAt: expiresAt, for: .storefront)
    }

    /// An offer, an address or the first server has come or gone.
    mutating func storefrontChanged(at now: Instant) {
        if !storefront.isEmpty { storefront[0].changed(at: now) }
    }

    private var ownStorefront: StorefrontBody? {
        guard !kademlia.isEmpty, kademlia[0].machine.tableCount > 0, desk.isSigning else { return nil }
        let segments = Set(desk.offers.compactMap { profile.segment(of: key.publicKey, in: $0.record.marketClass) })
        let addresses = toldAddresses.widest(StorefrontBody.Bounds.addressCountMax).map(\.bytes)
            .sorted { $0.lexicographicallyPrecedes($1) }
        guard !segments.isEmpty, !addresses.isEmpty else { return nil }
        return StorefrontBody(
            segments: Array(segments.sorted().prefix(StorefrontBody.Bounds.segmentCountMax)),
            addresses: addresses
        )
    }

    /// Puts a signed storefront where it can be found.
    mutating func storefrontSigned(
        _ result: Result<SignedRecord, DeskRefusal>,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard case .success(let record) = result else { return }
        for replica in 0..<StorefrontValues.replicaCount {
            let value = KademliaValue(key: StorefrontValues.key(of: peer, replica: replica), value: record.envelope)
            search(.putValue(value), for: .statement, at: now, into: &outputs)
        }
    }

    /// Looks for a peer's storefront under all of its keys at once: rare enough that its cost is nobody's worry.
    mutating func findStorefront(
        of target: PeerID,
        for command: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard !kademlia.isEmpty else { return outputs.append(.answer(command, .failed(.noTable))) }
        guard !shunsStorefront(of: target, at: now) else {
            return outputs.append(.answer(command, .failed(.connect(.banned))))
        }
        storefronts.ask(for: target, command)
        for replica in 0..<StorefrontValues.replicaCount {
            let key = StorefrontValues.key(of: target, replica: replica)
            let question = KademliaCommand.getValue(key, quorum: Self.storefrontQuorum)
            search(question, for: .storefront(command), at: now, into: &outputs)
        }
    }

    /// One replica of a storefront has been looked up.
    mutating func foundStorefront(
        _ command: CommandID,
        _ result: KademliaResult,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let unixMilliseconds = wall.unixMilliseconds(at: now)
        guard let (target, answer) = storefronts.heard(result, for: command, at: unixMilliseconds) else { return }
        switch answer {
        // Banned while it was looked for.
        case .success where shunsStorefront(of: target, at: now):
            outputs.append(.answer(command, .failed(.connect(.banned))))
        case .success(let record): outputs.append(.answer(command, .records([record])))
        case .failure(let failure): outputs.append(.answer(command, .dht(.failed(failure))))
        }
    }

    private func shunsStorefront(of target: PeerID, at now: Instant) -> Bool {
        let key = StorefrontValues.key(of: target, replica: 0)
        return storefrontValues.shuns(key, unixMilliseconds: wall.unixMilliseconds(at: now))
    }
}
