internal import Identity
internal import OrderedCollections
internal import Primitives

/// Choking: mesh peers that bring little news name each message instead of sending it.
///
/// Every peer of a mesh sends every message, and all copies but one are waste. A node that has enough good sources therefore asks
/// the worst of them (CHOKE) to tell it only the ids, at each heartbeat; whatever is missing it fetches by IWANT. A choked peer
/// that was first with a message after all sends again at once, so that a mesh whose sources fall silent mends itself
/// within a heartbeat. Only peers that proved themselves count as sources, lest silent ones crowd out the others; and of those that came
/// by themselves only those that can be choked, lest some that cannot bring all others to silence.
///
/// Sources: libp2p/specs, pull request 681 (choke); Leitão, Pereira, Rodrigues, "Epidemic Broadcast Trees" (2007), for the repair.
extension GossipsubMachine {
    /// Chokes the peer that brings the least news if there are more than enough sources, or frees the best if there are too few.
    ///
    /// One a heartbeat, so that each step shows its effect before the next.
    mutating func maintainChokes(_ topic: Topic, _ joined: Int, at now: Instant) {
        let (mesh, choked) = (topics.values[joined].mesh, topics.values[joined].choked)
        guard let slot = topics.values[joined].scoreSlot else { return }
        // A topic that hardly moves proves nobody, and has nothing to save.
        guard !choked.isEmpty || scores.deliveries(in: slot) >= config.chokeDeliveriesMin else { return }
        let sources = mesh.filter { !choked.contains($0) }.compactMap { source($0, slot) }
            .filter { $0.delivered >= config.chokeDeliveriesMin / 2 }
        let eagerCount = sources.count { $0.heedsChoke || $0.isOutbound }
        if eagerCount < config.eagerCountMin {
            let best = choked.compactMap { source($0, slot) }.max { $0.first < $1.first }
            if let best { setChoked(false, best.peer, topic, joined, at: now) }
        } else if eagerCount > config.eagerCountMin {
            let outboundCount = sources.count(where: \.isOutbound)
            let worst = sources.filter { source in
                source.heedsChoke && source.delivered >= config.chokeDeliveriesMin
                    // The last that we dialled stays: an attacker can dial us, but cannot make us dial it.
                    && !(source.isOutbound && outboundCount == 1)
            }.min { $0.first < $1.first }
            if let worst { setChoked(true, worst.peer, topic, joined, at: now) }
        }
    }

    /// A mesh peer as a source of a topic's messages.
    private struct Source {
        let peer: PeerID
        let delivered: Double
        let first: Double
        let isOutbound: Bool
        let heedsChoke: Bool
    }

    private func source(_ peer: PeerID, _ slot: Int) -> Source? {
        guard let index = peers.index(forKey: peer) else { return nil }
        let (delivered, first) = scores.deliveries(at: index, slot)
        return Source(
            peer: peer,
            delivered: delivered,
            first: first,
            isOutbound: peers.values[index].isOutbound,
            heedsChoke: peers.values[index].inbound.extensions.choke
        )
    }

    /// Tells the peer, and expects of it what it was told.
    mutating func setChoked(_ isChoked: Bool, _ peer: PeerID, _ topic: Topic, _ joined: Int, at now: Instant) {
        guard let slot = topics.values[joined].scoreSlot, let index = peers.index(forKey: peer) else { return }
        topics.values[joined].setChoked(isChoked, peer)
        scores.setChoked(isChoked, at: index, slot, at: now)
        outbox[peer, default: RPCParts()].chokes[topic] = isChoked
    }

    /// Names this heartbeat's messages to the mesh peers that choked us.
    mutating func announce(_ topic: Topic, _ joined: Int) {
        for peer in topics.values[joined].choking {
            guard let index = peers.index(forKey: peer), scores.score(at: index) >= config.score.gossipThreshold
            else { continue }
            tell(topic, ofThisHeartbeat: true, to: peer)
        }
    }
}
