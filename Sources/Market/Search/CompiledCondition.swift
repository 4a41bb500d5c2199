internal import Identity

/// A condition made ready for one table: what repeats is decided beforehand, so that a row costs a lookup or a comparison.
struct CompiledCondition {
    enum Test {
        /// A verdict for each number that the column may hold.
        case lookup(SearchTable.Column, [SearchVerdict])
        case numbers(SearchTable.Column, SearchBounds)
        /// Seconds since the row was heard of.
        case age(SearchBounds, now: Int64)
        case price([(unit: Int64, bounds: SearchBounds)])
        /// Whether the offer accepts a duration that passes.
        case duration(SearchBounds)
        case liveness(Bool, now: Int64)
        case silence(Bool, now: Int64)
        case interruptible(Bool)
        case offerPrefix([IDPrefix], isNegated: Bool)
        case machinePrefix([IDPrefix], isNegated: Bool)
        case nothingKnown
    }

    let condition: SearchCondition
    let test: Test

    init(_ condition: SearchCondition, table: SearchTable, context: SearchContext) {
        self.condition = condition
        test = Self.test(condition, table: table, context: context)
    }

    /// The verdict of every row, in the table's order.
    func verdicts(in table: SearchTable) -> [SearchVerdict] {
        let rows = 0..<table.rowCount
        switch test {
        case .lookup(let column, let verdicts): return table[column].map { Self.found($0, in: verdicts) }
        case .numbers(let column, let bounds): return table[column].map { bounds.verdict($0) }
        case .age(let bounds, let now):
            return table[.heardAt].map { bounds.verdict(SearchTable.seconds(from: $0, to: now)) }
        case .price(let asked):
            let (units, prices) = (table[.unit], table[.priceMicros])
            return rows.map { Self.verdict(ofPrice: prices[$0], unit: units[$0], asked: asked, condition.comparison) }
        case .duration(let bounds):
            let (shortest, longest) = (table[.durationMin], table[.durationMax])
            return rows.map { bounds.verdict(from: shortest[$0], through: longest[$0]) }
        case .liveness(let wanted, let now):
            return table[.liveness].map { SearchVerdict(($0 > now) == wanted) }
        case .silence(let wanted, let now):
            return table[.heardAt].map { heardAt in
                SearchVerdict(
                    (SearchTable.milliseconds(from: heardAt, to: now) > Listing.silenceMilliseconds) == wanted
                )
            }
        case .interruptible(let wanted): return table[.isInterruptible].map { SearchVerdict(($0 == 1) == wanted) }
        case .offerPrefix(let prefixes, let isNegated):
            return table.listings.map { Self.verdict(of: $0.offer.offer.bytes, prefixes, isNegated) }
        case .machinePrefix(let prefixes, let isNegated):
            return table.listings.map { Self.verdict(of: $0.offer.machine.bytes, prefixes, isNegated) }
        case .nothingKnown: return Array(repeating: .unknown, count: table.rowCount)
        }
    }

    private static func verdict(of id: [UInt8], _ prefixes: [IDPrefix], _ isNegated: Bool) -> SearchVerdict {
        SearchVerdict(prefixes.contains { $0.begins(id) } != isNegated)
    }

    private static func found(_ value: Int64, in verdicts: [SearchVerdict]) -> SearchVerdict {
        value == SearchTable.unknown ? .unknown : verdicts[Int(value)]
    }

    private static func verdict(
        ofPrice price: Int64,
        unit: Int64,
        asked: [(unit: Int64, bounds: SearchBounds)],
        _ comparison: SearchComparison
    ) -> SearchVerdict {
        // No oracle converts units: a price in another unit is neither above nor below.
        var verdict = SearchVerdict.unknown
        for asked in asked where asked.unit == unit {
            verdict = asked.bounds.verdict(price)
            if (verdict == .passes) != comparison.isNegated { return verdict }
        }
        return verdict
    }
}

extension CompiledCondition {
    private static func test(_ condition: SearchCondition, table: SearchTable, context: SearchContext) -> Test {
        switch condition.field {
        case .gpu, .class, .vendor, .arch, .memory, .cuda, .bandwidth, .fp32, .fp16, .tdp:
            return .lookup(.hardware, table.hardware.map { verdict(of: $0, condition, table.catalogue) })
        case .country: return .lookup(.place, table.places.map { verdict(stated: $0.country, condition) })
        case .continent: return .lookup(.place, table.places.map { verdict(stated: $0.continent, condition) })
        case .city: return .lookup(.place, table.places.map { verdict(stated: $0.city.lowercased(), condition) })
        case .unit: return .lookup(.unit, table.units.map { verdict(stated: $0, condition) })
        case .runtime: return .lookup(.runtimes, table.runtimes.map { verdict(ofRuntimes: $0, condition) })
        case .provider:
            return .lookup(.provider, table.providers.map { verdict(prefixing: PeerID(publicKey: $0), condition) })
        case .trust:
            guard !context.trust.isEmpty else { return .nothingKnown }
            let bounds = bounds(condition)
            return .lookup(
                .provider,
                table.providers.map { context.trust[$0].map { bounds.verdict(Int64($0.count)) } ?? .unknown }
            )
        case .reach: return .lookup(.reach, reachVerdicts(condition))
        case .price: return .price(prices(condition, table: table))
        case .age: return .age(bounds(condition), now: context.now)
        case .duration: return .duration(bounds(condition))
        case .live: return .liveness(wanted(condition), now: context.now)
        case .silent: return .silence(wanted(condition), now: context.now)
        case .interruptible: return .interruptible(wanted(condition))
        case .offer: return .offerPrefix(texts(condition).map(IDPrefix.init), isNegated: condition.comparison.isNegated)
        case .machine:
            return .machinePrefix(texts(condition).map(IDPrefix.init), isNegated: condition.comparison.isNegated)
        case .count, .min, .max, .power, .disk, .ram, .cores, .down, .up:
            return .numbers(condition.field.column, bounds(condition))
        }
    }

    private static func texts(_ condition: SearchCondition) -> [String] {
        condition.values.compactMap { value in
            guard case .text(let text) = value else { return nil }
            return text
        }
    }

    private static func bounds(_ condition: SearchCondition) -> SearchBounds {
        let numbers = condition.values.compactMap { value -> Int64? in
            guard case .number(let number) = value else { return nil }
            return Int64(number)
        }
        return SearchBounds(condition.comparison, numbers)
    }

    private static func prices(
        _ condition: SearchCondition,
        table: SearchTable
    ) -> [(unit: Int64, bounds: SearchBounds)] {
        condition.values.compactMap { value in
            guard case .money(let micros, let unit) = value, let index = table.units.firstIndex(of: unit) else {
                return nil
            }
            return (Int64(index), SearchBounds(condition.comparison, [Int64(micros)]))
        }
    }

    private static func wanted(_ condition: SearchCondition) -> Bool {
        condition.values.contains(.flag(true)) != condition.comparison.isNegated
    }

    private static func verdict(stated text: String, _ condition: SearchCondition) -> SearchVerdict {
        guard !text.isEmpty else { return .unknown }
        return SearchVerdict(condition.values.contains(.text(text)) != condition.comparison.isNegated)
    }

    private static func verdict(prefixing peer: PeerID, _ condition: SearchCondition) -> SearchVerdict {
        let forms = [peer.description, peer.cidText]
        let isNamed = texts(condition).contains { prefix in forms.contains { $0.hasPrefix(prefix) } }
        return SearchVerdict(isNamed != condition.comparison.isNegated)
    }

    private static func verdict(ofRuntimes runtimes: [String], _ condition: SearchCondition) -> SearchVerdict {
        guard !runtimes.isEmpty else { return .unknown }
        let isOffered = runtimes.contains { condition.values.contains(.text($0.lowercased())) }
        return SearchVerdict(isOffered != condition.comparison.isNegated)
    }

    /// A verdict for each raw value of `MachineBody.Reach`, which begins at one.
    private static func reachVerdicts(_ condition: SearchCondition) -> [SearchVerdict] {
        [.unknown] + MachineBody.Reach.allCases.map { verdict(stated: $0.name, condition) }
    }

    private static func verdict(
        of hardware: SearchTable.Hardware,
        _ condition: SearchCondition,
        _ catalogue: Catalogue
    ) -> SearchVerdict {
        switch condition.field.kind {
        case .quantity:
            bounds(condition).verdict(hardware.number(condition.field, in: catalogue) ?? SearchTable.unknown)
        default: verdict(stated: hardware.text(condition.field, in: catalogue) ?? "", condition)
        }
    }
}
