internal import Cryptography
internal import Primitives

/// The order of a request's rows: one number a row, made of a few integers, with what repeats worked out beforehand.
///
/// Amounts are exact to a thousand-millionth of the unit, rounded down, and saturate at 64 bits.
struct SearchRanking {
    /// What a row's amount is multiplied and divided by, for one kind of GPU; `nil` where a figure is missing.
    private struct Factor {
        var multiplier: Int128
        var divisor: Int128
        var boardMilliwatts: Int64?
    }

    private static let nano = 1_000_000_000

    private let table: SearchTable
    private let request: SearchRequest
    private let context: SearchContext
    private let factors: [Factor?]
    private let fits: [SearchVerdict]
    private let providerAmounts: [Int64?]
    private let unit: Int64?

    init(table: SearchTable, request: SearchRequest, context: SearchContext) {
        self.table = table
        self.request = request
        self.context = context
        unit = table.units.firstIndex(of: request.priceUnit).map(Int64.init)
        factors = table.hardware.map { Self.factor(of: $0, table.catalogue, request) }
        fits = table.hardware.map { Self.fit(of: $0, table.catalogue, request) }
        providerAmounts = table.providers.map { Self.amount(of: $0, request.sort.key, context) }
    }

    /// The number that the row is ordered by; `nil` if it is not known.
    func amount(ofRow row: Int) -> Int64? {
        switch request.sort.key {
        case .price:
            guard table.value(.unit, row) == unit else { return nil }
            return Quote.total(table: table, row: row, request: request)
        case .pricePerFP32, .pricePerFP16, .pricePerGB, .pricePerBandwidth, .pricePerMegatoken:
            guard table.value(.unit, row) == unit, let factor = factor(ofRow: row) else { return nil }
            return Self.amount(Quote.total(table: table, row: row, request: request), factor, times: 1)
        case .kilowattHoursPerMegatoken, .gramsCO2PerMegatoken: return energy(ofRow: row)
        case .roundTrip, .trust: return providerAmounts[Int(table.value(.provider, row))]
        case .age: return SearchTable.seconds(from: table.value(.heardAt, row), to: context.now)
        }
    }

    /// Whether the request's model fits the GPUs that the row is quoted for; `unknown` where no memory is stated.
    func fit(ofRow row: Int) -> SearchVerdict { fits[Int(table.value(.hardware, row))] }

    /// The row's amount in words and with its marks.
    func rank(ofRow row: Int) -> SearchRank {
        guard let amount = amount(ofRow: row) else { return .unknown(reason(ofRow: row)) }
        let (scale, text) = scaleAndUnit
        return .known(SearchRank.Amount(count: amount, scale: scale, unit: text), marks: marks(ofRow: row))
    }

    private static func fit(
        of hardware: SearchTable.Hardware,
        _ catalogue: Catalogue,
        _ request: SearchRequest
    ) -> SearchVerdict {
        guard let workload = request.sort.key.workload else { return .passes }
        guard let memory = hardware.memoryMebibytes(in: catalogue) else { return .unknown }
        let (total, overflow) = (memory / 1_024).multipliedReportingOverflow(by: request.gpuCount)
        return SearchVerdict(overflow || workload.fits(memoryGB: total))
    }

    private func factor(ofRow row: Int) -> Factor? { factors[Int(table.value(.hardware, row))] }

    private func energy(ofRow row: Int) -> Int64? {
        guard let factor = factor(ofRow: row) else { return nil }
        let stated = table.value(.milliwatts, row)
        guard let milliwatts = stated == SearchTable.unknown ? factor.boardMilliwatts : stated else { return nil }
        guard case .gramsCO2PerMegatoken = request.sort.key else { return Self.amount(milliwatts, factor, times: 1) }
        let grams = table.value(.gramsPerKilowattHour, row)
        guard grams != SearchTable.unknown else { return nil }
        return Self.amount(milliwatts, factor, times: grams)
    }

    private static func amount(_ count: Int64, _ factor: Factor, times other: Int64) -> Int64 {
        let (product, overflow) = (Int128(count) * Int128(other)).multipliedReportingOverflow(by: factor.multiplier)
        return overflow ? .max : Int64(clamping: product / factor.divisor)
    }

    private static func amount(
        of provider: Ed25519.PublicKey,
        _ key: SearchSortKey,
        _ context: SearchContext
    ) -> Int64? {
        switch key {
        case .roundTrip: context.roundTrips[provider].map { max(0, $0.saturatedNanoseconds / 1_000) }
        case .trust: context.trust[provider].map { Int64($0.count) }
        case .price, .pricePerFP32, .pricePerFP16, .pricePerGB, .pricePerBandwidth, .pricePerMegatoken,
            .kilowattHoursPerMegatoken, .gramsCO2PerMegatoken, .age:
            nil
        }
    }

    /// Millionths of the unit become thousand-millionths: a factor of 1,000 in every price.
    private static func factor(
        of hardware: SearchTable.Hardware,
        _ catalogue: Catalogue,
        _ request: SearchRequest
    ) -> Factor? {
        func number(_ field: SearchField) -> Int128? {
            hardware.number(field, in: catalogue).flatMap { $0 > 0 ? Int128($0) : nil }
        }
        let gpus = Int128(request.gpuCount)
        switch request.sort.key {
        case .price, .roundTrip, .trust, .age: return nil
        case .pricePerFP32: return number(.fp32).map { Factor(multiplier: 1_000_000, divisor: $0 * gpus) }
        case .pricePerFP16: return number(.fp16).map { Factor(multiplier: 1_000_000, divisor: $0 * gpus) }
        case .pricePerGB: return number(.memory).map { Factor(multiplier: 1_024_000, divisor: $0 * gpus) }
        case .pricePerBandwidth: return number(.bandwidth).map { Factor(multiplier: 1_000_000, divisor: $0 * gpus) }
        case .pricePerMegatoken(let workload):
            // Tokens/s = bandwidth ÷ weights; 3,600 s an hour, 10^6 tokens; bandwidth in MB/s, weights in kB.
            return number(.bandwidth).map {
                Factor(multiplier: Int128(workload.kilobytes) * 1_000_000, divisor: $0 * gpus * 3_600)
            }
        case .kilowattHoursPerMegatoken(let workload), .gramsCO2PerMegatoken(let workload):
            // The count of GPUs cancels: each draws its power and adds its bandwidth.
            return number(.bandwidth).map {
                Factor(
                    multiplier: Int128(workload.kilobytes) * 1_000_000,
                    divisor: $0 * 3_600,
                    boardMilliwatts: hardware.number(.tdp, in: catalogue)
                )
            }
        }
    }

    private var scaleAndUnit: (scale: Int, unit: String) {
        let unit = request.priceUnit
        return switch request.sort.key {
        case .price: (1_000_000, "\(unit)/h")
        case .pricePerFP32, .pricePerFP16: (Self.nano, "\(unit)/TFLOPS-h")
        case .pricePerGB: (Self.nano, "\(unit)/GB-h")
        case .pricePerBandwidth: (Self.nano, "\(unit)/(GB/s)-h")
        case .pricePerMegatoken: (Self.nano, "\(unit)/Mtok")
        case .kilowattHoursPerMegatoken: (Self.nano, "kWh/Mtok")
        case .gramsCO2PerMegatoken: (Self.nano, "gCO2/Mtok")
        case .roundTrip: (1_000, "ms")
        case .trust: (1_000, "trust")
        case .age: (1, "s")
        }
    }

    private func marks(ofRow row: Int) -> [SearchRank.Mark] {
        switch request.sort.key {
        case .price, .roundTrip, .trust, .age: return []
        case .pricePerFP32, .pricePerGB, .pricePerBandwidth, .pricePerMegatoken: return [.claimed]
        case .pricePerFP16:
            return table.model(ofRow: row)?.fp16TFLOPS?.isTensor == true ? [.claimed] : [.claimed, .vector]
        case .kilowattHoursPerMegatoken, .gramsCO2PerMegatoken:
            return table.value(.milliwatts, row) == SearchTable.unknown ? [.claimed, .boardPower] : [.claimed]
        }
    }

    private func reason(ofRow row: Int) -> SearchRank.Reason {
        switch request.sort.key {
        case .roundTrip: return .notMeasured
        case .trust: return .noTrust
        case .kilowattHoursPerMegatoken, .gramsCO2PerMegatoken:
            guard let factor = factor(ofRow: row) else { return .noFigure("bandwidth") }
            let hasPower = table.value(.milliwatts, row) != SearchTable.unknown || factor.boardMilliwatts != nil
            return hasPower ? .noEmissions : .noFigure("power")
        case .price, .age, .pricePerFP32, .pricePerFP16, .pricePerGB, .pricePerBandwidth, .pricePerMegatoken:
            guard table.value(.unit, row) == unit else { return .otherUnit(table.unit(ofRow: row)) }
            return .noFigure(figureName)
        }
    }

    private var figureName: String {
        switch request.sort.key {
        case .pricePerFP32: "fp32"
        case .pricePerFP16: "fp16"
        case .pricePerGB: "memory"
        case .price, .roundTrip, .trust, .age, .pricePerBandwidth, .pricePerMegatoken, .kilowattHoursPerMegatoken,
            .gramsCO2PerMegatoken:
            "bandwidth"
        }
    }
}
