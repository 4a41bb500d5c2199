/// JSON with its names in the order in which they were given, on one line.
enum JSONText {
    case object([(String, JSONText)])
    case list([JSONText])
    case text(String)
    case integer(Int)
    case unsigned(UInt64)
    /// Written with as many digits as are needed to read it back; `null` if it is not finite.
    case number(Double)
    case truth(Bool)
    case null

    var line: String {
        var line = ""
        write(to: &line)
        return line
    }

    private func write(to line: inout String) {
        switch self {
        case .object(let pairs):
            line += "{"
            for (index, pair) in pairs.enumerated() {
                if index > 0 { line += "," }
                Self.write(pair.0, to: &line)
                line += ":"
                pair.1.write(to: &line)
            }
            line += "}"
        case .list(let values):
            line += "["
            for (index, value) in values.enumerated() {
                if index > 0 { line += "," }
                value.write(to: &line)
            }
            line += "]"
        case .text(let text): Self.write(text, to: &line)
        case .integer(let number): line += "\(number)"
        case .unsigned(let number): line += "\(number)"
        case .number(let number): line += Self.text(number)
        case .truth(let isTrue): line += isTrue ? "true" : "false"
        case .null: line += "null"
        }
    }

    static func text(_ number: Double) -> String {
        guard number.isFinite else { return "null" }
        let isWhole = number == number.rounded() && abs(number) < 1e15
        return isWhole ? "\(Int64(number))" : "\(number)"
    }

    private static func write(_ text: String, to line: inout String) {
        line += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\t": line += "\\t"
            case "\r": line += "\\r"
            default:
                if scalar.value < 0x20 {
                    line += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
                } else {
                    line.unicodeScalars.append(scalar)
                }
            }
        }
        line += "\""
    }
}
