internal import Primitives
internal import Simulator

/// Tables for pandas, R and spreadsheets: comma-separated, a header, empty where there is no value, units in the names.
public enum CSVTables {
    /// What the files are called.
    static let names = ["seconds.csv", "publications.csv", "messages.csv", "trace.csv", "lookups.csv"]

    /// The tables of some runs, one file each.
    public static func files(_ records: [RunRecord]) -> [(name: String, text: String)] {
        let lookups = records.contains { !$0.result.lookups.isEmpty }
        let tables = [
            ("seconds.csv", table(secondColumns, records) { $0.result.seconds.map(second) }),
            ("publications.csv", table(publicationColumns, records) { $0.result.publications.map(publication) }),
            ("messages.csv", table(["kind", "count", "bytes"], records) { $0.result.messageKinds.map(kind) }),
            ("trace.csv", table(["second", "trace_hash"], records) { trace($0.result) }),
        ]
        guard lookups else { return tables }
        return tables + [("lookups.csv", table(lookupColumns, records) { $0.result.lookups.map(lookup) })]
    }

    private static let secondColumns = [
        "second", "nodes_up", "connections", "publications", "deliveries", "duplicates", "latency_p50_seconds",
        "latency_p99_seconds", "bytes", "gossip_bytes", "exchange_bytes", "mesh_degree_mean", "distinct_sets",
    ]
    private static let publicationColumns = [
        "at_seconds", "publisher", "reachable", "reached", "latency_p50_seconds", "latency_max_seconds",
    ]

    private static let lookupColumns = [
        "at_seconds", "node", "kind", "asked_by", "hops", "requests", "failures", "duration_seconds", "success",
    ]

    private static func table(
        _ columns: [String],
        _ records: [RunRecord],
        rows: (RunRecord) -> [[String]]
    ) -> String {
        var text = (["scenario", "seed"] + columns).joined(separator: ",") + "\n"
        for record in records {
            let head = "\(record.file.scenario.name),\(record.result.seed),"
            for row in rows(record) { text += head + row.map(quoted).joined(separator: ",") + "\n" }
        }
        return text
    }

    private static func second(_ sample: SecondSample) -> [String] {
        [
            "\(sample.second)", "\(sample.nodesUp)", "\(sample.connections)", "\(sample.publications)",
            "\(sample.deliveries)", text(sample.duplicates), seconds(sample.latencyP50), seconds(sample.latencyP99),
            "\(sample.bytes)", text(sample.gossipBytes), text(sample.exchangeBytes),
            JSONText.text(sample.meshDegreeMean), "\(sample.distinctSets)",
        ]
    }

    private static func publication(_ sample: PublicationSample) -> [String] {
        [
            seconds(Instant.zero.duration(to: sample.at)), "\(sample.publisher)", "\(sample.reachable)",
            "\(sample.reached)", seconds(sample.latencyP50), seconds(sample.latencyMax),
        ]
    }

    private static func lookup(_ sample: LookupSample) -> [String] {
        [
            seconds(Instant.zero.duration(to: sample.at)), "\(sample.node)", sample.kind,
            sample.isAsked ? "workload" : "node", "\(sample.hops)", "\(sample.requestCount)", "\(sample.failureCount)",
            seconds(sample.lasted), "\(sample.isFound)",
        ]
    }

    private static func kind(_ total: MessageKindTotal) -> [String] {
        [total.kind, "\(total.count)", "\(total.bytes)"]
    }

    private static func trace(_ result: RunResult) -> [[String]] {
        result.traceHashes.enumerated().map { ["\($0)", hexadecimal($1)] }
    }

    private static func text(_ count: Int?) -> String { count.map(String.init) ?? "" }

    /// Exact, in seconds.
    private static func seconds(_ length: Duration?) -> String {
        length.map { Quantities.decimal(Int128($0.saturatedNanoseconds), per: 1_000_000_000) } ?? ""
    }

    /// RFC 4180: a field with a comma, a quote or a line's end stands between quotes.
    private static func quoted(_ field: String) -> String {
        guard field.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return field }
        var quoted = "\""
        for character in field { quoted += character == "\"" ? "\"\"" : String(character) }
        return quoted + "\""
    }
}
