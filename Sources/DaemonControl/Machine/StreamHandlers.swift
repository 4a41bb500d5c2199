internal import Identity
internal import Sockets

/// The programs that take a protocol's streams, in turn.
struct StreamHandlers: Sendable {
    static let countMax = 64

    private(set) var addresses: [LocalAddress]
    private var turn = 0

    init(_ address: LocalAddress) {
        addresses = [address]
    }

    /// Whose turn it is.
    mutating func next() -> LocalAddress {
        defer { turn = (turn + 1) % addresses.count }
        return addresses[turn]
    }

    /// `false` if there are too many.
    mutating func add(_ address: LocalAddress) -> Bool {
        guard addresses.count < Self.countMax else { return false }
        addresses.append(address)
        return true
    }

    /// `false` if it is not there.
    mutating func remove(_ address: LocalAddress) -> Bool {
        guard let index = addresses.firstIndex(of: address) else { return false }
        addresses.remove(at: index)
        turn = addresses.isEmpty ? 0 : turn % addresses.count
        return true
    }
}

/// What programs think of peers: a weight under each tag, and the sum is the peer's value to the connection manager.
struct PeerTags: Sendable {
    /// Of all peers together; about a hundred bytes each.
    static let countMax = 65_536

    private var weights: [PeerID: [String: Int]] = [:]
    private var count = 0

    /// The peer's new value; `nil` if there are too many tags.
    mutating func set(_ tag: String, of peer: PeerID, to weight: Int) -> Int? {
        if weights[peer]?[tag] == nil {
            guard count < Self.countMax else { return nil }
            count += 1
        }
        weights[peer, default: [:]][tag] = weight
        return value(of: peer)
    }

    /// The peer's new value.
    mutating func remove(_ tag: String, of peer: PeerID) -> Int {
        if weights[peer]?.removeValue(forKey: tag) != nil { count -= 1 }
        if weights[peer]?.isEmpty == true { weights[peer] = nil }
        return value(of: peer)
    }

    func value(of peer: PeerID) -> Int {
        weights[peer]?.values.reduce(0, +) ?? 0
    }
}
