/// How a node's router treats those who dial it.
public enum Reachability: UInt8, Hashable, Sendable, CaseIterable {
    /// Everybody can dial it.
    case open
    /// Whoever it has dialled before can dial it.
    case restricted
    /// Nobody can dial it.
    case symmetric
}

/// Who can dial whom.
struct AddressTranslation: Sendable {
    private let mix: NATMix
    private var kinds: [Reachability] = []
    /// Who has dialled whom from behind a restricted router, as directed pairs; asked, never iterated.
    private var holes: Set<UInt64> = []

    init(mix: NATMix) {
        precondition(
            mix.restricted.millionths + mix.symmetric.millionths <= Share.all.millionths,
            "more than all nodes"
        )
        self.mix = mix
    }

    mutating func addNode(using random: inout SimulationRandom) {
        let drawn = random.below(Share.all.millionths)
        if drawn < mix.symmetric.millionths {
            kinds.append(.symmetric)
        } else if drawn < mix.symmetric.millionths + mix.restricted.millionths {
            kinds.append(.restricted)
        } else {
            kinds.append(.open)
        }
    }

    func reachability(of node: Int) -> Reachability { kinds[node] }

    mutating func set(_ reachability: Reachability, of node: Int) {
        kinds[node] = reachability
    }

    mutating func noteDial(from caller: Int, to callee: Int) {
        if kinds[caller] == .restricted { holes.insert(directedPair(caller, callee)) }
    }

    func canDial(from caller: Int, to callee: Int) -> Bool {
        switch kinds[callee] {
        case .open: true
        case .restricted: holes.contains(directedPair(callee, caller))
        case .symmetric: false
        }
    }
}

/// Two node numbers in one word, the first above the second.
@inline(__always)
func directedPair(_ first: Int, _ second: Int) -> UInt64 {
    UInt64(UInt32(first)) << 32 | UInt64(UInt32(second))
}
