internal import Market
internal import Node
internal import Primitives
internal import Swarm

/// Everything that `/metrics` shows, in a fixed order.
///
/// Names that libp2p's dashboards know are libp2p's (go-libp2p `p2p/net/swarm`, `p2p/protocol/identify` and `p2p/host/resource-manager`, rust-libp2p gossipsub);
/// the rest is ours.
struct MetricsPage {
    let node: NodeMetrics
    let book: MetricsBook
    let shell: ShellFacts

    var text: String {
        var page = PrometheusText()
        addSwarm(to: &page)
        addIdentify(to: &page)
        addResources(to: &page)
        addGossip(to: &page)
        addMarket(to: &page)
        addTable(to: &page)
        addShell(to: &page)
        addProcess(to: &page)
        return page.text
    }

    // MARK: libp2p's

    private func addSwarm(to page: inout PrometheusText) {
        page.add(
            .counter,
            "libp2p_swarm_connections_opened_total",
            "Connections Opened",
            Self.samples(node.swarm.opened)
        )
        page.add(
            .counter,
            "libp2p_swarm_connections_closed_total",
            "Connections Closed",
            Self.samples(node.swarm.closed)
        )
        page.add(
            .counter,
            "libp2p_swarm_dial_errors_total",
            "Dial Error",
            SwarmCounters.DialError.allCases.map { error in
                PrometheusText.Sample(
                    node.swarm.dialErrors[error] ?? 0,
                    ("transport", "tcp"),
                    ("error", error.rawValue)
                )
            }
        )
        page.add(
            "libp2p_swarm_handshake_latency_seconds",
            "Duration of the libp2p Handshake",
            node.swarm.handshakes
        )
    }

    private func addIdentify(to page: inout PrometheusText) {
        func byDirection(_ told: SwarmCounters.Told) -> [PrometheusText.Sample] {
            [
                PrometheusText.Sample(told.inbound, ("dir", "inbound")),
                PrometheusText.Sample(told.outbound, ("dir", "outbound")),
            ]
        }
        page.add(.counter, "libp2p_identify_identify_total", "Identify", byDirection(node.swarm.identified))
        page.add(.counter, "libp2p_identify_identify_push_total", "Identify Push", byDirection(node.swarm.pushed))
        page.add(.gauge, "libp2p_identify_protocols_count", "Protocols Count", node.protocolCount)
        page.add(.gauge, "libp2p_identify_addrs_count", "Address Count", node.status.addresses.count)
    }

    private static func samples(_ counts: SwarmCounters.ByWay) -> [PrometheusText.Sample] {
        [
            ("inbound", "ip4", counts.inboundIPv4), ("inbound", "ip6", counts.inboundIPv6),
            ("outbound", "ip4", counts.outboundIPv4), ("outbound", "ip6", counts.outboundIPv6),
        ].map { direction, family, count in
            PrometheusText.Sample(
                count,
                ("dir", direction),
                ("transport", "tcp"),
                ("security", "/noise"),
                ("muxer", "/yamux/1.0.0"),
                ("ip_version", family)
            )
        }
    }

    private func addResources(to page: inout PrometheusText) {
        let (usage, limits) = (node.status.resources, node.limits.system)
        func byDirection(_ inbound: Int, _ outbound: Int) -> [PrometheusText.Sample] {
            [
                PrometheusText.Sample(inbound, ("dir", "inbound"), ("scope", "system")),
                PrometheusText.Sample(outbound, ("dir", "outbound"), ("scope", "system")),
            ]
        }
        page.add(
            .gauge,
            "libp2p_rcmgr_connections",
            "Number of Connections",
            byDirection(usage.inboundConnections, usage.outboundConnections)
        )
        page.add(
            .gauge,
            "libp2p_rcmgr_streams",
            "Number of Streams",
            byDirection(usage.inboundStreams, usage.outboundStreams)
        )
        page.add(
            .gauge,
            "libp2p_rcmgr_memory",
            "Amount of memory reserved as reported to the Resource Manager",
            [PrometheusText.Sample(usage.memoryBytes, ("scope", "system"))]
        )
        page.add(
            .gauge,
            "libp2p_rcmgr_fds",
            "Number of file descriptors reserved as reported to the Resource Manager",
            [PrometheusText.Sample(usage.descriptors, ("scope", "system"))]
        )
        page.add(
            .gauge,
            "libp2p_rcmgr_limit",
            "Limits of the Resource Manager",
            [
                PrometheusText.Sample(limits.connections, ("scope", "system"), ("resource", "connections")),
                PrometheusText.Sample(limits.streams, ("scope", "system"), ("resource", "streams")),
                PrometheusText.Sample(limits.each.memoryBytes, ("scope", "system"), ("resource", "memory")),
                PrometheusText.Sample(limits.each.descriptors, ("scope", "system"), ("resource", "fds")),
            ]
        )
        page.add(
            .counter,
            "libp2p_rcmgr_blocked_resources",
            "Number of blocked resources",
            [
                PrometheusText.Sample(
                    book.refusedConnections["resources"] ?? 0,
                    ("dir", "inbound"),
                    ("scope", "system"),
                    ("resource", "connection")
                )
            ]
        )
    }

    private func addGossip(to page: inout PrometheusText) {
        page.add(
            .gauge,
            "gossipsub_mesh_peer_counts",
            "Number of peers in the mesh of each topic",
            node.topics.map { PrometheusText.Sample($0.meshPeerCount, ("hash", $0.name)) }
        )
        page.add(
            .gauge,
            "gossipsub_topic_peers_counts",
            "Number of peers subscribed to each topic",
            node.topics.map { PrometheusText.Sample($0.subscriberCount, ("hash", $0.name)) }
        )
        page.add(
            .counter,
            "gossipsub_topic_msg_recv_counts_total",
            "Number of gossip messages received on each topic (after duplicates have been filtered)",
            node.topics.map { PrometheusText.Sample($0.receivedCount, ("hash", $0.name)) }
        )
        page.add(
            .counter,
            "gossipsub_topic_msg_published_total",
            "Number of messages published to each topic",
            node.topics.map { PrometheusText.Sample($0.publishedCount, ("hash", $0.name)) }
        )
        page.add(
            .counter,
            "gossipsub_scoring_penalties_total",
            "Number of penalties that peers were given",
            Self.samples(book.misbehaviours, "penalty", known: ["gossip", "gossip_framing", "other", "sync"])
        )
    }

    // MARK: Ours

    private func addMarket(to page: inout PrometheusText) {
        page.add(
            .gauge,
            "rialto_records_live",
            "Records held, by type and by the topic that carries them",
            node.records.map { PrometheusText.Sample($0.count, ("type", $0.kind.label), ("segment", $0.topic)) }
        )
        page.add(.gauge, "rialto_listings", "Rows of the market that somebody vouches for", node.status.listingCount)
        page.add(.gauge, "rialto_own_offers", "Offers of this node", node.status.ownOfferCount)
        page.add(
            .counter,
            "rialto_listing_changes_total",
            "Rows of the market that came, changed or went",
            book.listingChangeCount
        )
        page.add(
            .counter,
            "rialto_verify_rejected_total",
            "Records that no honest node sends, by reason",
            Self.samples(
                book.rejectedRecords,
                "reason",
                known: ["bad_signature", "malformed", "wrong_network", "wrong_topic"]
            )
        )
        page.add("rialto_verify_seconds", "From a batch of signatures to its verdicts", shell.verifications)
        page.add(.counter, "rialto_signature_checks_total", "Signatures checked", shell.signatureCheckCount)
        page.add(
            .counter,
            "rialto_reconciliations_total",
            "Comparisons with a peer of what both hold, by how they ended",
            Self.samples(book.reconciliations, "outcome", known: SyncOutcome.Ending.allCases.map(\.label).sorted())
        )
        page.add(
            .counter,
            "rialto_reconcile_bytes_total",
            "Bytes of reconciliation, its records included",
            [
                PrometheusText.Sample(node.sync.receivedByteCount, ("dir", "in")),
                PrometheusText.Sample(node.sync.sentByteCount, ("dir", "out")),
            ]
        )
        page.add(
            .gauge,
            "rialto_reconcile_diff",
            "Records that one side alone had when everything was last compared",
            node.sync.lastDifferenceCount
        )
        page.add(
            .gauge,
            "rialto_signing",
            "Whether the node signs: 0 while it catches up or when its key is in use elsewhere",
            node.status.isSigning ? 1 : 0
        )
        if let offset = node.status.clockOffset {
            page.add(
                .gauge,
                "rialto_clock_offset_seconds",
                "The median of how far the clocks of outbound peers are ahead of ours",
                offset / .seconds(1)
            )
        }
        page.add(.gauge, "rialto_clock_peers", "Outbound peers that told their time", node.status.clockSampleCount)
        page.add(.counter, "rialto_clock_steps_total", "Times that the system's clock was set", book.clockStepCount)
    }

    private func addTable(to page: inout PrometheusText) {
        guard let table = node.status.table else { return }
        page.add(.gauge, "rialto_dht_server", "Whether others may ask this node", table.isServer ? 1 : 0)
        page.add(.gauge, "rialto_dht_table_peers", "Peers in the routing table", table.serverCount)
        page.add(.gauge, "rialto_dht_records", "Provider records and values held for others", table.heldRecordCount)
        page.add(
            .counter,
            "rialto_dht_lookups_total",
            "Searches of the hash table by how they ended",
            Self.samples(book.lookups, "outcome", known: ["failed", "found"])
        )
        page.add(.counter, "rialto_dht_requests_total", "Peers asked in searches", book.lookupRequestCount)
    }

    private func addShell(to page: inout PrometheusText) {
        page.add(
            .gauge,
            "rialto_peers",
            "Connected peers by who opened the first connection",
            [
                PrometheusText.Sample(node.status.inboundPeerCount, ("dir", "inbound")),
                PrometheusText.Sample(node.status.outboundPeerCount, ("dir", "outbound")),
            ]
        )
        page.add(.counter, "rialto_peers_connected_total", "Peers that came", book.connectedPeerCount)
        page.add(.counter, "rialto_peers_disconnected_total", "Peers that went", book.disconnectedPeerCount)
        page.add(
            .counter,
            "rialto_connections_refused_total",
            "Connections dropped before they were of use, by reason",
            Self.samples(
                book.refusedConnections,
                "reason",
                known: [
                    "banned", "half_open_limit", "host_half_open_limit", "host_limit", "host_rate", "inbound_limit",
                    "resources", "shutting_down", "site_limit",
                ]
            )
        )
        page.add(
            .counter,
            "rialto_transport_bytes_total",
            "Bytes of all connections",
            [
                PrometheusText.Sample(shell.receivedByteCount, ("dir", "in")),
                PrometheusText.Sample(shell.sentByteCount, ("dir", "out")),
            ]
        )
        page.add(.counter, "rialto_loop_steps_total", "Turns of the loop in which something happened", shell.stepCount)
        page.add(.counter, "rialto_loop_inputs_total", "Things that happened", shell.inputCount)
        page.add(.gauge, "rialto_loop_longest_step_seconds", "The longest turn so far", shell.longestStep / .seconds(1))
        page.add(
            .gauge,
            "rialto_loop_since_turn_seconds",
            "How long ago the loop last turned",
            shell.sinceLastTurn / .seconds(1)
        )
        page.add(.counter, "rialto_commands_total", "Commands of operators and programs", shell.commandCount)
        page.add(.counter, "rialto_store_commits_total", "Groups of changes written", shell.commitCount)
        page.add(.counter, "rialto_store_commits_failed_total", "Groups that were not", shell.failedCommitCount)
        page.add(.counter, "rialto_store_failures_total", "Times that writing began to fail", book.storeFailureCount)
        page.add(
            .gauge,
            "rialto_store_wal_bytes",
            "Size of SQLite's logs",
            [
                PrometheusText.Sample(shell.ownLogByteCount, ("file", "own")),
                PrometheusText.Sample(shell.cacheLogByteCount, ("file", "cache")),
            ]
        )
        page.add(.gauge, "rialto_uptime_seconds", "Since the node began", node.status.uptime / .seconds(1))
    }

    /// The names that every Prometheus client library uses.
    private func addProcess(to page: inout PrometheusText) {
        page.add(
            .counter,
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            shell.processorTime / .seconds(1)
        )
        page.add(
            .gauge,
            "process_resident_memory_bytes",
            "Resident memory size in bytes.",
            shell.residentByteCount
        )
        page.add(.gauge, "process_open_fds", "Number of open file descriptors.", shell.descriptorCount)
        page.add(.gauge, "process_max_fds", "Maximum number of open file descriptors.", shell.descriptorCountMax)
        page.add(
            .gauge,
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            shell.processStart
        )
    }

    /// Every known value of the label, also those that never happened: a counter that appears late hides its first step.
    private static func samples(
        _ counts: [String: UInt64],
        _ label: String,
        known: [String]
    ) -> [PrometheusText.Sample] {
        known.map { PrometheusText.Sample(counts[$0] ?? 0, (label, $0)) }
    }
}
