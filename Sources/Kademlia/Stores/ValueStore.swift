internal import OrderedCollections
internal import Primitives

/// The values that others left with us, each judged before it came in.
struct ValueStore: Sendable {
    /// Storefronts near us: 20 copies of a million, over 200,000 servers, are a hundred for each.
    static let valueCountMax = 4_096

    struct Held: Hashable, Sendable {
        let value: [UInt8]
        let standing: ValueStanding
        let key: KademliaKey
    }

    enum Outcome: Hashable, Sendable {
        case stored
        /// What is held is as good: nothing changed.
        case same
        case outdated
        case noRoom
    }

    private let own: KademliaKey
    private var held: OrderedDictionary<[UInt8], Held> = [:]

    init(own: KademliaKey) {
        self.own = own
    }

    var count: Int { held.count }

    /// Stores a value unless a better one is held.
    mutating func put(_ value: [UInt8], _ standing: ValueStanding, for key: [UInt8], unixMilliseconds: Int64) -> Outcome
    {
        if let known = live(key, unixMilliseconds: unixMilliseconds) {
            if known.value == value { return .same }
            guard standing.isBetter(than: known.standing, value, known.value) else { return .outdated }
        } else if held[key] == nil && held.count >= Self.valueCountMax {
            guard makeRoom(for: KademliaKey(hashing: key), unixMilliseconds: unixMilliseconds) else { return .noRoom }
        }
        held[key] = Held(value: value, standing: standing, key: KademliaKey(hashing: key))
        return .stored
    }

    func live(_ key: [UInt8], unixMilliseconds: Int64) -> Held? {
        guard let known = held[key], known.standing.expiresAtUnixMilliseconds > unixMilliseconds else { return nil }
        return known
    }

    /// Drops what has expired.
    mutating func expire(unixMilliseconds: Int64) {
        held.removeAll { $0.value.standing.expiresAtUnixMilliseconds <= unixMilliseconds }
    }

    /// Drops what is shunned from now on.
    mutating func drop(where isShunned: ([UInt8]) -> Bool) {
        held.removeAll { isShunned($0.key) }
    }

    /// Drops the value farthest from us, unless the newcomer lies farther still.
    private mutating func makeRoom(for key: KademliaKey, unixMilliseconds: Int64) -> Bool {
        expire(unixMilliseconds: unixMilliseconds)
        guard held.count >= Self.valueCountMax else { return true }
        guard let farthest = held.elements.max(by: { own.distance(to: $0.value.key) < own.distance(to: $1.value.key) }),
            own.distance(to: key) < own.distance(to: farthest.value.key)
        else { return false }
        held[farthest.key] = nil
        return true
    }

    func checkInvariants() {
        precondition(held.count <= Self.valueCountMax)
    }
}
