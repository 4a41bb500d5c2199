import Foundation

extension BenchReport {
    /// The table for people, in columns or in Markdown.
    func table(inMarkdown isMarkdown: Bool) -> String {
        let head = ["workload", "unit", "go", "rialto", "ratio", "of the limit"]
        let body = measurements.map { measurement in
            [
                measurement.row.title, measurement.row.unit, Self.spread(measurement.go),
                Self.spread(measurement.rialto),
                measurement.gains.isEmpty ? "–" : Self.spread(measurement.gains, suffix: "×"),
                measurement.shareOfLimit.map { "\(Int(($0 * 100).rounded())) %" } ?? "–",
            ]
        }
        let caption = "\(date) · \(machine) · median of \(rounds) rounds [least–most]"
        return isMarkdown
            ? Self.markdown(head, body) + "\n\(caption). A ratio above 1 is in our favour.\n"
            : caption + "\n\n" + Self.columns([head] + body)
    }

    private static func markdown(_ head: [String], _ body: [[String]]) -> String {
        let rule = head.map { _ in "---" }
        return ([head, rule] + body).map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
    }

    private static func columns(_ lines: [[String]]) -> String {
        let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            zip(line, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
                + "\n"
        }.joined()
    }

    private static func spread(_ numbers: [Double], suffix: String = "") -> String {
        guard let least = numbers.min(), let most = numbers.max() else { return "–" }
        let middle = number(median(numbers)) + suffix
        return numbers.count == 1 ? middle : "\(middle) [\(number(least))–\(number(most))]"
    }

    private static func number(_ value: Double) -> String {
        switch value.magnitude {
        case _ where !value.isFinite || value.magnitude > 1e15: "–"
        case 100...: grouped(Int(value.rounded()))
        case 10..<100: String(format: "%.1f", value)
        default: String(format: "%.2f", value)
        }
    }

    private static func grouped(_ value: Int) -> String {
        var digits = String(value)
        var end = digits.index(digits.endIndex, offsetBy: -3, limitedBy: digits.startIndex)
        while let index = end, index > digits.startIndex {
            digits.insert(",", at: index)
            end = digits.index(index, offsetBy: -3, limitedBy: digits.startIndex)
        }
        return digits
    }
}
