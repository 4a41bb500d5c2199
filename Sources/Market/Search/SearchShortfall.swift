/// By how much one row misses one term of a query.
public struct SearchShortfall: Hashable, Sendable, CustomStringConvertible {
    /// The term, in canonical text.
    public let term: String
    /// What the row says instead; empty for alternatives, of which none holds.
    public let found: String
    /// The distance in the field's unit, such as `0.05USD too much`; `nil` where no number says it.
    public let gap: String?

    public var description: String {
        guard !found.isEmpty else { return "\(term): no alternative holds" }
        return gap.map { "\(term): \(found), \($0)" } ?? "\(term): \(found)"
    }
}

extension CompiledCondition {
    /// A miss without a number counts as one whole: as far off as twice the price.
    static let wholeMiss: Int64 = 1_000

    /// How far a row that does not pass is from passing, in thousandths of what is asked; at most a million times.
    func distance(ofRow row: Int, in table: SearchTable) -> Int64 {
        guard let gap = gap(ofRow: row, in: table) else { return Self.wholeMiss }
        let share = Int128(gap.missing) * 1_000 / Int128(max(1, gap.asked))
        return Int64(clamping: min(max(1, share), Int128(Self.wholeMiss) * 1_000_000))
    }

    func shortfall(ofRow row: Int, in table: SearchTable, context: SearchContext) -> SearchShortfall {
        let gap = gap(ofRow: row, in: table).flatMap { gap in
            amountText(gap.missing, row: row, in: table).map { $0 + (gap.isTooSmall ? " too little" : " too much") }
        }
        let found = table.text(of: condition.field, row: row, context: context)
        return SearchShortfall(term: condition.description, found: found, gap: gap)
    }

    private func gap(ofRow row: Int, in table: SearchTable) -> (missing: Int64, asked: Int64, isTooSmall: Bool)? {
        let asked: SearchBounds
        var low: Int64
        var high: Int64
        switch test {
        case .numbers(let column, let bounds):
            low = table.value(column, row)
            (asked, high) = (bounds, low)
        case .age(let bounds, let now):
            low = SearchTable.seconds(from: table.value(.heardAt, row), to: now)
            (asked, high) = (bounds, low)
        case .duration(let bounds):
            (asked, low, high) = (bounds, table.value(.durationMin, row), table.value(.durationMax, row))
        case .price(let prices):
            let unit = table.value(.unit, row)
            guard let price = prices.first(where: { $0.unit == unit }) else { return nil }
            low = table.value(.priceMicros, row)
            (asked, high) = (price.bounds, low)
        case .lookup(.hardware, _):
            guard case .quantity = condition.field.kind,
                let number = table.hardware(ofRow: row).number(condition.field, in: table.catalogue)
            else { return nil }
            let numbers = condition.values.compactMap { value -> Int64? in
                guard case .number(let number) = value else { return nil }
                return Int64(number)
            }
            (asked, low, high) = (SearchBounds(condition.comparison, numbers), number, number)
        case .lookup, .liveness, .silence, .interruptible, .offerPrefix, .machinePrefix, .nothingKnown: return nil
        }
        guard let distance = asked.distance(from: low, through: high), distance.missing > 0 else { return nil }
        let edge =
            distance.isTooSmall ? high.addingReportingOverflow(distance.missing).partialValue : low - distance.missing
        return (distance.missing, max(1, edge), distance.isTooSmall)
    }

    private func amountText(_ amount: Int64, row: Int, in table: SearchTable) -> String? {
        switch condition.field.kind {
        // A version has no distance that a reader could use: 0.4 between 8.6 and 9.0 means nothing.
        case .quantity(.capability): nil
        case .quantity(let quantity): quantity.text(Int(amount))
        case .money: PriceUnit.text(micros: Int(amount), unit: table.unit(ofRow: row))
        case .model, .choice, .text, .country, .continent, .unit, .flag, .peerPrefix, .idPrefix: nil
        }
    }
}
