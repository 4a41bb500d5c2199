/// Which way nothing passes between a group and the rest.
public enum CutDirection: Hashable, Sendable {
    case both
    /// The group hears the rest, the rest does not hear the group.
    case outward
    /// The rest hears the group, the group does not hear the rest.
    case inward
}

/// What heals a cut again.
public struct CutID: Hashable, Sendable {
    fileprivate let number: Int
}

/// Everything that stops messages altogether: partitions and clogged links, any number at once.
struct NetworkCuts: Sendable {
    private struct Cut {
        let id: CutID
        let direction: CutDirection
        /// By node; who joined later stands outside.
        let isInside: [Bool]

        func blocks(_ sender: Int, _ receiver: Int) -> Bool {
            let sends = sender < isInside.count && isInside[sender]
            let receives = receiver < isInside.count && isInside[receiver]
            return switch direction {
            case .both: sends != receives
            case .outward: sends && !receives
            case .inward: !sends && receives
            }
        }
    }

    private var cuts: [Cut] = []
    /// Directed pairs; asked, never iterated.
    private var clogged: Set<UInt64> = []
    private var nextNumber = 0

    mutating func cut(_ group: [Int], _ direction: CutDirection) -> CutID {
        var isInside = [Bool](repeating: false, count: (group.max() ?? -1) + 1)
        for node in group { isInside[node] = true }
        let id = CutID(number: nextNumber)
        nextNumber += 1
        cuts.append(Cut(id: id, direction: direction, isInside: isInside))
        return id
    }

    mutating func heal(_ id: CutID) {
        cuts.removeAll { $0.id == id }
    }

    mutating func clog(from sender: Int, to receiver: Int) {
        clogged.insert(directedPair(sender, receiver))
    }

    mutating func unclog(from sender: Int, to receiver: Int) {
        clogged.remove(directedPair(sender, receiver))
    }

    @inline(__always)
    func blocks(_ sender: Int, _ receiver: Int) -> Bool {
        if cuts.isEmpty && clogged.isEmpty { return false }
        return clogged.contains(directedPair(sender, receiver)) || cuts.contains { $0.blocks(sender, receiver) }
    }
}
