internal import Foundation
internal import Primitives
public import Simulator

/// One run as a page that needs nothing else: verdicts first, then pictures, then numbers.
public enum HTMLReport {
    public static func text(_ record: RunRecord) -> String {
        let (scenario, result) = (record.file.scenario, record.result)
        let charts = ReportCharts(scenario: scenario, result: result)
        let figures = charts.all.map { chart in
            "<figure>\(ChartSVG(chart).text)<figcaption>\(escaped(chart.caption))</figcaption></figure>"
        }
        var parts = [
            "<!doctype html>", "<html lang=\"en\"><head><meta charset=\"utf-8\">",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
            "<title>\(escaped(scenario.name)), seed \(result.seed)</title>",
            "<style>\(ReportStyle.page)</style></head><body><main>",
        ]
        parts += head(record)
        parts += ["<h2>Verdicts</h2>", verdicts(result)]
        parts += failures(result)
        parts += ["<h2>What happened</h2>", "<div class=\"charts\">"] + figures + ["</div>"]
        parts += faults(charts.bands)
        parts += ["<h2>Numbers</h2>", "<div class=\"pair\">", metrics(result), kinds(result), "</div>"]
        parts += ["<h2>Once more</h2>", "<div class=\"scroll\"><pre>\(escaped(command(record)))</pre></div>"]
        parts.append("</main></body></html>\n")
        return parts.joined(separator: "\n")
    }

    private static func escaped(_ text: String) -> String { HTMLText.escaped(text) }

    private static func head(_ record: RunRecord) -> [String] {
        let result = record.result
        let outcome = Outcome(result)
        let word = result.stopped.map { "\(outcome.rawValue): \($0.word) limit" } ?? outcome.rawValue
        let grouped = { (value: Double) in AxisTicks.grouped(value, digits: 0) }
        var facts = [
            ("Seed", "\(result.seed)"), ("Nodes", grouped(Double(result.nodeCount))),
            ("Fidelity", result.fidelity.rawValue),
            ("Signatures", result.computesSignatures ? "each computed" : "computed once per record"),
            ("Virtual time", Quantities.text(result.virtualTime)),
            ("Real time", String(format: "%.1f s", record.wall / .seconds(1))),
            ("Messages", "\(grouped(Double(result.messageCount))) (\(grouped(record.rate(result.messageCount)))/s)"),
            ("Events", "\(grouped(Double(result.eventCount))) (\(grouped(record.rate(result.eventCount)))/s)"),
            (
                "Memory",
                String(
                    format: "%.0f MB, %.0f kB a node",
                    Double(record.peakMemory) / 1e6,
                    Double(record.bytesPerNode) / 1e3
                )
            ),
            ("Trace hash", hexadecimal(result.traceHash)), ("Program", record.programVersion),
            ("Scenario SHA-256", "\(record.file.hash.prefix(16))…"),
        ]
        if !record.file.changes.isEmpty {
            facts.append(("Changed", record.file.changes.map(\.description).joined(separator: ", ")))
        }
        return [
            "<h1>\(escaped(record.file.scenario.name)) <span class=\"badge-word \(outcome == .passed ? "good" : "bad")\">"
                + "\(escaped(word))</span></h1>",
            "<p>\(escaped(record.file.scenario.purpose))</p>",
            "<dl>" + facts.map { "<div><dt>\($0.0)</dt><dd>\(escaped($0.1))</dd></div>" }.joined() + "</dl>",
        ]
    }

    private static func verdicts(_ result: RunResult) -> String {
        let rows = result.verdicts.map { verdict in
            let word = verdict.isPassed ? "<span class=\"good\">✓ passed</span>" : "<span class=\"bad\">✗ failed</span>"
            return "<tr><td>\(word)</td><td>\(escaped(verdict.name))</td><td>\(escaped(verdict.finding))</td>"
                + "<td>\(escaped(place(of: verdict)))</td></tr>"
        }
        return table(["Verdict", "Expectation", "Finding", "First failure"], rows)
    }

    /// Where a verdict first failed; empty if it did not, or nowhere.
    public static func place(of verdict: Verdict) -> String {
        guard let failure = verdict.failure else { return "" }
        // To the millisecond, as the command takes it that looks closer.
        let milliseconds = failure.at.nanoseconds / 1_000_000
        return "at \(Quantities.decimal(Int128(milliseconds), per: 1_000)) s"
            + (failure.node.map { ", node \($0)" } ?? "")
    }

    private static func failures(_ result: RunResult) -> [String] {
        result.verdicts.compactMap { verdict in
            guard let failure = verdict.failure, !failure.lastEvents.isEmpty else { return nil }
            let lines = failure.lastEvents.joined(separator: "\n")
            return
                "<details><summary>The last \(failure.lastEvents.count) events before '\(escaped(verdict.name))' failed</summary>"
                + "<div class=\"scroll\"><pre>\(escaped(lines))</pre></div></details>"
        }
    }

    private static func faults(_ bands: [Band]) -> [String] {
        let numbered = bands.compactMap { band in band.number.map { ($0, band) } }
        var parts =
            bands.contains { $0.number == nil }
            ? ["<p class=\"faint\">Grey: the build-up, in which nothing is measured.</p>"] : []
        guard !numbered.isEmpty else { return parts }
        let rows = numbered.map { number, band in
            let end = band.end > band.start ? time(band.end) : "at once"
            return "<tr><td class=\"number\">\(number)</td><td class=\"number\">\(time(band.start))</td>"
                + "<td class=\"number\">\(end)</td><td>\(escaped(band.words))</td></tr>"
        }
        parts.append(table(["#Fault", "#From", "#Until", "What breaks"], rows))
        return ["<h2>Faults</h2>"] + parts
    }

    private static func time(_ seconds: Double) -> String {
        let whole = Int(seconds)
        let parts = [(whole / 3_600, "h"), (whole / 60 % 60, "min"), (whole % 60, "s")].filter { $0.0 > 0 }
        return parts.isEmpty ? "0 s" : parts.map { "\($0.0) \($0.1)" }.joined(separator: " ")
    }

    private static func metrics(_ result: RunResult) -> String {
        let rows = result.metrics.map { metric in
            "<tr><td>\(escaped(metric.name))</td><td class=\"number\">\(number(metric.value))</td></tr>"
        }
        return table(["Metric", "#Value"], rows)
    }

    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return "none" }
        if value == value.rounded(), abs(value) < 1e15 { return AxisTicks.grouped(value, digits: 0) }
        return String(format: abs(value) < 0.01 ? "%.3g" : "%.4f", value)
    }

    private static func kinds(_ result: RunResult) -> String {
        let rows = result.messageKinds.map { total in
            "<tr><td>\(escaped(total.kind))</td><td class=\"number\">\(AxisTicks.grouped(Double(total.count), digits: 0))</td>"
                + "<td class=\"number\">\(AxisTicks.grouped(Double(total.bytes), digits: 0))</td></tr>"
        }
        return table(["Kind of message", "#Count", "#Bytes"], rows)
    }

    /// A heading that begins with `#` is one of numbers.
    private static func table(_ heads: [String], _ rows: [String]) -> String {
        let cells = heads.map { head in
            head.hasPrefix("#") ? "<th class=\"number\">\(head.dropFirst())</th>" : "<th>\(head)</th>"
        }
        return
            "<div class=\"scroll\"><table><thead><tr>\(cells.joined())</tr></thead><tbody>\(rows.joined(separator: "\n"))"
            + "</tbody></table></div>"
    }

    private static func command(_ record: RunRecord) -> String {
        CommandText.run(path: record.file.path, seed: record.result.seed, changes: record.file.changes)
    }
}
