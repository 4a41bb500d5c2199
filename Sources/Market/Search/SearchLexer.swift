/// Cuts a query into words and signs.
///
/// A bare word ends at white space or at a sign of the grammar; a text in double quotes may hold anything but a quote.
struct SearchLexer {
    enum Token: Hashable {
        case word(String)
        case quoted(String)
        case comparison(SearchComparison)
        case openGroup, closeGroup, openList, closeList, comma
        case end

        /// The token as an error names it.
        var name: String {
            switch self {
            case .word(let text): "'\(text)'"
            case .quoted(let text): "\"\(text)\""
            case .comparison(let comparison): "'\(comparison.rawValue)'"
            case .openGroup: "'('"
            case .closeGroup: "')'"
            case .openList: "'['"
            case .closeList: "']'"
            case .comma: "','"
            case .end: "the end"
            }
        }
    }

    private let characters: [Character]
    private var offset = 0

    init(text: String) {
        characters = Array(text)
    }

    /// The character that is read next, counted from one.
    var position: Int { offset + 1 }

    /// The next token and the position at which it begins.
    mutating func next() throws(SearchQueryError) -> (token: Token, position: Int) {
        while offset < characters.count, characters[offset].isWhitespace { offset += 1 }
        let start = position
        guard offset < characters.count else { return (.end, start) }
        if let sign = takeSign() { return (sign, start) }
        if characters[offset] == "\"" { return (.quoted(try takeQuoted()), start) }
        if let comparison = try takeComparison() { return (.comparison(comparison), start) }
        return (.word(takeWord()), start)
    }

    private mutating func takeSign() -> Token? {
        let sign: Token? =
            switch characters[offset] {
            case "(": .openGroup
            case ")": .closeGroup
            case "[": .openList
            case "]": .closeList
            case ",": .comma
            default: nil
            }
        if sign != nil { offset += 1 }
        return sign
    }

    private mutating func takeQuoted() throws(SearchQueryError) -> String {
        let start = position
        let rest = characters[(offset + 1)...]
        guard let end = rest.firstIndex(of: "\"") else {
            throw SearchQueryError(position: start, reason: .unclosed("\""))
        }
        offset = end + 1
        return String(rest[..<end])
    }

    private mutating func takeComparison() throws(SearchQueryError) -> SearchComparison? {
        let start = position
        let sign = characters[offset...].prefix { "=!<>".contains($0) }
        guard !sign.isEmpty else { return nil }
        guard let comparison = SearchComparison(rawValue: String(sign)) else {
            let expected = "one of = != < <= > >="
            throw SearchQueryError(position: start, reason: .unexpected(found: "'\(String(sign))'", expected: expected))
        }
        offset += sign.count
        return comparison
    }

    private mutating func takeWord() -> String {
        let word = characters[offset...].prefix { !$0.isWhitespace && !"()[],\"=!<>".contains($0) }
        offset += word.count
        return String(word)
    }
}
