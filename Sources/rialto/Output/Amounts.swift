internal import Market

/// Money and spans of time as people write and read them, without rounding.
enum Amounts {
    private static let scale: Int64 = 1_000_000
    private static let digitCountMax = 6

    /// `0.35` as millionths; `nil` unless it is a plain decimal number with at most six digits behind the point.
    static func micros(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, !whole.isEmpty, whole.utf8.count <= 12, isDigits(whole), let units = Int64(whole)
        else { return nil }
        guard parts.count == 2 else { return units * scale }
        let fraction = parts[1]
        guard (1...digitCountMax).contains(fraction.utf8.count), isDigits(fraction) else { return nil }
        let padded = fraction + String(repeating: "0", count: digitCountMax - fraction.utf8.count)
        guard let rest = Int64(padded) else { return nil }
        return units * scale + rest
    }

    /// At least two digits behind the point, as money has, and no zeros beyond them.
    static func text(micros: Int64) -> String { PriceUnit.amount(micros: micros) }

    /// A share between 0 and 1 with two digits behind the point.
    static func share(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }

    /// `30m`, `1h30m`, `7d` as seconds: parts with their units, the larger first.
    static func seconds(_ text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        var (sum, digits, smallest) = (0, "", Int.max)
        for character in text {
            guard let unit = units[character] else {
                digits.append(character)
                continue
            }
            guard unit < smallest, (1...9).contains(digits.utf8.count), isDigits(digits), let number = Int(digits)
            else {
                return nil
            }
            (sum, digits, smallest) = (sum + number * unit, "", unit)
        }
        return smallest < .max && digits.isEmpty ? sum : nil
    }

    /// `1h30m`: a span of time to the second, as it may be given back.
    static func text(seconds: Int64) -> String {
        var (rest, text) = (seconds, "")
        for (size, name) in [(86_400, "d"), (3_600, "h"), (60, "m")] as [(Int64, String)] where rest >= size {
            text += "\(rest / size)\(name)"
            rest %= size
        }
        return rest == 0 && !text.isEmpty ? text : "\(text)\(rest)s"
    }

    /// `3h`: how long ago something was, in its largest unit.
    static func age(seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3_600: "\(seconds / 60)m"
        case ..<86_400: "\(seconds / 3_600)h"
        default: "\(seconds / 86_400)d"
        }
    }

    private static func isDigits(_ text: some StringProtocol) -> Bool {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
