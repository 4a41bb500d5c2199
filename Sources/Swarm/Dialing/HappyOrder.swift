internal import Primitives

/// The order in which the addresses of one peer are tried.
enum HappyOrder {
    /// Near addresses first (a neighbour answers in a millisecond, and leaves the rest untried), then alternating
    /// families, as RFC 8305 §4 asks, beginning with the family of the first; otherwise the order given.
    ///
    /// Duplicates are dropped.
    static func ordered(_ endpoints: [Endpoint], isNear: (IPAddress) -> Bool) -> [Endpoint] {
        var seen: Set<Endpoint> = []
        let unique = endpoints.filter { seen.insert($0).inserted }
        return interleaved(unique.filter { isNear($0.address) }) + interleaved(unique.filter { !isNear($0.address) })
    }

    private static func interleaved(_ endpoints: [Endpoint]) -> [Endpoint] {
        guard let first = endpoints.first else { return [] }
        let leading = endpoints.filter { $0.address.isIPv4 == first.address.isIPv4 }
        let other = endpoints.filter { $0.address.isIPv4 != first.address.isIPv4 }
        var order: [Endpoint] = []
        for index in 0..<max(leading.count, other.count) {
            if index < leading.count { order.append(leading[index]) }
            if index < other.count { order.append(other[index]) }
        }
        return order
    }
}
