internal import Foundation

/// Round numbers along an axis.
struct AxisTicks {
    let positions: [Double]
    let labels: [String]
    /// Where the axis ends: at the last tick or behind it.
    let end: Double

    var start: Double { positions.first ?? 0 }

    /// About `count` round values from zero to beyond `largest`: 1, 2, 2.5 or 5 times a power of ten apart.
    static func values(upTo largest: Double, count: Int = 5, isWhole: Bool = false) -> AxisTicks {
        let largest = largest > 0 && largest.isFinite ? largest : 1
        let rough = largest / Double(count)
        let power = pow(10, floor(log10(rough)))
        var step = [1, 2, 2.5, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999_999 } ?? rough
        if isWhole { step = max(1, step.rounded(.up)) }
        let last = Int((largest / step).rounded(.up))
        let positions = (0...max(1, last)).map { Double($0) * step }
        let digits =
            step == step.rounded() ? 0 : min(6, max(0, Int(ceil(-log10(step))) + (power * 2.5 == step ? 1 : 0)))
        return AxisTicks(
            positions: positions,
            labels: positions.map { grouped($0, digits: digits) },
            end: positions.last ?? largest
        )
    }

    /// Powers of ten around some values above zero; the positions are their logarithms.
    static func powers(from smallest: Double, to largest: Double) -> AxisTicks {
        let low = Int(floor(log10(max(smallest, 1e-6))))
        let high = max(low + 1, Int(ceil(log10(max(largest, 1e-6)))))
        let labels = (low...high).map { grouped(pow(10, Double($0)), digits: max(0, -$0)) }
        return AxisTicks(positions: (low...high).map(Double.init), labels: labels, end: Double(high))
    }

    /// Round spans of virtual time, in seconds.
    static func times(upTo largest: Double, count: Int = 7) -> AxisTicks {
        let units: [(name: String, seconds: Double, steps: [Double])] = [
            ("s", 1, [1, 2, 5, 10, 15, 30]), ("min", 60, [1, 2, 5, 10, 15, 30]), ("h", 3_600, [1, 2, 3, 6, 12]),
            ("d", 86_400, [1, 2, 5, 10, 20, 50, 100, 500]),
        ]
        let largest = max(largest, 1)
        for unit in units {
            for step in unit.steps where largest / (step * unit.seconds) <= Double(count) {
                let width = step * unit.seconds
                let positions = (0...Int(largest / width)).map { Double($0) * width }
                let labels = positions.map { $0 == 0 ? "0" : "\(grouped($0 / unit.seconds, digits: 0)) \(unit.name)" }
                return AxisTicks(positions: positions, labels: labels, end: largest)
            }
        }
        return AxisTicks(positions: [0, largest], labels: ["0", "\(Int(largest / 86_400)) d"], end: largest)
    }

    /// `12 345.5`: thousands apart by a narrow space.
    static func grouped(_ value: Double, digits: Int) -> String {
        let text = String(format: "%.\(digits)f", value)
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        var whole = ""
        for (index, character) in parts[0].reversed().enumerated() {
            if index > 0, index % 3 == 0, character != "-" { whole.append("\u{202f}") }
            whole.append(character)
        }
        return String(whole.reversed()) + (parts.count == 2 ? "." + parts[1] : "")
    }
}
