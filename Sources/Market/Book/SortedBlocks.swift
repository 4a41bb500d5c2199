/// A sorted set as a list of short sorted arrays: a search is two binary searches, an insertion moves at most one block.
struct SortedBlocks<Element: Comparable & Sendable>: Sendable {
    /// A block of pointers-and-a-bit stays within a few pages.
    static var blockCountMax: Int { 256 }

    private(set) var count = 0
    /// Never empty ones; ascending within and across.
    private var blocks: [[Element]] = []

    init() {}

    var first: Element? { blocks.first?.first }

    func contains(_ element: Element) -> Bool {
        let block = blockIndex(of: element)
        guard block < blocks.count else { return false }
        let position = Self.lowerBound(of: element, in: blocks[block])
        return position < blocks[block].count && blocks[block][position] == element
    }

    /// Inserts an element; `false` if it is there already.
    @discardableResult
    mutating func insert(_ element: Element) -> Bool {
        guard !blocks.isEmpty else {
            blocks = [[element]]
            count = 1
            return true
        }
        let block = min(blockIndex(of: element), blocks.count - 1)
        let position = Self.lowerBound(of: element, in: blocks[block])
        if position < blocks[block].count, blocks[block][position] == element { return false }
        blocks[block].insert(element, at: position)
        count += 1
        if blocks[block].count > Self.blockCountMax {
            let half = blocks[block].count / 2
            blocks.insert(Array(blocks[block][half...]), at: block + 1)
            blocks[block].removeSubrange(half...)
        }
        return true
    }

    /// Removes an element; `false` if it is not there.
    @discardableResult
    mutating func remove(_ element: Element) -> Bool {
        let block = blockIndex(of: element)
        guard block < blocks.count else { return false }
        let position = Self.lowerBound(of: element, in: blocks[block])
        guard position < blocks[block].count, blocks[block][position] == element else { return false }
        blocks[block].remove(at: position)
        count -= 1
        mergeIfSparse(block)
        return true
    }

    /// The elements from `start` on (not before it), until `body` says `false`.
    func forEach(from start: Element, _ body: (Element) -> Bool) {
        var block = blockIndex(of: start)
        guard block < blocks.count else { return }
        var position = Self.lowerBound(of: start, in: blocks[block])
        while block < blocks.count {
            while position < blocks[block].count {
                guard body(blocks[block][position]) else { return }
                position += 1
            }
            block += 1
            position = 0
        }
    }

    /// All elements, ascending.
    var elements: [Element] { blocks.flatMap(\.self) }

    /// Removing must not leave a trail of nearly empty blocks.
    private mutating func mergeIfSparse(_ block: Int) {
        if blocks[block].isEmpty {
            blocks.remove(at: block)
            return
        }
        let next = block + 1
        guard next < blocks.count, blocks[block].count + blocks[next].count <= Self.blockCountMax / 4 else { return }
        blocks[block] += blocks[next]
        blocks.remove(at: next)
    }

    /// The first block whose last element is not below `element`.
    private func blockIndex(of element: Element) -> Int {
        var (low, high) = (0, blocks.count)
        while low < high {
            let middle = (low + high) / 2
            if let last = blocks[middle].last, last < element { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func lowerBound(of element: Element, in block: [Element]) -> Int {
        var (low, high) = (0, block.count)
        while low < high {
            let middle = (low + high) / 2
            if block[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func checkInvariants() {
        assert(blocks.allSatisfy { !$0.isEmpty && $0.count <= Self.blockCountMax })
        assert(blocks.reduce(0) { $0 + $1.count } == count)
        assert(isStrictlyAscending(elements, by: <))
    }
}
