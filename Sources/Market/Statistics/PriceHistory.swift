internal import OrderedCollections
internal import Primitives

/// What GPUs cost on each of the last days, as one node saw it: three quantiles a day and series.
///
/// Offers leave nothing behind when their price changes, so whoever wants a history must write one. It is small enough to be
/// written whole.
public struct PriceHistory: Hashable, Sendable {
    public static let dayCountMax = 90
    /// Twice the catalogue, in several units; of more the ones that were seen last stay.
    public static let seriesCountMax = 256
    /// What one byte string may decode to.
    static let byteCountMax = 4 << 20

    private(set) var series: OrderedDictionary<PriceSeriesKey, [PriceDay]> = [:]

    public init() {}

    /// The days of a series that are known, ascending.
    public func days(of key: PriceSeriesKey) -> [PriceDay] { series[key] ?? [] }

    public var keys: [PriceSeriesKey] { Array(series.keys) }

    /// Notes the prices of a moment: they stand for their day until the next sample of the day.
    ///
    /// Leases speak for the day on which they began, which may be an earlier one.
    public mutating func note(_ sample: PriceSample) {
        for key in sample.keys {
            let asked = sample.askedQuantiles(of: key)
            var days = Dictionary(uniqueKeysWithValues: days(of: key).map { ($0.day, $0) })
            for (day, leased) in sample.leasedDays(of: key) {
                days[day] = PriceDay(day: day, asked: days[day]?.asked, leased: leased)
            }
            if let asked {
                days[sample.day] = PriceDay(day: sample.day, asked: asked, leased: days[sample.day]?.leased)
            }
            // Named again, so that the series stands among those seen last.
            series[key] = nil
            series[key] = days.values.sorted { $0.day < $1.day }
        }
        let oldest = sample.day - Int64(Self.dayCountMax)
        for key in series.keys { series[key]?.removeAll { $0.day <= oldest || $0.day > sample.day } }
        series.removeAll { $0.value.isEmpty }
        if series.count > Self.seriesCountMax { series.removeFirst(series.count - Self.seriesCountMax) }
    }

    // MARK: Bytes

    /// The bytes under which a node keeps it.
    public var encoded: [UInt8] {
        var writer = ProtobufWriter()
        for (key, days) in series {
            writer.message(1) { writer in
                writer.text(1, key.gpu)
                writer.text(2, key.unit)
                writer.packedVarints(3, days.flatMap(Self.numbers))
            }
        }
        return writer.bytes
    }

    /// Reads what `encoded` wrote; what is damaged is a history that nobody has.
    public init(decoding bytes: [UInt8]) {
        guard bytes.count <= Self.byteCountMax,
            let message = try? ParsedMessage(bytes, fieldCountMax: Self.seriesCountMax),
            let found = try? message.repeated(1, "series", countMax: Self.seriesCountMax, max: Self.byteCountMax)
        else { return }
        for bytes in found {
            guard let (key, days) = try? Self.series(bytes) else {
                series = [:]
                return
            }
            series[key] = days
        }
    }

    private static let numbersPerDay = 9

    private static func numbers(of day: PriceDay) -> [UInt64] {
        func numbers(_ quantiles: PriceQuantiles?) -> [UInt64] {
            guard let quantiles else { return [0, 0, 0, 0] }
            return [Int64(quantiles.count), quantiles.p10, quantiles.median, quantiles.p90].map { UInt64(clamping: $0) }
        }
        return [UInt64(clamping: day.day)] + numbers(day.asked) + numbers(day.leased)
    }

    private static func series(_ bytes: [UInt8]) throws(RecordError) -> (PriceSeriesKey, [PriceDay]) {
        let message = try ParsedMessage(bytes)
        let key = PriceSeriesKey(
            gpu: try message.text(1, "series.gpu", max: MachineBody.Bounds.catalogueIDByteCountMax),
            unit: try message.text(2, "series.unit", max: PriceTerms.Bounds.unitByteCountMax)
        )
        let packed = try message.packed(3, "series.days", countMax: numbersPerDay * dayCountMax)
        var numbers: [Int] = []
        for value in packed {
            guard let number = value.int(in: 0...Int(RecordAmount.microsMax)) else { throw .outOfBounds("series.days") }
            numbers.append(number)
        }
        guard numbers.count.isMultiple(of: numbersPerDay) else { throw .outOfBounds("series.days") }
        let days = stride(from: 0, to: numbers.count, by: numbersPerDay).map { start in
            func quantiles(_ at: Int) -> PriceQuantiles? {
                let rest = numbers[(start + at)...].prefix(4).map(Int64.init)
                return PriceQuantiles(count: Int(rest[0]), p10: rest[1], median: rest[2], p90: rest[3])
            }
            return PriceDay(day: Int64(numbers[start]), asked: quantiles(1), leased: quantiles(5))
        }
        return (key, days)
    }
}
