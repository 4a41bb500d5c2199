internal import Cryptography
internal import Gossipsub
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// What the node tells of itself.
extension NodeMachine {
    func metrics(at now: Instant) -> NodeMetrics {
        NodeMetrics(
            status: status(at: now),
            swarm: ownSwarm.first?.counters ?? SwarmCounters(),
            limits: config.swarm.resources,
            topics: gossip.joinedTopics.map { topic in
                NodeMetrics.Topic(
                    name: topic.text,
                    meshPeerCount: gossip.mesh(of: topic).count,
                    subscriberCount: gossip.subscribers(of: topic).count,
                    receivedCount: gossipCounts.received(topic),
                    publishedCount: gossipCounts.published(topic)
                )
            },
            records: recordCounts,
            protocolCount: ownSwarm.first?.protocolCount ?? 0,
            sync: sync.counters
        )
    }

    /// One pass over the book.
    private var recordCounts: [NodeMetrics.Records] {
        struct Place: Hashable {
            let kind: RecordKind
            let lane: MarketTopic.Lane
        }
        var counts: OrderedDictionary<Place, Int> = [:]
        for record in records() { counts[Place(kind: record.kind, lane: profile.lane(of: record)), default: 0] += 1 }
        return counts.map { place, count in
            let topic = MarketTopic(network: config.network, profile: profile, lane: place.lane).text
            return NodeMetrics.Records(kind: place.kind, topic: topic, count: count)
        }
    }

    var signing: NodeStatus.Signing {
        if desk.isSigning { return .open }
        if clockDoubt.isRaised { return .clockDoubted }
        return catchUp.isDone ? .stopped : .catchingUp
    }

    /// Where the walks of trust begin: secret, so that nobody can build a graph for them, and the same after a restart.
    var walkSeed: UInt64 {
        SHA256.hash(Array("rialto-trust-walks".utf8) + desk.deviceSalt).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// What GPUs cost now, if it is time to write it down; the cache may lose it.
    mutating func notePrices(at now: Instant) {
        let wall = wall.unixMilliseconds(at: now)
        let stored = prices.expire(at: now) {
            PriceSample(listings: book.listings, leases: book.statements.leases, at: wall)
        }
        if let stored { cacheChanges.append(.setFact(name: PriceWatch.factName, value: stored)) }
    }

    /// How far the peers that we chose ourselves are ahead of us: those who came to us may all be one.
    var clockOffset: (milliseconds: Int64, count: Int)? {
        clocks.median(
            of: connected.elements.filter { $0.value.connection.direction == .outbound }.map(\.key)
        )
    }

    /// Every record of the book, or of one author, that `isIncluded` lets through.
    func records(
        of author: Ed25519.PublicKey? = nil,
        isIncluded: (SignedRecord) -> Bool = { _ in true }
    ) -> [SignedRecord] {
        var (found, cursor): ([SignedRecord], SubjectKey?) = ([], nil)
        repeat {
            let page = book.page(
                after: cursor,
                of: author,
                countMax: .max,
                byteCountMax: .max,
                isIncluded: isIncluded
            )
            found += page.records
            cursor = page.next
        } while cursor != nil
        return found
    }
}
