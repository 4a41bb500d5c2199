internal import LocalAPI
internal import Primitives

/// Judges a running node by what it says of itself.
struct NodeChecks {
    let status: StatusView

    var findings: [Finding] {
        [.good("node", "has run for \(Amounts.age(seconds: status.uptimeSeconds))"), peers] + direction + table
            + reasons + [
                clock
            ]
    }

    private var peers: Finding {
        let count = status.inboundPeers + status.outboundPeers
        guard count == 0 else {
            return .good("peers", "\(count) connected, \(status.outboundPeers) of them outbound")
        }
        guard status.seeds == 0 else {
            return .wrong(
                "peers",
                "none of the \(status.seeds) configured peers is connected",
                remedy:
                    "check their addresses in bootstrap and the firewall; rialto peers connect <address> says why not"
            )
        }
        return .wrong(
            "peers",
            "no peer is connected and none is configured",
            remedy: "give one with bootstrap in config.yaml, or: rialto peers connect <address>"
        )
    }

    private var direction: [Finding] {
        if status.inboundPeers > 0, status.outboundPeers == 0 {
            return [
                .note(
                    "direction",
                    "all peers came by themselves; they may all be one",
                    remedy: "choose some yourself with bootstrap in config.yaml"
                )
            ]
        }
        guard status.outboundPeers > 0, status.inboundPeers == 0 else { return [] }
        return [
            .note(
                "direction",
                "nobody has reached this node from outside",
                remedy: "forward its port, or open it in the firewall; as a renter you need not"
            )
        ]
    }

    private var table: [Finding] {
        guard let table = status.dht, table.servers > 0 else { return [] }
        let part = table.mode == "server" ? "and serves it" : "as a client: it has not been reached from outside"
        return [.good("table", "knows \(table.servers.counted("server")) of the hash table, \(part)")]
    }

    private var reasons: [Finding] {
        status.health.reasons.map { reason in
            switch reason.code {
            case "few_outbound_peers", "catching_up": .note(reason.code, reason.message)
            case "signing_stopped":
                .wrong(
                    "signing",
                    "the node signs nothing: its key is in use elsewhere",
                    remedy: "find the other home with this key and stop its node for good, then: rialto key resume"
                )
            case "clock_doubted":
                .wrong("clock", reason.message, remedy: "check it with: date; if it is right: rialto key resume")
            case "store_failing":
                .wrong(
                    "store_failing",
                    reason.message,
                    remedy: "make room and check the disk; the node tries again by itself"
                )
            case "loop_stuck":
                .wrong("loop", reason.message, remedy: "restart the node, and report what it did before")
            case "empty_table":
                .wrong(
                    reason.code,
                    reason.message,
                    remedy: "connect to a node that can be reached from outside: rialto peers connect <address>"
                )
            case "not_reconciled":
                .wrong("market", reason.message, remedy: "check the network; rialto peers shows who is connected")
            default:
                .wrong(reason.code, reason.message, remedy: "timedatectl set-ntp true")
            }
        }
    }

    private var clock: Finding {
        guard let offset = status.clockOffsetSeconds else {
            return .note("peer_clocks", "no outbound provider has told its time yet")
        }
        let text = "\(Int(offset.rounded())) s against \(status.clockPeers.counted("outbound peer"))"
        return .good("peer_clocks", text)
    }
}
