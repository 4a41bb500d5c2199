/// What messages are for, as the accounts tell them apart.
public enum TrafficKind: UInt8, Hashable, Sendable, CaseIterable {
    /// Records that gossip carries.
    case gossipPublish
    /// Everything else that gossip says: subscriptions, grafts, prunes, IHAVE, IWANT, IDONTWANT.
    case gossipControl
    case exchange
    /// Bids, awards, leases, ticks and vouchers.
    case market
    case identify
    /// Opening a connection: TCP, multistream, Noise.
    case handshake
    /// Bytes of the real protocols, not told apart (`bytes`).
    case transport

    public var name: String {
        switch self {
        case .gossipPublish: "gossip_publish"
        case .gossipControl: "gossip_control"
        case .exchange: "exchange"
        case .market: "market"
        case .identify: "identify"
        case .handshake: "handshake"
        case .transport: "transport"
        }
    }
}

/// Messages and bytes by kind.
struct Traffic: Sendable {
    private var counts = [Int](repeating: 0, count: TrafficKind.allCases.count)
    private var byteCounts = [Int](repeating: 0, count: TrafficKind.allCases.count)
    private(set) var messageCount = 0
    private(set) var byteCount = 0

    mutating func count(_ kind: TrafficKind, byteCount added: Int, messages: Int = 1) {
        counts[Int(kind.rawValue)] += messages
        byteCounts[Int(kind.rawValue)] += added
        messageCount += messages
        byteCount += added
    }

    func byteCount(of kind: TrafficKind) -> Int { byteCounts[Int(kind.rawValue)] }

    /// The kinds that occurred, the costliest first.
    var totals: [MessageKindTotal] {
        TrafficKind.allCases.filter { counts[Int($0.rawValue)] > 0 }
            .map { kind in
                let index = Int(kind.rawValue)
                return MessageKindTotal(kind: kind.name, count: counts[index], bytes: byteCounts[index])
            }
            .sorted { ($0.bytes, $0.kind) > ($1.bytes, $1.kind) }
    }
}
