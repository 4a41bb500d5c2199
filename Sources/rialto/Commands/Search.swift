internal import ArgumentParser
internal import LocalAPI
internal import Primitives

/// The command `rialto search`.
struct Search: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look for GPUs in the market as this node sees it.",
        discussion: """
            A query is conditions that must all hold: field operator value, with = != < <= > >= in notin, and alternatives in \
            parentheses. Sort keys: price, price/fp32, price/fp16, price/gb, price/bw, price/mtok:<params>:<bytes>, \
            kwh/mtok:…, gco2/mtok:…, rtt, trust, age; a leading minus reverses.

            A node that follows only some segments of the market (--segments) asks three peers about the others, in distinct \
            networks; what they show proves itself. Who leaves out what another has, and where fewer than three answered, is a \
            warning on standard error, with --json too: there standard output has nothing but rows, one a line. With \
            --explain two more objects follow, whom it has asked ('replicas', 'weak') and what each condition left over.

            TRUST is how far this node trusts the provider, from 0 to 1; whoever is new has 0.3. 'rialto trust PEER' says why.

            Examples:
              rialto search
              rialto search 'gpu=rtx-4090 count>=2 memory>=24GB price<=0.40 country in [DE,FR]'
              rialto search '(gpu=rtx-4090 or gpu=rtx-5090)' --sort price/fp16 --limit 5
              rialto search 'gpu=rtx-4090 trust>=0.5' --sort trust
              rialto search 'gpu=a100-sxm4-80gb price<=1' --explain
              rialto search 'gpu=rtx-4090' --watch --json
            """
    )

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The query; several words are joined by blanks.")
    var query: [String] = []

    @Option(parsing: .unconditional, help: "The order of the rows.")
    var sort: String?

    @Option(parsing: .unconditional, help: "The most rows to show.")
    var limit: Int?

    @Flag(help: "Count what each condition leaves over, and show the nearest miss.")
    var explain = false

    @Flag(help: "Stay and print what appears, changes and goes.")
    var watch = false

    func run() async throws {
        var items = ["q": query.joined(separator: " ")]
        if let sort { items["sort"] = sort }
        if let limit { items["limit"] = "\(limit)" }
        if explain { items["explain"] = "1" }
        guard !watch else { return try await follow(items) }
        let answer = try await options.client.send("GET", "/v1/search", query: items, expecting: SearchView.self)
        for warning in answer.asked?.warnings ?? [] { Terminal.complain("warning: \(warning)") }
        if options.json {
            for row in answer.rows { print(JSONFormat.text(row)) }
            if explain, let asked = answer.asked { print(JSONFormat.text(asked)) }
            if let explanation = answer.explanation { print(JSONFormat.text(explanation)) }
            return
        }
        let effective = answer.query.isEmpty ? "everything" : answer.query
        let fit = answer.sort.contains("/mtok:") ? " (only what holds the model)" : ""
        print(
            Terminal.faint(
                "query: \(effective)   sort: \(answer.sort)\(fit)   \(answer.rows.count) of \(answer.matches) shown"
            )
        )
        if let asked = answer.asked { show(asked) }
        OfferTable.print(answer.rows, sort: answer.sort)
        if let explanation = answer.explanation { show(explanation, of: answer.rows) }
    }

    private func follow(_ items: [String: String]) async throws {
        try await options.client.watch(query: items) { change in
            if options.json {
                print(JSONFormat.text(change))
            } else if let row = change.row {
                print("\(change.change.rawValue)  \(OfferTable.line(row))")
            } else {
                print("gone  \(change.provider)/\(change.offerID)")
            }
        }
    }

    private func show(_ asked: AskedView) {
        let (peers, segments) = (asked.replicas.count.counted("peer"), asked.segments.count.counted("segment"))
        print(Terminal.faint("asked: \(peers) about \(segments) that this node does not follow"))
    }

    private func show(_ explanation: ExplanationView, of rows: [OfferRow]) {
        print("\noffers in the market: \(explanation.rows)")
        for step in explanation.steps {
            print("  \(step.condition): \(step.left) left (\(step.passes) pass alone, \(step.unknown) do not say)")
        }
        if let miss = explanation.nearestMiss {
            print("nearest miss: \(miss.provider)/\(miss.offerID)")
            for reason in miss.reasons { print("  \(Table.harmless(reason))") }
        }
        for note in explanation.notes { print("note: \(note)") }
        let rails = Dictionary(grouping: rows) { $0.settlements.joined(separator: " or ") }
        guard !rails.isEmpty else { return }
        let shares = rails.mapValues(\.count).sorted { ($0.value, $1.key) > ($1.value, $0.key) }
        print("settled by: \(shares.map { "\(Table.harmless($0.key)) (\($0.value))" }.joined(separator: ", "))")
    }
}
