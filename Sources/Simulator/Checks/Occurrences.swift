internal import Identity
internal import Node
internal import Primitives
internal import Swarm

/// What a scenario claims to exercise, counted: a run in which nothing broke proves nothing.
struct Occurrences: Sendable {
    private struct Pair: Hashable, Sendable {
        let node: Int
        let peer: PeerID
    }

    private var counts: [Int]
    /// Remembered only where somebody asks: who lost whom.
    private var parted: Set<Pair> = []
    private let watchesReconnections: Bool

    init(expectations: [Expectation]) {
        counts = [Int](repeating: 0, count: Occurrence.allCases.count)
        watchesReconnections = expectations.contains(.sometimes(.reconnection))
    }

    func count(of occurrence: Occurrence) -> Int { counts[Self.place(of: occurrence)] }

    mutating func note(_ occurrence: Occurrence) { counts[Self.place(of: occurrence)] += 1 }

    mutating func note(_ event: NodeEvent, of node: Int) {
        switch event {
        case .connected(let info):
            guard watchesReconnections, parted.remove(Pair(node: node, peer: info.peer)) != nil else { return }
            note(.reconnection)
        case .disconnected(let peer):
            if watchesReconnections { parted.insert(Pair(node: node, peer: peer)) }
        case .storeFailed: note(.storeFailure)
        case .recordRefused, .connectionRefused: note(.refusal)
        case .peerMisbehaved: note(.misbehaviour)
        default: break
        }
    }

    private static func place(of occurrence: Occurrence) -> Int {
        Occurrence.allCases.firstIndex(of: occurrence) ?? 0
    }
}
