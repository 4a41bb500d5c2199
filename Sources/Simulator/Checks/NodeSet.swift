/// A set of node numbers as a row of bits: ten thousand nodes are 1,250 bytes.
struct NodeSet: Hashable, Sendable {
    private var words: [UInt64] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    func contains(_ node: Int) -> Bool {
        let word = node >> 6
        return word < words.count && words[word] & (1 << UInt64(node & 63)) != 0
    }

    /// Says whether the node is new here.
    @discardableResult
    mutating func insert(_ node: Int) -> Bool {
        let (word, bit) = (node >> 6, UInt64(1) << UInt64(node & 63))
        while words.count <= word { words.append(0) }
        guard words[word] & bit == 0 else { return false }
        words[word] |= bit
        count += 1
        return true
    }

    /// Says whether the node was here; the last to go takes the memory along.
    @discardableResult
    mutating func remove(_ node: Int) -> Bool {
        guard contains(node) else { return false }
        words[node >> 6] &= ~(1 << UInt64(node & 63))
        count -= 1
        if count == 0 { words = [] }
        return true
    }

    /// Ascending.
    func forEach(_ body: (Int) -> Void) {
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                body(index << 6 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
    }
}
