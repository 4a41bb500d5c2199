/// A kind of measure: which units a query may write it in, and the whole number that it is compared as.
enum Quantity: Hashable {
    /// Pieces.
    case count
    /// Memory, disk: compared in MiB. GB and GiB mean the same here, because a "24 GB" card holds 24 GiB.
    case size
    /// Seconds.
    case time
    /// Memory bandwidth, in MB/s.
    case memoryRate
    /// Thousandths of a TFLOPS.
    case computeRate
    /// Milliwatts.
    case power
    /// Network, in kbit/s.
    case networkRate
    /// Thousandths of one, 0 … 1.
    case share
    /// Major × 100 + minor.
    case capability

    struct Unit {
        let name: String
        /// How many base units make one.
        let size: Int
        /// Whether the unit may be left out.
        var isDefault = false
        /// Whether the canonical text may use it.
        var isCanonical = true
    }

    /// Larger units first: the canonical text uses the first that divides the value.
    var units: [Unit] {
        switch self {
        case .count: [Unit(name: "", size: 1, isDefault: true)]
        case .size:
            [
                Unit(name: "TB", size: 1_048_576), Unit(name: "GB", size: 1_024, isDefault: true),
                Unit(name: "MB", size: 1),
                Unit(name: "TiB", size: 1_048_576, isCanonical: false),
                Unit(name: "GiB", size: 1_024, isCanonical: false),
                Unit(name: "MiB", size: 1, isCanonical: false),
            ]
        case .time:
            [
                Unit(name: "w", size: 604_800, isCanonical: false), Unit(name: "d", size: 86_400),
                Unit(name: "h", size: 3_600),
                Unit(name: "m", size: 60), Unit(name: "s", size: 1), Unit(name: "min", size: 60, isCanonical: false),
            ]
        case .memoryRate:
            [
                Unit(name: "GB/s", size: 1_000, isDefault: true), Unit(name: "MB/s", size: 1),
                Unit(name: "TB/s", size: 1_000_000, isCanonical: false),
                Unit(name: "GBps", size: 1_000, isCanonical: false),
                Unit(name: "TBps", size: 1_000_000, isCanonical: false),
            ]
        case .computeRate:
            [
                Unit(name: "TFLOPS", size: 1_000, isDefault: true),
                Unit(name: "PFLOPS", size: 1_000_000, isCanonical: false),
            ]
        case .power:
            [Unit(name: "W", size: 1_000, isDefault: true), Unit(name: "kW", size: 1_000_000, isCanonical: false)]
        case .networkRate:
            [
                Unit(name: "Mbps", size: 1_000, isDefault: true), Unit(name: "kbps", size: 1),
                Unit(name: "Gbps", size: 1_000_000, isCanonical: false),
            ]
        case .share: [Unit(name: "", size: 1_000, isDefault: true)]
        case .capability: [Unit(name: "", size: 1, isDefault: true)]
        }
    }

    var accepted: String {
        switch self {
        case .count: "a whole number, such as 2"
        case .size: "a size, such as 24GB"
        case .time: "a time with its unit, such as 30m, 1h or 7d"
        case .memoryRate: "a rate, such as 900GB/s"
        case .computeRate: "a rate in TFLOPS, such as 82.5"
        case .power: "a power, such as 350W"
        case .networkRate: "a rate, such as 500Mbps"
        case .share: "a number from 0 to 1, such as 0.5"
        case .capability: "a version, such as 8.6"
        }
    }

    /// The largest amount that a query may name: far above every real one, and free of overflow with every unit.
    static let baseCountMax = 1_000_000_000_000

    /// Reads a number with an optional unit; `nil` if the text is none, has a part of a base unit, or is out of bounds.
    func parse(_ text: String) -> Int? {
        if case .capability = self { return ComputeCapability(text: text)?.ordinal }
        let digits = text.prefix { $0 == "." || ("0"..."9").contains($0) }
        let name = text.dropFirst(digits.count)
        guard let unit = unit(named: name) else { return nil }
        guard let scaled = ScaledDecimal.parse(digits.utf8, digitsBehindPointMax: 6, scale: 1_000_000) else {
            return nil
        }
        guard scaled <= Self.baseCountMax else { return nil }
        let (product, overflow) = scaled.multipliedReportingOverflow(by: unit.size)
        guard !overflow, product % 1_000_000 == 0 || self == .size else { return nil }
        let value = product / 1_000_000
        return value <= (self == .share ? 1_000 : Self.baseCountMax) ? value : nil
    }

    private func unit(named name: Substring) -> Unit? {
        guard !name.isEmpty else { return units.first(where: \.isDefault) }
        return units.first { !$0.name.isEmpty && $0.name.lowercased() == name.lowercased() }
    }

    /// The canonical text of a value.
    func text(_ value: Int) -> String {
        switch self {
        case .capability: return "\(value / 100).\(value % 100)"
        case .share, .computeRate: return ScaledDecimal.text(value, scale: 1_000)
        case .count: return "\(value)"
        case .size, .time, .memoryRate, .power, .networkRate: break
        }
        let canonical = units.filter(\.isCanonical)
        if self == .power { return ScaledDecimal.text(value, scale: 1_000) + "W" }
        guard let unit = canonical.first(where: { value % $0.size == 0 && value != 0 }) ?? canonical.last else {
            return "\(value)"
        }
        return "\(value / unit.size)\(unit.name)"
    }
}
