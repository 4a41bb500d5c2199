internal import Identity

/// Peers in ascending order, each once: iteration never depends on a hash seed or on who came first.
struct PeerSet: Hashable, Sendable, RandomAccessCollection {
    private var sorted: [PeerID] = []

    var startIndex: Int { 0 }
    var endIndex: Int { sorted.count }
    subscript(index: Int) -> PeerID { sorted[index] }

    init() {}

    init(_ peers: some Sequence<PeerID>) {
        for peer in peers { insert(peer) }
    }

    func contains(_ peer: PeerID) -> Bool {
        let index = lowerBound(of: peer)
        return index < sorted.count && sorted[index] == peer
    }

    /// Whether the peer is new here.
    @discardableResult
    mutating func insert(_ peer: PeerID) -> Bool {
        let index = lowerBound(of: peer)
        guard index == sorted.count || sorted[index] != peer else { return false }
        sorted.insert(peer, at: index)
        return true
    }

    /// Whether the peer was here.
    @discardableResult
    mutating func remove(_ peer: PeerID) -> Bool {
        let index = lowerBound(of: peer)
        guard index < sorted.count && sorted[index] == peer else { return false }
        sorted.remove(at: index)
        return true
    }

    func union(_ others: some Sequence<PeerID>) -> PeerSet {
        var union = self
        for peer in others { union.insert(peer) }
        return union
    }

    private func lowerBound(of peer: PeerID) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < peer { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
