internal import Identity
internal import OrderedCollections
internal import Primitives

/// What peers promised by IHAVE and we asked for by IWANT (gossipsub 1.1, "Spam Protection Measures").
///
/// Of every IWANT one random id is tracked: a peer that advertises what it does not deliver cannot know which, and the table
/// stays small. A message that comes from anyone settles all promises of its id.
struct Promises: Sendable {
    struct Promise: Hashable, Sendable {
        let peer: PeerID
        let deadline: Instant
    }

    /// Ten IWANTs a heartbeat and peer, three heartbeats long, for more peers than a node has; beyond it nothing is tracked.
    static let countMax = 16_384

    private var byMessage: OrderedDictionary<MessageID, [Promise]> = [:]
    private(set) var count = 0

    mutating func add(_ peer: PeerID, oneOf ids: [MessageID], until deadline: Instant, random: inout SeededRandom) {
        guard !ids.isEmpty && count < Self.countMax else { return }
        let id = ids[random.below(ids.count)]
        if byMessage[id]?.contains(where: { $0.peer == peer }) == true { return }
        byMessage[id, default: []].append(Promise(peer: peer, deadline: deadline))
        count += 1
    }

    mutating func settle(_ id: MessageID) {
        guard count > 0, let settled = byMessage.removeValue(forKey: id) else { return }
        count -= settled.count
    }

    /// Removes the promises whose time is over and counts them by peer.
    mutating func takeBroken(at now: Instant) -> [(peer: PeerID, count: Int)] {
        guard count > 0 else { return [] }
        var broken: OrderedDictionary<PeerID, Int> = [:]
        removePromises { promise in
            guard promise.deadline <= now else { return false }
            broken[promise.peer, default: 0] += 1
            return true
        }
        return broken.map { ($0.key, $0.value) }
    }

    mutating func forget(_ peer: PeerID) {
        guard count > 0 else { return }
        removePromises { $0.peer == peer }
    }

    private mutating func removePromises(where isGone: (Promise) -> Bool) {
        for id in Array(byMessage.keys) {
            byMessage[id]?.removeAll(where: isGone)
            if byMessage[id]?.isEmpty == true { byMessage[id] = nil }
        }
        count = byMessage.values.reduce(0) { $0 + $1.count }
    }

    func checkInvariants() {
        assert(count == byMessage.values.reduce(0) { $0 + $1.count } && count <= Self.countMax)
    }
}
