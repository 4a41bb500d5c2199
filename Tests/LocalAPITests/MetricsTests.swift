import Identify
import Identity
import Market
import Primitives
import Testing

@testable import LocalAPI
@testable import Node
@testable import Swarm

/// Reads Prometheus's text form as its documentation describes it, and refuses everything else.
private struct Exposition {
    struct Family {
        var type = ""
        var samples: [(name: String, labels: [String], value: Double)] = []
    }

    private(set) var families: [String: Family] = [:]
    private(set) var mistakes: [String] = []

    init(_ text: String) {
        if !text.hasSuffix("\n") { mistakes.append("the last line has no end") }
        var current = ""
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            if line.hasPrefix("# HELP ") {
                if families[words[2]] != nil { mistakes.append("\(words[2]) comes twice") }
                current = words[2]
                families[current] = Family()
            } else if line.hasPrefix("# TYPE ") {
                if words[2] != current { mistakes.append("the type of \(words[2]) stands behind another's help") }
                families[current]?.type = words[3]
            } else {
                read(String(line), of: current)
            }
        }
    }

    private mutating func read(_ line: String, of family: String) {
        guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
            return mistakes.append("no value: \(line)")
        }
        let head = line[..<space]
        let name = String(head.prefix { $0 != "{" })
        let suffixes = families[family]?.type == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        if !suffixes.contains(where: { family + $0 == name }) { mistakes.append("\(name) stands in \(family)") }
        let labels = head.dropFirst(name.count + 1).dropLast().split(separator: ",").map(String.init)
        families[family]?.samples.append((name, labels, value))
    }
}

@Suite struct `Metrics` {
    private let peer = SampleState.peer(2)

    private func exposition(_ state: SampleState = SampleState(), _ book: MetricsBook = MetricsBook()) -> Exposition {
        Exposition(MetricsPage(node: state.metrics, book: book, shell: ShellFacts()).text)
    }

    @Test func `the page keeps Prometheus's form and its naming rules`() {
        var state = SampleState()
        state.clockOffset = .milliseconds(-1_500)
        let page = exposition(state)
        #expect(page.mistakes == [])
        #expect(page.families.count > 40)
        for (name, family) in page.families {
            #expect(["counter", "gauge", "histogram"].contains(family.type), "\(name)")
            #expect(!family.samples.isEmpty, "\(name)")
            // go-libp2p's own name is the one exception.
            if family.type == "counter", name != "libp2p_rcmgr_blocked_resources" {
                #expect(name.hasSuffix("_total"), "\(name)")
            }
            #expect(Set(family.samples.map { "\($0.name) \($0.labels)" }).count == family.samples.count, "\(name)")
        }
        #expect(page.families["rialto_clock_offset_seconds"]?.samples.first?.value == -1.5)
        #expect(page.families["rialto_records_live"]?.samples.first?.value == 2)
        #expect(page.families["gossipsub_topic_msg_recv_counts_total"]?.samples.first?.value == 12)
        #expect(page.families["gossipsub_topic_msg_published_total"]?.samples.first?.value == 3)
        #expect(page.families["libp2p_identify_identify_total"]?.samples.count == 2)
        #expect(page.families["libp2p_identify_protocols_count"]?.samples.first?.value == 7)
    }

    @Test func `a histogram's buckets add up to its count`() throws {
        var state = SampleState()
        for milliseconds in [1, 3, 30, 700, 60_000] {
            state.swarm.handshakes.count(.milliseconds(milliseconds))
        }
        let family = try #require(exposition(state).families["libp2p_swarm_handshake_latency_seconds"])
        let buckets = family.samples.filter { $0.name.hasSuffix("_bucket") }
        #expect(buckets.map(\.value) == [1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 5])
        #expect(buckets.last?.labels == ["le=\"+Inf\""])
        #expect(family.samples.last?.value == 5)
        #expect(family.samples.first { $0.name.hasSuffix("_sum") }?.value == 60.734)
    }

    @Test func `labels are escaped`() {
        var text = PrometheusText()
        text.add(.gauge, "x", "help\nof \\x", [.init(1, ("label", "a\"b\\c\nd"))])
        #expect(text.text == "# HELP x help\\nof \\\\x\n# TYPE x gauge\nx{label=\"a\\\"b\\\\c\\nd\"} 1\n")
    }

    @Test func `the book counts by words of our own`() {
        var book = MetricsBook()
        let endpoint = Endpoint(address: IPAddress(203, 0, 113, 7), port: 1)
        for event: NodeEvent in [
            .recordRefused(peer, .reject(.badSignature)), .recordRefused(peer, .reject(.badSignature)),
            .recordRefused(peer, .ignore(.duplicate)), .connectionRefused(endpoint, .banned),
            .peerMisbehaved(peer, "gossip: x"), .reconciled(peer, SyncOutcome(ending: .complete)),
            .clockStepped(milliseconds: 9),
            .storeFailed(.diskFull), .connected(SampleState.connection(peer)), .disconnected(peer),
            .listingsChanged([]),
        ] { book.count(event, at: .zero) }
        let families = exposition(SampleState(), book).families
        func value(_ name: String, _ label: String) -> Double? {
            families[name]?.samples.first { $0.labels.contains(label) }?.value
        }
        #expect(value("rialto_verify_rejected_total", "reason=\"bad_signature\"") == 2)
        #expect(value("rialto_connections_refused_total", "reason=\"banned\"") == 1)
        #expect(value("gossipsub_scoring_penalties_total", "penalty=\"gossip\"") == 1)
        #expect(value("rialto_reconciliations_total", "outcome=\"complete\"") == 1)
        #expect(families["rialto_clock_steps_total"]?.samples.first?.value == 1)
        #expect(families["rialto_store_failures_total"]?.samples.first?.value == 1)
    }

    /// Scenario S-25: a peer whose agent version is a megabyte of control characters and quotes.
    @Test func `S-25: a hostile agent version is cut, escaped in log and API, and no label`() throws {
        let hostile = Array(String(repeating: "\"\u{1b}[31m\n\u{0}\\é", count: 100_000).utf8)
        #expect(hostile.count >= 1_000_000)
        var writer = ProtobufWriter()
        writer.requiredBytes(6, hostile)
        let whole = writer.bytes
        let message = try IdentifyMessage(parsing: whole.span)
        let agent = try #require(message.agentVersion)
        #expect(agent.utf8.count <= 64 && agent.utf8.count > 32)
        #expect(!agent.unicodeScalars.contains { $0.properties.generalCategory == .control })
        var reader = IdentifyReader()
        #expect(throws: IdentifyError.self) { try reader.receive(whole) }

        let description = PeerDescription(
            protocolVersion: "",
            agentVersion: agent,
            protocols: [],
            listenAddresses: [],
            observedAddress: nil,
            signedPeerRecord: nil
        )
        let summary = PeerSummary(
            peer: peer,
            connections: [SampleState.connection(peer)],
            description: description,
            roundTrip: nil,
            value: 0,
            isProtected: false
        )
        let json = JSONFormat.text(PeerView(NodePeer(summary: summary, score: 0, meshTopicCount: 0)))
        #expect(json.contains(#"\""#) && !json.unicodeScalars.contains { $0.value < 0x20 })
        #expect(try JSONFormat.decode(PeerView.self, from: Array(json.utf8)).agent == agent)
        let line = LogLine(.info, "swarm", code: "connected", String(decoding: hostile, as: UTF8.self), peer: agent)
        for format in LogFormat.allCases {
            let text = line.text(format, unixMilliseconds: 0)
            #expect(!text.unicodeScalars.contains { $0.value < 0x20 })
            #expect(text.utf8.count < 4_096)
        }

        func labelSets(_ book: MetricsBook) -> Set<String> {
            Set(
                exposition(SampleState(), book).families.values.flatMap { $0.samples.map { "\($0.name) \($0.labels)" } }
            )
        }
        var book = MetricsBook()
        let before = labelSets(book)
        for number in 0..<200 {
            book.count(.peerMisbehaved(SampleState.peer(UInt8(number)), "gossip: \(agent) \(number)"), at: .zero)
            book.count(.peerMisbehaved(SampleState.peer(UInt8(number)), "\(agent)\(number)"), at: .zero)
            book.count(.recordRefused(nil, .reject(.malformed(.outOfBounds("\(agent)\(number)")))), at: .zero)
        }
        #expect(labelSets(book) == before)
    }
}
