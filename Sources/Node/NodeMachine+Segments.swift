internal import Cryptography
internal import Gossipsub
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives

// Which part of the market the node follows, as that changes.
extension NodeMachine {
    /// Peers that are asked at once for a segment that is followed anew.
    private static let newSegmentPeerCount = 3

    /// Follows what is wanted now, and no longer what is not.
    ///
    /// What the book holds of a segment that is left stays until it ends: it is a cache.
    mutating func weighSegments(at now: Instant, into outputs: inout [Output]) {
        guard choice.isPartial, case .running = phase else { return }
        choice.need(dealings, at: now)
        let wanted = choice.weigh(unixMilliseconds: wall.unixMilliseconds(at: now), at: now)
        guard wanted != followed.segments else { return }
        let old = followed
        followed = FollowedTopics(segments: wanted, profile: profile, network: config.network)
        book.follow(wanted)
        for name in old.names where !followed.names.contains(name) { work.append(.gossip(.unsubscribe(name))) }
        let new = followed.names.filter { !old.names.contains($0) }
        for name in new { work.append(.gossip(.subscribe(name, TopicConfig()))) }
        work.append(.sync(.followed(followed.laneNumbers, newWith: holders(of: new))))
        followRendezvous(wanted, at: now, into: &outputs)
    }

    /// The commands of its operator and what it has signed say where a node has dealings.
    private var dealings: Set<Segment> {
        var segments = Set(desk.offers.map { profile.segment(of: key.publicKey, in: $0.record.marketClass) })
        let held = leases.first?.leases.values.filter { !$0.isClosed } ?? []
        for lease in held {
            segments.insert(profile.segment(of: lease.body.provider, in: lease.body.marketClass))
        }
        for request in requests.own.values where request.outcome == .open {
            guard case .request(let body)? = request.record?.record.body else { continue }
            segments.formUnion(body.classes.flatMap(profile.segments(of:)))
        }
        return segments
    }

    /// A command of the operator may need segments that are not followed yet.
    mutating func follow(_ segments: some Sequence<Segment>, at now: Instant, into outputs: inout [Output]) {
        guard choice.isPartial else { return }
        choice.need(segments.filter(profile.segments.contains), at: now)
        weighSegments(at: now, into: &outputs)
    }

    /// Whoever begins something in a segment follows it, before the answer comes.
    mutating func noteDealings(_ command: NodeCommand, at now: Instant, into outputs: inout [Output]) {
        guard choice.isPartial else { return }
        switch command {
        case .publishOffer(let draft):
            let classes = Set(draft.devices.map(\.marketClass)).sorted()
            follow(classes.map { profile.segment(of: key.publicKey, in: $0) }, at: now, into: &outputs)
        case .publishRequest(let draft):
            follow(draft.alternatives.flatMap { profile.segments(of: $0.marketClass) }, at: now, into: &outputs)
        case .placeBid(let wish, _):
            guard let listing = book.listing(for: wish.offer) else { return }
            follow([profile.segment(of: listing.provider, in: listing.offer.marketClass)], at: now, into: &outputs)
        default: return
        }
    }

    mutating func expireSegments(at now: Instant, into outputs: inout [Output]) {
        if let due = choice.nextDeadline, due <= now { weighSegments(at: now, into: &outputs) }
    }

    /// A few connected peers that follow the topics: each most of what the others do.
    private mutating func holders(of names: [Topic]) -> [PeerID] {
        var holders: OrderedSet<PeerID> = []
        for name in names {
            let subscribers = gossip.subscribers(of: name)
            if !subscribers.contains(where: holders.contains) {
                holders.formUnion(random.sample(subscribers, Self.newSegmentPeerCount))
            }
        }
        return Array(holders)
    }

    var followedSegments: [NodeStatus.FollowedSegment] {
        guard choice.isPartial else { return [] }
        return (followed.segments ?? []).sorted().map { segment in
            NodeStatus.FollowedSegment(segment: segment, reason: choice.reason(for: segment))
        }
    }
}
