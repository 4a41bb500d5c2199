extension SearchTable {
    /// Carries out a request over the table's rows.
    ///
    /// The order is total: the sort key, unknown last in either direction, then (provider, offer id).
    public func search(_ request: SearchRequest, context: SearchContext) -> SearchResult {
        var run = SearchRun(table: self, request: request, context: context)
        return run.result()
    }
}

/// One search from the first condition to the last row.
struct SearchRun {
    private let table: SearchTable
    private let request: SearchRequest
    private let context: SearchContext
    private let ranking: SearchRanking
    private var steps: [SearchExplanation.Step] = []
    /// How many terms each row misses.
    private var missCounts: [UInt8]
    /// The rows that passed every term so far, ascending.
    private var survivors: [Int]

    init(table: SearchTable, request: SearchRequest, context: SearchContext) {
        (self.table, self.request, self.context) = (table, request, context)
        ranking = SearchRanking(table: table, request: request, context: context)
        missCounts = Array(repeating: 0, count: table.rowCount)
        survivors = Array(0..<table.rowCount)
    }

    mutating func result() -> SearchResult {
        var terms: [CompiledTerm] = []
        for term in request.query.terms {
            let compiled = CompiledTerm(term, table: table, context: context)
            apply(compiled.verdicts(in: table), text: term.description)
            terms.append(compiled)
        }
        let nearestMiss = nearestMiss(terms)
        applyModelFit()
        let rows = ordered().prefix(request.limit).map { row(Int($0.row)) }
        let explanation = SearchExplanation(
            rowCount: table.rowCount,
            steps: steps,
            nearestMiss: nearestMiss,
            notes: notes()
        )
        return SearchResult(
            rows: rows,
            matchCount: survivors.count,
            effectiveQuery: request.query.description,
            effectiveSort: request.sort.description,
            explanation: explanation
        )
    }

    private mutating func apply(_ verdicts: [SearchVerdict], text: String) {
        var passCount = 0
        var unknownCount = 0
        for row in verdicts.indices {
            switch verdicts[row] {
            case .passes: passCount += 1
            case .fails: missCounts[row] += 1
            case .unknown:
                unknownCount += 1
                missCounts[row] += 1
            }
        }
        survivors.removeAll { verdicts[$0] != .passes }
        steps.append(
            SearchExplanation.Step(
                term: text,
                passCount: passCount,
                unknownCount: unknownCount,
                survivorCount: survivors.count
            )
        )
    }

    /// A request for tokens rejects what does not fit; the step says so, because nothing is filtered silently.
    private mutating func applyModelFit() {
        guard let workload = request.sort.key.workload else { return }
        let verdicts = (0..<table.rowCount).map { ranking.fit(ofRow: $0) }
        let size = "\(workload.parametersText) parameters of \(workload.bytesPerParameter) bytes"
        apply(verdicts, text: "fits \(size) with 20 % to spare")
    }

    /// A row's place in the order.
    ///
    /// Rows stand in the order of their ids, so the row number settles ties.
    private struct Place: Comparable {
        let isUnknown: Bool
        let amount: Int64
        let row: Int32

        static func < (left: Place, right: Place) -> Bool {
            if left.isUnknown != right.isUnknown { return right.isUnknown }
            if left.amount != right.amount { return left.amount < right.amount }
            return left.row < right.row
        }
    }

    private func ordered() -> [Place] {
        let isDescending = request.sort.isDescending
        var places: [Place] = []
        places.reserveCapacity(survivors.count)
        for row in survivors {
            let amount = ranking.amount(ofRow: row)
            // Complemented, not negated: the smallest integer has no negative.
            let key = isDescending ? ~(amount ?? 0) : amount ?? 0
            places.append(Place(isUnknown: amount == nil, amount: amount == nil ? 0 : key, row: Int32(clamping: row)))
        }
        places.sort()
        return places
    }

    private func row(_ row: Int) -> SearchRow {
        let listing = table.listings[row]
        return SearchRow(
            listing: listing,
            model: table.model(ofRow: row),
            quote: Quote(table: table, row: row, request: request),
            rank: ranking.rank(ofRow: row),
            liveness: listing.liveness(at: context.now),
            ageSeconds: SearchTable.seconds(from: listing.heardAt, to: context.now)
        )
    }

    private func nearestMiss(_ terms: [CompiledTerm]) -> SearchExplanation.NearestMiss? {
        guard let fewest = missCounts.lazy.filter({ $0 > 0 }).min() else { return nil }
        let rows = missCounts.indices.filter { missCounts[$0] == fewest }
        let verdicts = terms.map { $0.verdicts(in: table) }
        func misses(_ row: Int) -> [CompiledTerm] {
            terms.indices.filter { verdicts[$0][row] != .passes }.map { terms[$0] }
        }
        var best: (distance: Int64, row: Int)?
        for row in rows {
            var distance: Int64 = 0
            for (term, verdicts) in zip(terms, verdicts) where verdicts[row] != .passes {
                distance += term.distance(ofRow: row, in: table)
            }
            if best.map({ distance < $0.distance }) ?? true { best = (distance, row) }
        }
        guard let row = best?.row else { return nil }
        let shortfalls = misses(row).map { $0.shortfall(ofRow: row, in: table, context: context) }
        return SearchExplanation.NearestMiss(id: table.listings[row].id, shortfalls: shortfalls)
    }

    private func notes() -> [String] {
        var notes: [String] = []
        let asksPrice = steps.contains { $0.term.contains("price") } || request.sort.key.isPrice
        if asksPrice {
            var counts = [Int](repeating: 0, count: table.units.count)
            for unit in table[.unit] { counts[Int(unit)] += 1 }
            for (unit, count) in zip(table.units, counts) where unit != request.priceUnit {
                notes.append(
                    "\(count) of \(table.rowCount) rows are priced in \(unit) and do not compare with \(request.priceUnit)"
                )
            }
            notes.sort()
        }
        let asksTrust = steps.contains { $0.term.contains("trust") } || request.sort.key == .trust
        if asksTrust, context.trust.isEmpty { notes.append("trust is not known for any provider yet") }
        return notes
    }
}

extension SearchSortKey {
    fileprivate var isPrice: Bool {
        switch self {
        case .price, .pricePerFP32, .pricePerFP16, .pricePerGB, .pricePerBandwidth, .pricePerMegatoken: true
        case .kilowattHoursPerMegatoken, .gramsCO2PerMegatoken, .roundTrip, .trust, .age: false
        }
    }
}
