/// The unit tags of prices: ISO 4217 codes, `sat`, `kWh`, `credit`, or whatever an offer names.
public enum PriceUnit {
    public static let standard = "USD"
    private static let knownTags = ["sat", "kWh", "credit"]
    private static let symbols: [(symbol: Character, code: String)] = [
        ("$", "USD"), ("€", "EUR"), ("£", "GBP"), ("¥", "JPY"),
    ]

    /// The tag as records write it: known tags by their own spelling, three letters as a currency code in capitals.
    public static func canonical(_ text: some StringProtocol) -> String? {
        guard !text.isEmpty, text.utf8.count <= PriceTerms.Bounds.unitByteCountMax else { return nil }
        guard text.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else { return nil }
        if let known = knownTags.first(where: { $0.lowercased() == text.lowercased() }) { return known }
        return text.utf8.count == 3 ? text.uppercased() : String(text)
    }

    /// Reads `0.40`, `$0.40`, `0.40EUR` or `500sat` as millionths and the unit that the text names, if any.
    static func parse(_ text: String) -> (micros: Int, unit: String?)? {
        var rest = text[...]
        var unit: String?
        if let first = rest.first, let symbol = symbols.first(where: { $0.symbol == first }) {
            unit = symbol.code
            rest = rest.dropFirst()
        }
        let digits = rest.prefix { $0 == "." || ("0"..."9").contains($0) }
        let tag = rest.dropFirst(digits.count)
        if !tag.isEmpty {
            guard unit == nil, !isExponent(tag), let canonical = canonical(tag) else { return nil }
            unit = canonical
        }
        guard let micros = ScaledDecimal.parse(digits.utf8, digitsBehindPointMax: 6, scale: 1_000_000) else {
            return nil
        }
        return (micros, unit)
    }

    /// `1e3` is no amount of a unit called e3.
    private static func isExponent(_ tag: Substring) -> Bool {
        "eE".contains(tag.first ?? " ") && tag.dropFirst().contains { $0.isNumber }
    }

    /// Whether a word by itself looks like a unit: a currency code, a symbol or a known tag.
    static func isLikely(_ text: String) -> Bool {
        symbols.contains { text == String($0.symbol) } || knownTags.contains { $0.lowercased() == text.lowercased() }
            || text.utf8.count == 3 && text.allSatisfy { $0.isASCII && $0.isLetter }
    }

    /// `0.35`, as money is written: at least two digits behind the point, and no zeros beyond them.
    public static func amount(micros: Int64) -> String {
        ScaledDecimal.text(Int(micros), scale: 1_000_000, digitsBehindPointMin: 2)
    }

    /// `0.35USD`, as a query writes it.
    static func text(micros: Int, unit: String) -> String {
        ScaledDecimal.text(micros, scale: 1_000_000) + unit
    }
}
