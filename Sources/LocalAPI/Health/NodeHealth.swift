internal import Node
internal import Primitives

/// What is in the way of a node's work: a code for programs, a sentence for people.
public struct HealthReason: Codable, Hashable, Sendable {
    public let code: String
    public let message: String
}

/// Whether a node lives and works.
public struct HealthView: Codable, Hashable, Sendable {
    /// The loop has turned within two seconds.
    public let live: Bool
    /// Nothing is in the way.
    public let ready: Bool
    public let reasons: [HealthReason]
}

/// Judges a node by its numbers.
struct NodeHealth {
    /// How long the loop may take for one turn before it counts as stuck.
    static let turnMax = Duration.seconds(2)
    /// How long ago a peer may last have confirmed that both hold the same.
    static let reconciledWithin = Duration.seconds(600)
    /// Farther than this, records are refused as issued too early.
    static let clockOffsetMax = Duration.seconds(30)
    /// One or two peers may be wrong themselves.
    static let clockSampleCountMin = 3
    /// How long a table may take to get its first peer.
    static let tableFilledWithin = Duration.seconds(60)

    let status: NodeStatus
    let shell: ShellFacts
    let outboundPeerCountMin: Int

    static func isLive(_ shell: ShellFacts) -> Bool { shell.sinceLastTurn <= turnMax }

    var view: HealthView {
        let reasons = [loop, store, signing, peers, table, reconciliation, clock].compactMap(\.self)
        return HealthView(live: Self.isLive(shell), ready: reasons.isEmpty, reasons: reasons)
    }

    private var loop: HealthReason? {
        guard !Self.isLive(shell) else { return nil }
        let seconds = shell.sinceLastTurn.components.seconds
        return HealthReason(code: "loop_stuck", message: "the loop has not turned for \(seconds) s")
    }

    private var store: HealthReason? {
        status.storeFailure.map { failure in
            HealthReason(code: "store_failing", message: "nothing can be written: \(failure.sentence)")
        }
    }

    private var signing: HealthReason? {
        switch status.signing {
        case .open: nil
        case .catchingUp:
            HealthReason(code: "catching_up", message: "the node still asks its peers what its key has said before")
        case .stopped:
            HealthReason(
                code: "signing_stopped",
                message: "this node's key is in use elsewhere; stop the other node, then: rialto key resume"
            )
        case .clockDoubted:
            HealthReason(
                code: "clock_doubted",
                message:
                    "the clock was set by more than five minutes; the node signs when three outbound peers agree with it, or after: rialto key resume"
            )
        }
    }

    private var peers: HealthReason? {
        guard status.outboundPeerCount < outboundPeerCountMin else { return nil }
        return HealthReason(
            code: "few_outbound_peers",
            message:
                "\(status.outboundPeerCount.counted("outbound peer")) of \(outboundPeerCountMin) (setting ready_peers)"
        )
    }

    /// Peers that speak with us but know no way to others; a node without any peer has that reason already.
    private var table: HealthReason? {
        let count = status.inboundPeerCount + status.outboundPeerCount
        guard let table = status.table, table.serverCount == 0, count > 0, status.uptime > Self.tableFilledWithin else {
            return nil
        }
        return HealthReason(code: "empty_table", message: "none of the \(count) peers serves the hash table")
    }

    /// A part of the market that no peer has confirmed since long ago; a node without any peer has that reason already.
    private var reconciliation: HealthReason? {
        let count = status.inboundPeerCount + status.outboundPeerCount
        guard count > 0, status.uptime > Self.reconciledWithin else { return nil }
        let stale = status.followed.filter { $0.sinceReconciled.map { $0 > Self.reconciledWithin } ?? true }
        guard let first = stale.first else { return nil }
        let rest = stale.count == 1 ? "" : " and \(stale.count - 1) more"
        return HealthReason(
            code: "not_reconciled",
            message: "no peer has confirmed \(first.name)\(rest) for ten minutes"
        )
    }

    private var clock: HealthReason? {
        guard let offset = status.clockOffset, status.clockSampleCount >= Self.clockSampleCountMin,
            max(offset, .zero - offset) > Self.clockOffsetMax
        else { return nil }
        let seconds = offset.components.seconds
        return HealthReason(
            code: "clock_off",
            message:
                "the clocks of \(status.clockSampleCount.counted("peer")) differ from ours by \(seconds) s; mend the time service"
        )
    }
}
