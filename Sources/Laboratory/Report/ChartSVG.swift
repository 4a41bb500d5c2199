internal import Foundation

/// Draws a chart as SVG that stands alone: it brings its own style, for light and dark.
package struct ChartSVG {
    static let (width, height) = (720.0, 344.0)
    static let (left, right, top, bottom) = (74.0, 20.0, 80.0, 52.0)
    /// More points than the picture has room for are joined.
    static let pointCountMax = 480

    private let chart: Chart
    private let xTicks: AxisTicks
    private let yTicks: AxisTicks

    package init(_ chart: Chart) {
        self.chart = chart
        switch chart.horizontal {
        case .time(let end), .clock(let end): xTicks = .times(upTo: end)
        case .value(_, let end): xTicks = .values(upTo: end, count: 8)
        }
        let values = chart.series.flatMap(\.points).compactMap(\.y)
        if chart.isLogarithmic {
            let above = values.filter { $0 > 0 }
            yTicks = .powers(from: above.min() ?? 1, to: above.max() ?? 1)
        } else {
            yTicks = .values(upTo: chart.top ?? values.max() ?? 0, isWhole: chart.isWhole)
        }
    }

    private func x(_ value: Double) -> Double {
        Self.left + value / max(xTicks.end, 1e-9) * (Self.width - Self.left - Self.right)
    }

    /// The height of a value; what lies outside the axis stays at its edge.
    private func y(_ value: Double) -> Double {
        let value = chart.isLogarithmic ? log10(max(value, 1e-9)) : value
        let share = (value - yTicks.start) / max(yTicks.end - yTicks.start, 1e-9)
        return height(min(max(share, 0), 1))
    }

    private func height(_ share: Double) -> Double {
        Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom)
    }

    package var text: String {
        let label = HTMLText.escaped("\(chart.title). \(chart.caption)")
        var parts = [
            "<svg class=\"chart\" viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(label)\" "
                + "xmlns=\"http://www.w3.org/2000/svg\">",
            "<style>\(ReportStyle.chart)</style>",
            "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>",
            "<text class=\"title\" x=\"\(Int(Self.left))\" y=\"24\">\(HTMLText.escaped(chart.title))</text>",
        ]
        parts += legend + bands + axes
        parts += chart.series.indices.flatMap(drawn)
        parts.append("</svg>")
        return parts.joined(separator: "\n")
    }

    private var legend: [String] {
        var offset = Self.left
        return chart.series.enumerated().map { index, series in
            defer { offset += 44 + Double(series.name.count) * 7.4 }
            return
                "<line class=\"line s\(index)\" x1=\"\(one(offset))\" x2=\"\(one(offset + 18))\" y1=\"44\" y2=\"44\"/>"
                + "<text class=\"small\" x=\"\(one(offset + 24))\" y=\"48\">\(HTMLText.escaped(series.name))</text>"
        }
    }

    private var bands: [String] {
        let (above, below) = (Self.top, Self.height - Self.bottom)
        var last: Double?
        return chart.bands.sorted { $0.start < $1.start }.flatMap { band -> [String] in
            let (start, end) = (x(min(band.start, xTicks.end)), x(min(band.end, xTicks.end)))
            let name = band.number == nil ? "calm" : "band"
            var parts: [String] = []
            if end - start >= 1 {
                let size = "width=\"\(one(end - start))\" height=\"\(one(below - above))\""
                parts.append("<rect class=\"\(name)\" x=\"\(one(start))\" y=\"\(one(above))\" \(size)/>")
            }
            guard let number = band.number else { return parts }
            parts.append(
                "<line class=\"edge\" x1=\"\(one(start))\" x2=\"\(one(start))\" y1=\"\(one(above))\" y2=\"\(one(below))\"/>"
            )
            // Above the plot, where no line passes; what would lie on another label moves to its right.
            let middle = max(start, (last ?? -.infinity) + 17)
            last = middle
            parts.append(
                "<circle class=\"badge\" cx=\"\(one(middle))\" cy=\"\(one(above - 10))\" r=\"7.5\"/>"
                    + "<text class=\"number\" x=\"\(one(middle))\" y=\"\(one(above - 6.5))\">\(number)</text>"
            )
            return parts
        }
    }

    private var axes: [String] {
        let (start, end) = (Self.left, Self.width - Self.right)
        let below = Self.height - Self.bottom
        var parts: [String] = []
        for (position, label) in zip(yTicks.positions, yTicks.labels) {
            let height = height((position - yTicks.start) / max(yTicks.end - yTicks.start, 1e-9))
            parts.append(
                "<line class=\"grid\" x1=\"\(one(start))\" x2=\"\(one(end))\" y1=\"\(one(height))\" y2=\"\(one(height))\"/>"
                    + "<text class=\"tick end\" x=\"\(one(start - 8))\" y=\"\(one(height + 4))\">\(label)</text>"
            )
        }
        for (position, label) in zip(xTicks.positions, xTicks.labels) {
            let place = x(position)
            parts.append(
                "<line class=\"mark\" x1=\"\(one(place))\" x2=\"\(one(place))\" y1=\"\(one(below))\" y2=\"\(one(below + 5))\"/>"
                    + "<text class=\"tick middle\" x=\"\(one(place))\" y=\"\(one(below + 19))\">\(label)</text>"
            )
        }
        parts.append(
            "<line class=\"mark\" x1=\"\(one(start))\" x2=\"\(one(end))\" y1=\"\(one(below))\" y2=\"\(one(below))\"/>"
        )
        let middle = Self.top + (below - Self.top) / 2
        parts.append(
            "<text class=\"small middle\" x=\"\(one((start + end) / 2))\" y=\"\(one(Self.height - 10))\">\(horizontalName)</text>"
        )
        parts.append(
            "<text class=\"small middle\" transform=\"translate(16 \(one(middle))) rotate(-90)\">"
                + "\(HTMLText.escaped(chart.unit))</text>"
        )
        return parts
    }

    private var horizontalName: String {
        switch chart.horizontal {
        case .time: "virtual time"
        case .clock: "time"
        case .value(let unit, _): HTMLText.escaped(unit)
        }
    }

    /// The lines of one series, one for each stretch without a gap.
    private func drawn(_ index: Int) -> [String] {
        var stretches: [[String]] = [[]]
        var ends: [(first: Double, last: Double)] = [(0, 0)]
        for point in chart.series[index].points {
            guard let value = point.y else {
                if !(stretches.last ?? []).isEmpty {
                    stretches.append([])
                    ends.append((0, 0))
                }
                continue
            }
            let place = x(point.x)
            let last = stretches.count - 1
            if stretches[last].isEmpty { ends[last].first = place }
            ends[last].last = place
            stretches[last].append("\(one(place)),\(one(y(value)))")
        }
        let floor = one(height(0))
        return zip(stretches, ends).filter { !$0.0.isEmpty }.flatMap { points, ends -> [String] in
            let way = points.joined(separator: " ")
            if points.count == 1, let place = points[0].split(separator: ",").first,
                let height = points[0].split(separator: ",").last
            {
                return ["<circle class=\"dot s\(index)\" cx=\"\(place)\" cy=\"\(height)\" r=\"2\"/>"]
            }
            var parts: [String] = []
            if chart.series[index].isFilled {
                parts.append(
                    "<polygon class=\"area s\(index)\" points=\"\(one(ends.first)),\(floor) \(way) \(one(ends.last)),\(floor)\"/>"
                )
            }
            return parts + ["<polyline class=\"line s\(index)\" points=\"\(way)\"/>"]
        }
    }

    /// One decimal: a tenth of a pixel is enough.
    private func one(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : String(format: "%.1f", Double(tenths) / 10)
    }
}

/// Text inside markup.
enum HTMLText {
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
