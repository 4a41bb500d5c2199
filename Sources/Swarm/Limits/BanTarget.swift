public import Identity
public import Primitives

/// Whom a ban or a permission names: one peer, or every address of a network.
public enum BanTarget: Hashable, Sendable, CustomStringConvertible {
    case peer(PeerID)
    case network(IPPrefix)

    /// Wider networks are taken for a slip of the finger: one word would shut out a good part of the world.
    public static let ipv4BitCountMin = 8
    public static let ipv6BitCountMin = 16

    /// Reads a peer id, an address, or a network such as `203.0.113.0/24`; `nil` if it is none of them or too wide.
    public init?(_ text: String) {
        if let peer = try? PeerID(text: text) {
            self = .peer(peer)
            return
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        guard parts.count == 2 else {
            self = .network(address.prefix(address.unmapped.bitCount))
            return
        }
        let host = address.unmapped
        let bitCountMin = host.isIPv4 ? Self.ipv4BitCountMin : Self.ipv6BitCountMin
        guard parts[1].utf8.count <= 3, let bitCount = Int(parts[1]), (bitCountMin...host.bitCount).contains(bitCount)
        else { return nil }
        self = .network(host.prefix(bitCount))
    }

    /// A whole address is written without its length.
    public var description: String {
        switch self {
        case .peer(let peer): peer.description
        case .network(let prefix):
            prefix.bitCount == prefix.address.bitCount ? prefix.address.description : prefix.description
        }
    }
}

/// Peers before networks, then by their bytes: an order for lists and files.
extension BanTarget: Comparable {
    public static func < (left: BanTarget, right: BanTarget) -> Bool {
        switch (left, right) {
        case (.peer(let left), .peer(let right)): left < right
        case (.peer, .network): true
        case (.network, .peer): false
        case (.network(let left), .network(let right)): left < right
        }
    }
}

/// Values by target, found again by a peer or by any address of a network.
struct TargetIndex<Value: Hashable & Sendable>: Hashable, Sendable {
    private(set) var values: [BanTarget: Value] = [:]
    /// Whether a target is a peer.
    private(set) var namesPeers = false
    /// The lengths of prefixes in use, longest first: an address is looked up once for each.
    private var ipv4BitCounts: [Int] = []
    private var ipv6BitCounts: [Int] = []

    var count: Int { values.count }

    subscript(target: BanTarget) -> Value? {
        get { values[target] }
        set {
            values[target] = newValue
            namesPeers = values.keys.contains { if case .peer = $0 { true } else { false } }
            ipv4BitCounts = bitCounts { $0.isIPv4 }
            ipv6BitCounts = bitCounts { !$0.isIPv4 }
        }
    }

    /// What is said of the address, the narrowest network first.
    func values(of address: IPAddress) -> [Value] {
        (address.unmapped.isIPv4 ? ipv4BitCounts : ipv6BitCounts).compactMap { values[.network(address.prefix($0))] }
    }

    private func bitCounts(_ isIncluded: (IPAddress) -> Bool) -> [Int] {
        var found: Set<Int> = []
        for case .network(let prefix) in values.keys where isIncluded(prefix.address) { found.insert(prefix.bitCount) }
        return found.sorted(by: >)
    }
}
