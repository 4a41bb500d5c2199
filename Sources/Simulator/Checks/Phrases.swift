internal import Primitives

// Numbers as the findings say them; without a library, so that they are the same everywhere.

extension Duration {
    /// Such as `250 ms`, `2.31 s`, `4 min`.
    var phrase: String {
        let milliseconds = milliseconds
        if milliseconds < 1_000 { return "\(milliseconds) ms" }
        if milliseconds % 60_000 == 0 { return "\(milliseconds / 60_000) min" }
        return "\(decimal(milliseconds, places: 3, shown: 2)) s"
    }
}

extension Share {
    /// Such as `99.9 %`.
    var phrase: String { "\(decimal(Int64(millionths), places: 4, shown: 4)) %" }

    /// So many of so many, rounded down: 99.9999 % are not all, and none of none is nothing.
    init(_ part: Int, of whole: Int) {
        self.init(millionths: whole == 0 ? 0 : min(part, whole) * 1_000_000 / whole)
    }
}

/// `value` / 10^`places` with at most `shown` digits behind the point, cut, without trailing zeros.
func decimal(_ value: Int64, places: Int, shown: Int) -> String {
    let digits = String(value.magnitude)
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    var fraction = String(padded.suffix(places).prefix(shown))
    while fraction.hasSuffix("0") { fraction.removeLast() }
    let whole = (value < 0 ? "-" : "") + padded.dropLast(places)
    return fraction.isEmpty ? whole : "\(whole).\(fraction)"
}
