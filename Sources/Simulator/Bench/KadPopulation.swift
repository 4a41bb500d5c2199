internal import Kademlia

/// Who is there: keys, roles, and the answer to "who is nearest", found without any lookup.
struct KadPopulation: Sendable {
    enum Role: UInt8, Sendable {
        case honest, dead, malicious
    }

    /// The first 64 bits of every key, by node.
    let ids: [UInt64]
    let keys: [KademliaKey]
    let roles: [Role]
    /// All nodes in the order of their keys.
    private let order: [UInt32]
    /// How many honest nodes precede a place of `order`.
    private let honestBefore: [UInt32]
    /// The malicious nodes in the order of their keys.
    private let colluders: [UInt32]

    init(_ workload: KadWorkload, using random: inout SimulationRandom) {
        let (count, start) = (workload.nodeCount, SplitMix64.finalised(workload.seed))
        let ids = (0..<count).map { SplitMix64.finalised(start ^ ((UInt64($0) + 1) &* SplitMix64.increment)) }
        self.ids = ids
        keys = ids.map { KademliaKey(prefix: $0) }
        var shuffled = Array(0..<count)
        random.shuffle(&shuffled)
        var roles = [Role](repeating: .honest, count: count)
        let (dead, malicious) = (workload.dead.of(count), workload.malicious.of(count))
        for node in shuffled.prefix(dead) { roles[node] = .dead }
        for node in shuffled.dropFirst(dead).prefix(malicious) { roles[node] = .malicious }
        self.roles = roles
        let order = (0..<UInt32(count)).sorted { ids[Int($0)] < ids[Int($1)] }
        self.order = order
        var honest: [UInt32] = [0]
        honest.reserveCapacity(count + 1)
        for node in order { honest.append(honest[honest.count - 1] + (roles[Int(node)] == .honest ? 1 : 0)) }
        honestBefore = honest
        colluders = order.filter { roles[Int($0)] == .malicious }
    }

    /// The table of a node: for each common prefix length all nodes that have it, or k of them drawn uniformly.
    func table(of node: Int, k: Int, using random: inout SimulationRandom) -> RoutingTable {
        var table = RoutingTable(own: keys[node], limits: RoutingTableLimits(bucketContactCountMax: k))
        var (same, bit) = (order.indices, 0)
        while same.count > 1 {
            let (near, far) = split(same, of: order, atBit: bit, towards: ids[node])
            for place in places(in: far, k: k, using: &random) {
                let contact = order[place]
                _ = table.insert(ContactID(rawValue: contact), key: keys[Int(contact)])
            }
            (same, bit) = (near, bit + 1)
        }
        return table
    }

    /// The honest node nearest to a target, the asker not counted; `nil` if there is none.
    func nearestHonest(to target: UInt64, askedBy asker: Int) -> Int? {
        var (range, bit) = (order.indices, 0)
        guard honestCount(in: range, without: asker) > 0 else { return nil }
        while range.count > 1 {
            let (near, far) = split(range, of: order, atBit: bit, towards: target)
            range = honestCount(in: near, without: asker) > 0 ? near : far
            bit += 1
        }
        return Int(order[range.lowerBound])
    }

    /// Appends the k malicious nodes nearest to a target, nearest first.
    func nearestColluders(to target: UInt64, k: Int, into found: inout [ContactID]) {
        var (range, bit) = (colluders.indices, 0)
        while bit < 64 {
            let near = split(range, of: colluders, atBit: bit, towards: target).near
            guard near.count >= k else { break }
            (range, bit) = (near, bit + 1)
        }
        let nearest = colluders[range].sorted { ids[Int($0)] ^ target < ids[Int($1)] ^ target }
        found.append(contentsOf: nearest.prefix(k).map { ContactID(rawValue: $0) })
    }

    /// Divides nodes that agree in all bits before `bit` into those that agree with `target` in it and those that do not.
    private func split(
        _ range: Range<Int>,
        of nodes: [UInt32],
        atBit bit: Int,
        towards target: UInt64
    ) -> (near: Range<Int>, far: Range<Int>) {
        let mask: UInt64 = 1 << UInt64(63 - bit)
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if ids[Int(nodes[middle])] & mask == 0 { low = middle + 1 } else { high = middle }
        }
        let (zeros, ones) = (range.lowerBound..<low, low..<range.upperBound)
        return target & mask == 0 ? (zeros, ones) : (ones, zeros)
    }

    /// All places of a range, or k of them drawn uniformly (Floyd's algorithm).
    private func places(in range: Range<Int>, k: Int, using random: inout SimulationRandom) -> [Int] {
        guard range.count > k else { return Array(range) }
        var drawn: [Int] = []
        for last in range.upperBound - k..<range.upperBound {
            let place = range.lowerBound + random.below(last - range.lowerBound + 1)
            drawn.append(drawn.contains(place) ? last : place)
        }
        return drawn
    }

    private func honestCount(in range: Range<Int>, without asker: Int) -> Int {
        let count = Int(honestBefore[range.upperBound] - honestBefore[range.lowerBound])
        guard let first = range.first, roles[asker] == .honest else { return count }
        let isInside = ids[Int(order[first])] <= ids[asker] && ids[asker] <= ids[Int(order[range.upperBound - 1])]
        return isInside ? count - 1 : count
    }
}
