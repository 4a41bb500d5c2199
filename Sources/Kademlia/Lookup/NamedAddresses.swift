internal import Identity

/// Where a peer is, as several say: a few addresses of each, taken in turns.
///
/// Whoever speaks first, or most, must not be able to hide a peer behind wrong addresses: each who names it gets its first word in before
/// anybody's second.
struct NamedAddresses: Sendable {
    private var words: [[Multiaddr]] = []

    init() {}

    /// What we know ourselves counts as the word of one, however much it is.
    init(own addresses: [Multiaddr]) {
        if !addresses.isEmpty { words = [addresses] }
    }

    var isEmpty: Bool { words.isEmpty }

    /// Notes what one more says; `false` if nothing of it is new, or if enough have spoken.
    mutating func add(_ addresses: [Multiaddr]) -> Bool {
        guard words.count < KademliaPeer.addressCountMax else { return false }
        let new = addresses.filter { address in !words.contains { $0.contains(address) } }
        guard !new.isEmpty else { return false }
        words.append(Array(new.prefix(KademliaLimits.addressesPerNamerMax)))
        return true
    }

    /// The first of each, then the second of each, as many as are kept of a peer.
    var inTurns: [Multiaddr] {
        let turnCount = words.lazy.map(\.count).max() ?? 0
        let all = (0..<turnCount).flatMap { turn in words.compactMap { turn < $0.count ? $0[turn] : nil } }
        return Array(all.prefix(KademliaPeer.addressCountMax))
    }
}
