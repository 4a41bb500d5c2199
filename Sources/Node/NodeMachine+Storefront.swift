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

    /// Looks for a peer's storefront, under one replica's key after the other.
    mutating func findStorefront(
        of target: PeerID,
        replica: Int = 0,
        for command: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard !kademlia.isEmpty else { return outputs.append(.answer(command, .dht(.failed(.noPeers)))) }
        let key = StorefrontValues.key(of: target, replica: replica)
        guard !storefrontValues.shuns(key, unixMilliseconds: wall.unixMilliseconds(at: now)) else {
            return outputs.append(.answer(command, .failed(.connect(.banned))))
        }
        search(
            .getValue(key, quorum: Self.storefrontQuorum),
            for: .storefront(command, target, replica: replica),
            at: now,
            into: &outputs
        )
    }

    mutating func foundStorefront(
        _ command: CommandID,
        _ target: PeerID,
        _ replica: Int,
        _ result: KademliaResult,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        if case .value(let envelope) = result, let record = try? SignedRecord(envelope: envelope) {
            outputs.append(.answer(command, .records([record])))
        } else if replica + 1 < StorefrontValues.replicaCount, case .failed(.notFound) = result {
            findStorefront(of: target, replica: replica + 1, for: command, at: now, into: &outputs)
        } else {
            outputs.append(.answer(command, .dht(result)))
        }
    }
}
