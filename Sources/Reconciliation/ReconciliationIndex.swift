/// A set of elements in order, whose ranges are counted and fingerprinted without touching every element.
///
/// Short sorted blocks, each with the sum of its ids: a change costs one block, a fingerprint at most two blocks and one addition
/// for each block between them.
public struct ReconciliationIndex: Sendable {
    /// Elements of a block before it is split: 40 bytes each, so that a block is moved in about a microsecond.
    static let blockCountMax = 256

    struct Block: Sendable {
        var items: [ReconciliationItem]
        var sum = FingerprintSum()

        init(_ items: [ReconciliationItem]) {
            self.items = items
            for item in items { sum.add(item.id) }
        }
    }

    public private(set) var count = 0
    /// None is empty; ascending within and across.
    private var blocks: [Block] = []

    public init() {}

    /// From elements in any order; duplicates count once.
    public init(_ items: some Sequence<ReconciliationItem>) {
        var sorted = items.sorted()
        var last: ReconciliationItem?
        sorted.removeAll { item in
            defer { last = item }
            return item == last
        }
        count = sorted.count
        // Three quarters full: the next insertions split nothing.
        let step = Self.blockCountMax * 3 / 4
        blocks = stride(from: 0, to: sorted.count, by: step).map {
            Block(Array(sorted[$0..<min($0 + step, sorted.count)]))
        }
    }

    /// Adds an element; `false` if it is there already.
    @discardableResult
    public mutating func insert(_ item: ReconciliationItem) -> Bool {
        guard !blocks.isEmpty else {
            blocks = [Block([item])]
            count = 1
            return true
        }
        let block = min(firstBlock { $0 < item }, blocks.count - 1)
        let position = blocks[block].items.firstPosition { $0 < item }
        if position < blocks[block].items.count, blocks[block].items[position] == item { return false }
        blocks[block].items.insert(item, at: position)
        blocks[block].sum.add(item.id)
        count += 1
        if blocks[block].items.count > Self.blockCountMax { split(block) }
        return true
    }

    /// Takes an element out; `false` if it is not there.
    @discardableResult
    public mutating func remove(_ item: ReconciliationItem) -> Bool {
        let block = firstBlock { $0 < item }
        guard block < blocks.count else { return false }
        let position = blocks[block].items.firstPosition { $0 < item }
        guard position < blocks[block].items.count, blocks[block].items[position] == item else { return false }
        blocks[block].items.remove(at: position)
        blocks[block].sum.subtract(item.id)
        count -= 1
        if blocks[block].items.isEmpty { blocks.remove(at: block) } else { mergeIfSparse(block) }
        return true
    }

    public func contains(_ item: ReconciliationItem) -> Bool {
        let block = firstBlock { $0 < item }
        guard block < blocks.count else { return false }
        let position = blocks[block].items.firstPosition { $0 < item }
        return position < blocks[block].items.count && blocks[block].items[position] == item
    }

    /// The fingerprint of everything at or after a time.
    public func fingerprint(from timestamp: UInt64) -> Fingerprint {
        let bound = RangeBound(timestamp: timestamp, prefix: .zero, prefixByteCount: 0)
        return sum(in: position(of: bound)..<count).fingerprint
    }

    // MARK: By position

    /// How many elements lie below a bound, in O(blocks).
    func position(of bound: RangeBound) -> Int {
        let block = firstBlock { bound.isAbove($0) }
        let before = blocks[..<block].reduce(0) { $0 + $1.items.count }
        guard block < blocks.count else { return before }
        return before + blocks[block].items.firstPosition { bound.isAbove($0) }
    }

    func sum(in range: Range<Int>) -> FingerprintSum {
        var (sum, first) = (FingerprintSum(), 0)
        for block in blocks {
            defer { first += block.items.count }
            let inside = range.clamped(to: first..<first + block.items.count)
            if inside.isEmpty {
                if first >= range.upperBound { break }
            } else if inside.count == block.items.count {
                sum.add(block.sum)
            } else {
                for item in block.items[inside.lowerBound - first..<inside.upperBound - first] { sum.add(item.id) }
            }
        }
        return sum
    }

    /// The elements at these positions, in order.
    func items(in range: Range<Int>) -> [ReconciliationItem] {
        var (found, first): ([ReconciliationItem], Int) = ([], 0)
        found.reserveCapacity(range.count)
        for block in blocks {
            defer { first += block.items.count }
            let inside = range.clamped(to: first..<first + block.items.count)
            if !inside.isEmpty { found += block.items[inside.lowerBound - first..<inside.upperBound - first] }
            if first >= range.upperBound { break }
        }
        return found
    }

    // MARK: Blocks

    /// The first block whose last element is not below; `blocks.count` if all are.
    private func firstBlock(where isBelow: (ReconciliationItem) -> Bool) -> Int {
        var (low, high) = (0, blocks.count)
        while low < high {
            let middle = (low + high) / 2
            guard let last = blocks[middle].items.last else { preconditionFailure("an empty block") }
            if isBelow(last) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func split(_ block: Int) {
        let half = blocks[block].items.count / 2
        let upper = Block(Array(blocks[block].items[half...]))
        blocks[block] = Block(Array(blocks[block].items[..<half]))
        blocks.insert(upper, at: block + 1)
    }

    /// Blocks of a quarter or less join a neighbour, so that a set that shrank does not keep its blocks.
    private mutating func mergeIfSparse(_ block: Int) {
        guard blocks[block].items.count <= Self.blockCountMax / 4, block + 1 < blocks.count,
            blocks[block].items.count + blocks[block + 1].items.count <= Self.blockCountMax / 2
        else { return }
        blocks[block].items += blocks[block + 1].items
        blocks[block].sum.add(blocks[block + 1].sum)
        blocks.remove(at: block + 1)
    }

    /// For tests and the simulator.
    public func checkInvariants() {
        var (total, last): (Int, ReconciliationItem?) = (0, nil)
        for block in blocks {
            precondition(!block.items.isEmpty && block.items.count <= Self.blockCountMax, "a block's length")
            precondition(block.sum == Block(block.items).sum, "a block's sum")
            for item in block.items {
                if let last { precondition(last < item, "the order") }
                last = item
            }
            total += block.items.count
        }
        precondition(total == count, "the count")
    }
}

extension [ReconciliationItem] {
    /// The first position whose element is not below.
    fileprivate func firstPosition(where isBelow: (ReconciliationItem) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBelow(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
