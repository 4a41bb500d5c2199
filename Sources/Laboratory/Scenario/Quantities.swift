internal import Primitives
internal import Simulator

/// Numbers with units, as people write and read them; exact, for no rounding of a floating-point number may steer a run.
enum Quantities {
    /// What a length may be at most: ten years of virtual time.
    static let lengthMax = Duration.seconds(3_650 * 86_400)
    /// Digits of one number; more would not be exact as nanoseconds.
    static let digitCountMax = 15

    static let lengthForm = "a length: a number and one of us, ms, s, m, h, d, like 250ms or 1.94h"
    static let shareForm = "a share from 0% to 100%, like 30% or 0.1%"
    static let bitRateForm =
        "a bit rate: a number and one of bit/s, kbit/s, Mbit/s, Gbit/s, like 20Mbit/s"

    private static let lengthUnits: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1_000),
    ]
    private static let bitRateUnits: [(name: String, bits: Int64)] = [
        ("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1_000), ("bit/s", 1),
    ]

    /// A number times `scale`, if that is a whole one: `1.94` and 100 are 194.
    static func scaled(_ text: some StringProtocol, by scale: Int64) -> Int64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : ""
        guard let whole = parts.first, isDigits(whole), parts.count == 1 || isDigits(fraction),
            whole.utf8.count + fraction.utf8.count <= digitCountMax,
            let digits = Int128("\(whole)\(fraction)")
        else { return nil }
        let divisor = (0..<fraction.utf8.count).reduce(Int128(1)) { product, _ in product * 10 }
        let (quotient, remainder) = (digits * Int128(scale)).quotientAndRemainder(dividingBy: divisor)
        return remainder == 0 ? Int64(exactly: quotient) : nil
    }

    /// `250ms`, `1.94h`; with `isSigned` also `-90s`.
    static func length(_ text: String, isSigned: Bool = false) -> Duration? {
        if isSigned, text.hasPrefix("-") { return length(String(text.dropFirst())).map { .zero - $0 } }
        let number = text.prefix { $0.isNumber || $0 == "." }
        guard let unit = lengthUnits.first(where: { $0.name == text.dropFirst(number.count) }),
            let nanoseconds = scaled(number, by: unit.nanoseconds), .nanoseconds(nanoseconds) <= lengthMax
        else { return nil }
        return .nanoseconds(nanoseconds)
    }

    /// The length in the largest unit in which it is short and exact.
    static func text(_ length: Duration) -> String {
        let nanoseconds = length.saturatedNanoseconds
        if nanoseconds == 0 { return "0s" }
        if nanoseconds < 0 { return "-" + text(.zero - length) }
        let unit = lengthUnits.first {
            nanoseconds >= $0.nanoseconds && (nanoseconds * 100) % $0.nanoseconds == 0
        }
        let (name, size) = unit ?? lengthUnits[5]
        return decimal(Int128(nanoseconds), per: Int128(size)) + name
    }

    static func share(_ text: String) -> Share? {
        guard text.hasSuffix("%"), let millionths = scaled(text.dropLast(), by: 10_000),
            millionths <= 1_000_000
        else {
            return nil
        }
        return Share(millionths: Int(millionths))
    }

    static func text(_ share: Share) -> String {
        decimal(Int128(share.millionths), per: 10_000) + "%"
    }

    static func text(_ quota: Quota) -> String {
        switch quota {
        case .count(let count): "\(count)"
        case .share(let share): text(share)
        }
    }

    /// `20Mbit/s` in bits per second; the `/s` may be left out.
    static func bitRate(_ text: String) -> Int? {
        let number = text.prefix { $0.isNumber || $0 == "." }
        let name = text.dropFirst(number.count)
        guard let unit = bitRateUnits.first(where: { $0.name == name || $0.name.dropLast(2) == name })
        else {
            return nil
        }
        return scaled(number, by: unit.bits).map { Int($0) }
    }

    static func bitRateText(_ bits: Int) -> String {
        let unit =
            bitRateUnits.first { Int64(bits) >= $0.bits && Int64(bits) % $0.bits == 0 } ?? bitRateUnits[3]
        return "\(Int64(bits) / unit.bits)\(unit.name)"
    }

    /// A quotient by a power-of-ten-friendly divisor without zeros at its end.
    static func decimal(_ value: Int128, per divisor: Int128) -> String {
        let (whole, rest) = value.quotientAndRemainder(dividingBy: divisor)
        guard rest != 0 else { return "\(whole)" }
        var (fraction, remainder) = ("", rest)
        while remainder != 0, fraction.utf8.count < digitCountMax {
            fraction += "\(remainder * 10 / divisor)"
            remainder = remainder * 10 % divisor
        }
        return "\(whole).\(fraction)"
    }

    private static func isDigits(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}

/// Lengths of time as scenarios write them: `250ms`, `10s`, `1.94h`.
public enum LengthText {
    /// `nil` if it is none, or longer than ten years.
    public static func read(_ text: String) -> Duration? { Quantities.length(text) }

    public static func write(_ length: Duration) -> String { Quantities.text(length) }
}
