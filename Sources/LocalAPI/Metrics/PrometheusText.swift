internal import Primitives

/// Writes numbers in Prometheus's text form (Prometheus documentation, "Exposition formats", version 0.0.4).
///
/// One family after the other: help, type, then a line for each set of labels.
struct PrometheusText {
    enum Kind: String {
        case counter, gauge
    }

    struct Sample {
        let labels: [(name: String, value: String)]
        let value: Double

        init(_ value: some BinaryInteger, _ labels: (name: String, value: String)...) {
            self.init(Double(value), labels)
        }

        init(_ value: Double, _ labels: [(name: String, value: String)] = []) {
            (self.labels, self.value) = (labels, value)
        }
    }

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    /// One family; without samples nothing is written.
    mutating func add(_ kind: Kind, _ name: String, _ help: String, _ samples: [Sample]) {
        guard !samples.isEmpty else { return }
        begin(kind.rawValue, name, help)
        for sample in samples { line(name, sample.labels, sample.value) }
    }

    mutating func add(_ kind: Kind, _ name: String, _ help: String, _ value: Double) {
        add(kind, name, help, [Sample(value)])
    }

    mutating func add(_ kind: Kind, _ name: String, _ help: String, _ value: some BinaryInteger) {
        add(kind, name, help, Double(value))
    }

    mutating func add(_ name: String, _ help: String, _ histogram: Histogram) {
        begin("histogram", name, help)
        var sum: UInt64 = 0
        for (bound, count) in zip(histogram.bounds, histogram.counts) {
            sum += count
            line(name + "_bucket", [("le", Self.number(bound))], Double(sum))
        }
        sum += histogram.counts.last ?? 0
        line(name + "_bucket", [("le", "+Inf")], Double(sum))
        line(name + "_sum", [], histogram.total / .seconds(1))
        line(name + "_count", [], Double(sum))
    }

    private mutating func begin(_ type: String, _ name: String, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(type)\n"
    }

    private mutating func line(_ name: String, _ labels: [(name: String, value: String)], _ value: Double) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
            text += "{" + pairs.joined(separator: ",") + "}"
        }
        text += " \(Self.number(value))\n"
    }

    /// Whole numbers without a point, as far as a double holds them exactly.
    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return value == value.rounded() && abs(value) < 0x1p53 ? "\(Int64(value))" : "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
