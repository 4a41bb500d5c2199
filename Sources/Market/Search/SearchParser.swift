/// Reads the search grammar.
///
/// ```
/// query        = { term }
/// term         = condition | "(" alternative { "or" alternative } ")"
/// alternative  = term { term }
/// condition    = field comparison value | field ( "in" | "notin" ) "[" value { "," value } "]"
/// ```
struct SearchParser {
    private let catalogue: Catalogue
    private var lexer: SearchLexer
    private var token = SearchLexer.Token.end
    private var position = 1
    private var conditionCount = 0
    private let bareUnit: String
    /// The number without a unit that the last condition ended with.
    private var bareNumber: (field: SearchField, text: String)?

    init(text: String, catalogue: Catalogue) throws(SearchQueryError) {
        guard text.utf8.count <= SearchQuery.byteCountMax else {
            throw SearchQueryError(position: 1, reason: .queryTooLong(byteCount: text.utf8.count))
        }
        self.catalogue = catalogue
        lexer = SearchLexer(text: text)
        bareUnit = try Self.unitAsked(in: text)
        try advance()
    }

    mutating func parse() throws(SearchQueryError) -> [SearchQuery.Term] {
        let terms = try parseTerms(depth: 0)
        guard token == .end else {
            throw error(
                token == .closeGroup ? .unexpected(found: "')'", expected: "a field or the end") : unexpectedTerm
            )
        }
        return terms
    }

    /// The unit of prices without one: that of a `unit=…` outside of parentheses, wherever it stands, else US dollars.
    private static func unitAsked(in text: String) throws(SearchQueryError) -> String {
        var lexer = SearchLexer(text: text)
        var depth = 0
        var previous: [SearchLexer.Token] = []
        while true {
            let token = try lexer.next().token
            if token == .end { return PriceUnit.standard }
            if token == .openGroup { depth += 1 }
            if token == .closeGroup { depth -= 1 }
            if depth == 0, previous.count == 2, case .word(let field) = previous[0], previous[1] == .comparison(.equal),
                SearchField(name: field) == .unit, case .word(let value) = token, let unit = PriceUnit.canonical(value)
            {
                return unit
            }
            previous = previous.suffix(1) + [token]
        }
    }

    private mutating func advance() throws(SearchQueryError) {
        (token, position) = try lexer.next()
    }

    private func error(_ reason: SearchQueryError.Reason) -> SearchQueryError {
        SearchQueryError(position: position, reason: reason)
    }

    private var unexpectedTerm: SearchQueryError.Reason {
        .unexpected(found: token.name, expected: "a field or '('")
    }

    private func isWord(_ text: String) -> Bool {
        guard case .word(let word) = token else { return false }
        return word.lowercased() == text
    }

    /// Reads terms up to `or`, a closing parenthesis or the end.
    private mutating func parseTerms(depth: Int) throws(SearchQueryError) -> [SearchQuery.Term] {
        var terms: [SearchQuery.Term] = []
        while token != .end, token != .closeGroup {
            if isWord("or") {
                guard depth > 0 else { throw error(.orOutsideParentheses) }
                return terms
            }
            if isWord("and") {
                try advance()
            } else if token == .openGroup {
                terms.append(try parseGroup(depth: depth + 1))
            } else {
                terms.append(.condition(try parseCondition()))
            }
        }
        return terms
    }

    private mutating func parseGroup(depth: Int) throws(SearchQueryError) -> SearchQuery.Term {
        guard depth <= SearchQuery.depthMax else { throw error(.nestedTooDeep) }
        let opening = error(.unclosed("("))
        try advance()
        var alternatives: [[SearchQuery.Term]] = []
        while true {
            let terms = try parseTerms(depth: depth)
            guard token != .end else { throw opening }
            guard !terms.isEmpty else { throw error(unexpectedTerm) }
            alternatives.append(terms)
            let isLast = token == .closeGroup
            try advance()
            if isLast { return .alternatives(alternatives) }
        }
    }

    private mutating func parseCondition() throws(SearchQueryError) -> SearchCondition {
        guard case .word(let name) = token else { throw error(unexpectedTerm) }
        guard let field = SearchField(name: name) else {
            if let text = joined(withUnit: name) { throw error(.detachedUnit(text)) }
            let names = SearchField.allCases.map(\.rawValue) + SearchField.synonyms.map(\.name)
            throw error(.unknownField(name, nearest: Spelling.nearest(to: name, in: names)))
        }
        guard conditionCount < SearchQuery.conditionCountMax else { throw error(.tooManyConditions) }
        conditionCount += 1
        try advance()
        let comparison = try parseComparison(of: field, name: name)
        let values = try parseValues(of: field, name: name, isListed: comparison.takesList)
        return SearchCondition(field: field, comparison: comparison, values: values).canonical
    }

    /// The number just read with the word behind it, if they are one value; nobody compares a unit with anything.
    private func joined(withUnit word: String) -> String? {
        guard let (field, number) = bareNumber, word.first?.isNumber != true,
            field.kind != .money || PriceUnit.isLikely(word)
        else { return nil }
        var ahead = lexer
        if case .comparison? = try? ahead.next().token { return nil }
        let reader = SearchValueReader(catalogue: catalogue, bareUnit: bareUnit)
        return [number + word, word + number].first { !reader.values(of: field, text: $0).isEmpty }
    }

    private mutating func parseComparison(
        of field: SearchField,
        name: String
    ) throws(SearchQueryError) -> SearchComparison {
        let comparison: SearchComparison
        switch token {
        case .comparison(let sign): comparison = sign
        case .word(let word):
            guard let listing = SearchComparison(rawValue: word.lowercased()) else {
                throw error(.missingOperator(field: name))
            }
            comparison = listing
        case .quoted, .openGroup, .closeGroup, .openList, .closeList, .comma, .end:
            throw error(.missingOperator(field: name))
        }
        guard field.isOrdered || !comparison.isOrdering else {
            throw error(.unsuitableOperator(field: name, found: comparison.rawValue))
        }
        try advance()
        return comparison
    }

    private mutating func parseValues(
        of field: SearchField,
        name: String,
        isListed: Bool
    ) throws(SearchQueryError) -> [SearchValue] {
        guard isListed else { return try takeValue(of: field, name: name) }
        guard token == .openList else {
            throw error(.unexpected(found: token.name, expected: "a list such as [a,b]"))
        }
        let opening = error(.unclosed("["))
        var values: [SearchValue] = []
        repeat {
            try advance()
            guard token != .end else { throw opening }
            for value in try takeValue(of: field, name: name) where !values.contains(value) { values.append(value) }
            guard values.count <= SearchQuery.valueCountMax else { throw error(.tooManyValues) }
        } while token == .comma
        guard token != .end else { throw opening }
        guard token == .closeList else { throw error(.unexpected(found: token.name, expected: "',' or ']'")) }
        try advance()
        return values
    }

    /// Reads one value; a family of GPUs is several.
    private mutating func takeValue(of field: SearchField, name: String) throws(SearchQueryError) -> [SearchValue] {
        let text: String
        switch token {
        case .word(let word): text = word
        case .quoted(let quoted): text = quoted
        case .comparison, .openGroup, .closeGroup, .openList, .closeList, .comma, .end:
            throw error(.missingValue(field: name))
        }
        let reader = SearchValueReader(catalogue: catalogue, bareUnit: bareUnit)
        let values = reader.values(of: field, text: text)
        guard !values.isEmpty else {
            let nearest = reader.nearest(to: text, of: field)
            throw error(.value(field: name, found: text, accepted: field.accepted, nearest: nearest))
        }
        bareNumber = text.allSatisfy { $0.isNumber || $0 == "." } ? (field, text) : nil
        try advance()
        return values
    }
}

extension SearchCondition {
    /// The same condition in its one form: a list of one is no list, several values of a family are one.
    fileprivate var canonical: SearchCondition {
        let isList = values.count > 1
        let comparison: SearchComparison =
            switch self.comparison {
            case .equal, .among: isList ? .among : .equal
            case .unequal, .notAmong: isList ? .notAmong : .unequal
            case .less, .lessOrEqual, .greater, .greaterOrEqual: self.comparison
            }
        return SearchCondition(field: field, comparison: comparison, values: values)
    }
}
