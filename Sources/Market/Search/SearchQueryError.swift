/// Why a text is no query, at which character, and what would be one.
public struct SearchQueryError: Error, Hashable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        case queryTooLong(byteCount: Int)
        case tooManyConditions
        case tooManyValues
        case nestedTooDeep
        case unknownField(String, nearest: String?)
        /// A number and its unit with a space between them; the text is how they are written.
        case detachedUnit(String)
        case missingOperator(field: String)
        case missingValue(field: String)
        case unsuitableOperator(field: String, found: String)
        case value(field: String, found: String, accepted: String, nearest: String?)
        case orOutsideParentheses
        case unexpected(found: String, expected: String)
        case unclosed(String)
    }

    /// The character at which the error stands, counted from one.
    public let position: Int
    public let reason: Reason

    public var description: String { "character \(position): \(explanation)" }

    private var explanation: String {
        switch reason {
        case .queryTooLong(let byteCount):
            return "the query has \(byteCount) bytes, at most \(SearchQuery.byteCountMax) are read"
        case .tooManyConditions: return "more than \(SearchQuery.conditionCountMax) conditions"
        case .tooManyValues: return "more than \(SearchQuery.valueCountMax) values in a list"
        case .nestedTooDeep: return "parentheses nest deeper than \(SearchQuery.depthMax)"
        case .unknownField(let name, let nearest):
            let fields = SearchField.allCases.map(\.rawValue).joined(separator: ", ")
            return "unknown field '\(name)'"
                + (nearest.map { "; did you mean '\($0)'?" } ?? "; the fields are \(fields)")
        case .detachedUnit(let text): return "a number and its unit are one word: write \(text)"
        case .missingOperator(let field): return "'\(field)' needs an operator: = != < <= > >= in notin"
        case .missingValue(let field): return "'\(field)' needs a value"
        case .unsuitableOperator(let field, let found):
            return "'\(field)' has no order, so '\(found)' does not apply; use = != in notin"
        case .value(let field, let found, let accepted, let nearest):
            let hint = nearest.map { "; did you mean '\($0)'?" } ?? ""
            return "'\(found)' is no value for '\(field)': it takes \(accepted)\(hint)"
        case .orOutsideParentheses: return "alternatives stand in parentheses: (… or …)"
        case .unexpected(let found, let expected): return "found \(found) where \(expected) is expected"
        case .unclosed(let opening): return "'\(opening)' is never closed"
        }
    }
}
