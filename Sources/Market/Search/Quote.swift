/// What a request would cost at an offer, per hour, in millionths of the offer's unit.
///
/// Sums saturate: a price beyond 64 bits is "too much", not a trap.
public struct Quote: Hashable, Sendable {
    /// A month of storage has 30 days.
    static let hoursPerMonth = 720

    public let unit: String
    /// How many GPUs it is for.
    public let gpuCount: Int
    public let gpuMicros: Int64
    public let storageMicros: Int64
    public let trafficMicros: Int64
    public let totalMicros: Int64

    init(table: SearchTable, row: Int, request: SearchRequest) {
        unit = table.unit(ofRow: row)
        gpuCount = request.gpuCount
        gpuMicros = Self.scaled(table.value(.priceMicros, row), by: gpuCount, over: 1)
        storageMicros = Self.scaled(
            table.value(.storageMicros, row),
            by: request.diskGibibytes,
            over: Self.hoursPerMonth
        )
        trafficMicros = Self.scaled(table.value(.trafficMicros, row), by: request.trafficGibibytes, over: request.hours)
        totalMicros = Self.total(table: table, row: row, request: request)
    }

    /// The total alone, for ranking.
    static func total(table: SearchTable, row: Int, request: SearchRequest) -> Int64 {
        var total = Int128(table.value(.priceMicros, row)) * Int128(request.gpuCount)
        if request.diskGibibytes > 0 {
            total += quotient(table.value(.storageMicros, row), by: request.diskGibibytes, over: Self.hoursPerMonth)
        }
        if request.trafficGibibytes > 0 {
            total += quotient(table.value(.trafficMicros, row), by: request.trafficGibibytes, over: request.hours)
        }
        return Int64(clamping: total)
    }

    private static func scaled(_ micros: Int64, by factor: Int, over divisor: Int) -> Int64 {
        Int64(clamping: quotient(micros, by: factor, over: divisor))
    }

    /// Rounded up to a whole micro; the divisor is positive.
    private static func quotient(_ micros: Int64, by factor: Int, over divisor: Int) -> Int128 {
        let product = Int128(micros) * Int128(factor)
        let (whole, rest) = product.quotientAndRemainder(dividingBy: Int128(divisor))
        return whole + (rest > 0 ? 1 : 0)
    }
}
