internal import Identity
internal import Market
public import Node
public import Primitives
internal import Swarm

/// Turns what a node tells into lines of a log.
///
/// Everything that a peer can cause more than once is throttled by what it is and whom it concerns. For whoever misbehaves there is
/// one line of one form, code `misbehaving_peer`, made for fail2ban and its like: peer, address, component, reason.
public struct EventLog: Sendable {
    public static let misbehaviourCode = "misbehaving_peer"
    /// Addresses of connected peers that are remembered, more than are ever connected.
    static let addressCountMax = 1_024

    private var throttle = LogThrottle()
    private var addresses: [PeerID: String] = [:]

    public init() {}

    /// What is worth a line, at most one; `nil` also if the like was written a moment ago.
    public mutating func line(for event: NodeEvent, at now: Instant) -> LogLine? {
        switch event {
        case .listening(let address):
            return LogLine(.info, "swarm", code: "listening", "listening", address: "\(address)")
        case .listenFailed(let endpoint, let failure):
            return LogLine(.error, "swarm", code: "listen_failed", "cannot listen: \(failure)", address: "\(endpoint)")
        case .ready(let knowsPeers):
            guard !knowsPeers else { return LogLine(.info, "node", code: "ready", "ready") }
            return LogLine(
                .warning,
                "node",
                code: "no_peers",
                "no peer is known: wait to be found, or give one with --bootstrap <address> or rialto peers connect"
            )
        case .connected(let info):
            if addresses.count < Self.addressCountMax { addresses[info.peer] = "\(info.remote.address)" }
            let direction = info.direction == .inbound ? "inbound" : "outbound"
            return LogLine(
                .debug,
                "swarm",
                code: "connected",
                direction,
                peer: "\(info.peer)",
                address: "\(info.remote)"
            )
        case .disconnected(let peer):
            let address = addresses.removeValue(forKey: peer)
            return LogLine(.debug, "swarm", code: "disconnected", "disconnected", peer: "\(peer)", address: address)
        case .otherNetwork(let peer, let network, let isSeed): return elsewhere(peer, network, isSeed: isSeed, at: now)
        case .connectFailed(let tried, let failure):
            let list = tried.prefix(4).map(\.description).joined(separator: " ")
            return LogLine(.debug, "swarm", code: "connect_failed", "no connection: \(failure)", address: list)
        case .recordRefused(let peer, .reject(let rejection)):
            return misbehaving(peer, "records", "invalid record: \(rejection.sentence)", at: now)
        case .peerMisbehaved(let peer, let what):
            return misbehaving(peer, "gossip", what, at: now)
        case .connectionRefused(let endpoint, let reason):
            return refused(endpoint, reason, at: now)
        case .reconciled(let peer, let outcome):
            let what =
                "\(outcome.ending.label): \(outcome.differenceCount) differed, \(outcome.takenCount) taken, "
                + "\(outcome.givenCount) given in \(outcome.roundCount.counted("round"))"
            let address = addresses[peer]
            return LogLine(.debug, "sync", code: "reconciled", what, peer: "\(peer)", address: address)
        case .storeFailed, .storeRecovered, .signingStopped, .clockStepped, .stopping:
            return Self.ownLine(for: event)
        case .bidEnded, .leaseStarted, .leaseChanged, .leaseEnded, .settlementDue: return Self.leaseLine(for: event)
        case .listingsChanged, .recordRefused, .searched: return nil
        }
    }

    /// What concerns the node alone.
    private static func ownLine(for event: NodeEvent) -> LogLine? {
        switch event {
        case .storeFailed(let failure):
            LogLine(.error, "store", code: "store_failed", "nothing can be written: \(failure.sentence)")
        case .storeRecovered: LogLine(.warning, "store", code: "store_recovered", "writing works again")
        case .signingStopped:
            LogLine(
                .error,
                "node",
                code: "signing_stopped",
                "this node's key is in use elsewhere, so it signs nothing; stop the other one, then: rialto key resume"
            )
        case .clockStepped(let milliseconds):
            LogLine(.warning, "node", code: "clock_stepped", "the system's clock was set by \(milliseconds) ms")
        case .stopping: LogLine(.info, "node", code: "stopping", "stopping")
        default: nil
        }
    }

    /// What became of bids and leases: made by the two parties alone, so it needs no throttle.
    private static func leaseLine(for event: NodeEvent) -> LogLine? {
        switch event {
        case .bidEnded(let bid):
            guard case .failed(let failure) = bid.outcome else { return nil }
            return LogLine(.info, "market", code: "bid_failed", "bid \(bid.bid): \(failure.sentence)")
        case .leaseStarted(let lease): return line(.info, "lease_started", "lease \(lease.lease) began", lease)
        case .leaseChanged(let lease):
            return line(.debug, "lease_changed", "lease \(lease.lease) is \(lease.standing)", lease)
        case .leaseEnded(let lease):
            let why = lease.code.map { ": \($0) (\($0.rawValue))" } ?? ""
            return line(.info, "lease_ended", "lease \(lease.lease) ended\(why)", lease)
        case .settlementDue(let order):
            let again = order.isRepeated ? " once more" : ""
            return line(.info, "settlement_due", "settlement \(order.settlement.key) is asked for\(again)", order.lease)
        default: return nil
        }
    }

    private static func line(_ level: LogLevel, _ code: String, _ text: String, _ lease: LeaseSummary) -> LogLine {
        LogLine(level, "market", code: code, text, peer: "\(PeerID(publicKey: lease.counterparty))")
    }

    /// Perhaps the operator's mistake: a name that was spelt otherwise, or a seed that has moved.
    private mutating func elsewhere(_ peer: PeerID, _ network: String, isSeed: Bool, at now: Instant) -> LogLine? {
        guard let left = throttle.admit("other network \(peer)", at: now) else { return nil }
        var line = LogLine(
            isSeed ? .warning : .info,
            "node",
            code: "other_network",
            isSeed
                ? "this seed is of the network '\(network)': name one of ours, or start with --network \(network)"
                : "let go: the peer is of the network '\(network)'",
            peer: "\(peer)",
            address: addresses[peer]
        )
        line.suppressed = left
        return line
    }

    private mutating func refused(_ endpoint: Endpoint, _ reason: RefusalReason, at now: Instant) -> LogLine? {
        let address = "\(endpoint.address)"
        switch reason {
        // A host that comes faster than anybody needs to is the peer's fault; a full house is nobody's.
        case .limit(.tooFast), .limit(.tooManyFromHost), .limit(.tooManyHalfOpenFromHost), .limit(.tooManyFromSite):
            return misbehaving(nil, "swarm", "too many connections: \(reason.label)", address: address, at: now)
        case .limit, .resources, .banned, .shuttingDown:
            guard let left = throttle.admit("refused \(reason.label) \(address)", at: now) else { return nil }
            var line = LogLine(
                .debug,
                "swarm",
                code: "connection_refused",
                "refused: \(reason.label)",
                address: address
            )
            line.suppressed = left
            return line
        }
    }

    private mutating func misbehaving(
        _ peer: PeerID?,
        _ component: String,
        _ reason: String,
        address known: String? = nil,
        at now: Instant
    ) -> LogLine? {
        let address = known ?? peer.flatMap { addresses[$0] }
        let who = peer.map(\.description) ?? address ?? "-"
        // Without the details, which the peer can vary.
        let kind = reason.prefix { $0 != "(" }.prefix(64)
        guard let left = throttle.admit("\(component) \(kind) \(who)", at: now) else { return nil }
        var line = LogLine(
            .warning,
            component,
            code: Self.misbehaviourCode,
            reason,
            peer: peer.map(\.description) ?? "-",
            address: address ?? "-"
        )
        line.suppressed = left
        return line
    }
}
