/// An exact decimal figure with at most three digits behind the point, such as 82.58 TFLOPS.
///
/// Ranking and comparing must give the same answer on every machine, and a figure must print as it was written; binary
/// fractions promise neither.
public struct Thousandths: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The figure times 1,000.
    public let count: Int

    public init(count: Int) {
        self.count = count
    }

    /// Reads digits with an optional point and up to three digits behind it: `82.58`, `75`, `0.5`.
    ///
    /// No sign, no exponent, no grouping; `nil` for anything else and for what 64 bits do not hold.
    public init?(text: some StringProtocol) {
        guard let count = ScaledDecimal.parse(text.utf8, digitsBehindPointMax: 3, scale: 1_000) else { return nil }
        self.count = count
    }

    public static func < (left: Thousandths, right: Thousandths) -> Bool { left.count < right.count }

    /// The shortest decimal that reads back as this figure.
    public var description: String { ScaledDecimal.text(count, scale: 1_000) }
}

/// Decimals in text, as integers: the only way that money and figures enter and leave the market.
enum ScaledDecimal {
    /// The value of `digits[.digits]` times `scale`, or `nil` if the text has another form or does not fit.
    ///
    /// `scale` is a power of ten, at least `10 ^ digitsBehindPointMax`.
    static func parse(
        _ text: some Sequence<UInt8>,
        digitsBehindPointMax: Int,
        scale: Int
    ) -> Int? {
        var value = 0
        var unit = scale
        var digitCount = 0
        var digitsBehindPoint: Int?
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard digitsBehindPoint == nil, digitCount > 0 else { return nil }
                digitsBehindPoint = 0
                continue
            }
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            digitCount += 1
            let digit = Int(byte - UInt8(ascii: "0"))
            if let behind = digitsBehindPoint {
                guard behind < digitsBehindPointMax else { return nil }
                digitsBehindPoint = behind + 1
                unit /= 10
                let (sum, overflow) = value.addingReportingOverflow(digit * unit)
                guard !overflow else { return nil }
                value = sum
            } else {
                let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
                let (added, scaled) = digit.multipliedReportingOverflow(by: scale)
                let (sum, carried) = shifted.addingReportingOverflow(added)
                guard !overflow, !scaled, !carried else { return nil }
                value = sum
            }
        }
        guard digitCount > 0, digitsBehindPoint != 0 else { return nil }
        return value
    }

    /// The shortest decimal of `value ÷ scale` with so many digits behind the point, where `scale` is a power of ten; defined for every value.
    static func text(_ value: Int, scale: Int, digitsBehindPointMin: Int = 0) -> String {
        let magnitude = value.magnitude
        let (whole, rest) = magnitude.quotientAndRemainder(dividingBy: UInt(scale))
        let sign = value < 0 ? "-" : ""
        var behind = String(UInt(scale) + rest).dropFirst()
        while behind.count > digitsBehindPointMin, behind.last == "0" { behind.removeLast() }
        return behind.isEmpty ? "\(sign)\(whole)" : "\(sign)\(whole).\(behind)"
    }
}
