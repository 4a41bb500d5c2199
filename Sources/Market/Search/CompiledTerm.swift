/// A term made ready for one table.
///
/// Recursion ends at `SearchQuery.depthMax`.
indirect enum CompiledTerm {
    case condition(CompiledCondition)
    case alternatives([[CompiledTerm]], text: String)

    init(_ term: SearchQuery.Term, table: SearchTable, context: SearchContext) {
        switch term {
        case .condition(let condition):
            self = .condition(CompiledCondition(condition, table: table, context: context))
        case .alternatives(let alternatives):
            let compiled = alternatives.map { $0.map { CompiledTerm($0, table: table, context: context) } }
            self = .alternatives(compiled, text: term.description)
        }
    }

    /// The verdict of every row, in the table's order.
    func verdicts(in table: SearchTable) -> [SearchVerdict] {
        switch self {
        case .condition(let condition): return condition.verdicts(in: table)
        case .alternatives(let alternatives, _):
            var any = [SearchVerdict](repeating: .fails, count: table.rowCount)
            for terms in alternatives {
                var all = [SearchVerdict](repeating: .passes, count: table.rowCount)
                for term in terms { Self.conjoin(&all, with: term.verdicts(in: table)) }
                for row in any.indices where any[row] != .passes && all[row] != .fails { any[row] = all[row] }
            }
            return any
        }
    }

    /// All hold: one that fails decides, else one that is unknown.
    private static func conjoin(_ all: inout [SearchVerdict], with verdicts: [SearchVerdict]) {
        for row in all.indices where all[row] != .fails && verdicts[row] != .passes { all[row] = verdicts[row] }
    }

    func distance(ofRow row: Int, in table: SearchTable) -> Int64 {
        switch self {
        case .condition(let condition): condition.distance(ofRow: row, in: table)
        case .alternatives: CompiledCondition.wholeMiss
        }
    }

    func shortfall(ofRow row: Int, in table: SearchTable, context: SearchContext) -> SearchShortfall {
        switch self {
        case .condition(let condition): condition.shortfall(ofRow: row, in: table, context: context)
        case .alternatives(_, let text): SearchShortfall(term: text, found: "", gap: nil)
        }
    }
}
