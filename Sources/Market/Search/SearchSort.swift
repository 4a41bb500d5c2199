/// A language model whose decoding a search prices: how many parameters, in how many bytes each.
public struct DecodeWorkload: Hashable, Sendable, CustomStringConvertible {
    /// No model is larger than 100 trillion parameters, nor a parameter than 16 bytes.
    static let parameterMillionsMax = 100_000_000
    static let bytesPerParameterMax = Thousandths(count: 16_000)

    /// 10^6 parameters.
    public let parameterMillions: Int
    public let bytesPerParameter: Thousandths

    /// `nil` unless both lie within the bounds that any model has: 1 … 10^8 million, above 0 … 16 bytes.
    public init?(parameterMillions: Int, bytesPerParameter: Thousandths) {
        guard (1...Self.parameterMillionsMax).contains(parameterMillions), bytesPerParameter.count > 0,
            bytesPerParameter <= Self.bytesPerParameterMax
        else { return nil }
        self.parameterMillions = parameterMillions
        self.bytesPerParameter = bytesPerParameter
    }

    /// Reads `<params>:<bytes>`, such as `7B:2`, `1.5B:0.5` or `800M:1`.
    public init?(text: some StringProtocol) {
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 2, let bytes = Thousandths(text: parts[1]), let suffix = parts[0].last else { return nil }
        guard let millions = Self.suffixes.first(where: { $0.letter == Character(suffix.uppercased()) })?.millions
        else {
            return nil
        }
        let digits = parts[0].dropLast().utf8
        guard let parameters = ScaledDecimal.parse(digits, digitsBehindPointMax: 6, scale: 1_000_000) else {
            return nil
        }
        let (product, overflow) = parameters.multipliedReportingOverflow(by: millions)
        guard !overflow, product % 1_000_000 == 0 else { return nil }
        self.init(parameterMillions: product / 1_000_000, bytesPerParameter: bytes)
    }

    private static let suffixes: [(letter: Character, millions: Int)] = [("M", 1), ("B", 1_000), ("T", 1_000_000)]

    public var description: String { "\(parametersText):\(bytesPerParameter)" }

    var parametersText: String {
        parameterMillions < 1_000 ? "\(parameterMillions)M" : ScaledDecimal.text(parameterMillions, scale: 1_000) + "B"
    }

    /// What the weights take, in kB (10^3 bytes): millions of parameters times thousandths of a byte.
    var kilobytes: Int { parameterMillions * bytesPerParameter.count }

    /// Whether the weights leave a fifth of the memory free, for the cache and the runtime.
    ///
    /// The memory counts in decimal gigabytes, the more cautious reading of a card's size.
    func fits(memoryGB: Int) -> Bool {
        let (kilobytesFree, overflow) = memoryGB.multipliedReportingOverflow(by: 800_000)
        return overflow || kilobytes <= kilobytesFree
    }
}

/// By what a search orders its rows.
public enum SearchSortKey: Hashable, Sendable, CustomStringConvertible {
    /// The whole quote per hour.
    case price
    /// The quote for one TFLOPS-hour of single precision.
    case pricePerFP32
    /// The quote for one TFLOPS-hour of half precision: the dense tensor figure, else the vector figure.
    case pricePerFP16
    /// The quote for one GB of memory and hour.
    case pricePerGB
    /// The quote for one GB/s of memory bandwidth and hour.
    case pricePerBandwidth
    /// The quote for a million tokens decoded one by one.
    case pricePerMegatoken(DecodeWorkload)
    case kilowattHoursPerMegatoken(DecodeWorkload)
    case gramsCO2PerMegatoken(DecodeWorkload)
    case roundTrip
    case trust
    case age

    public var description: String {
        switch self {
        case .price: "price"
        case .pricePerFP32: "price/fp32"
        case .pricePerFP16: "price/fp16"
        case .pricePerGB: "price/gb"
        case .pricePerBandwidth: "price/bw"
        case .pricePerMegatoken(let workload): "price/mtok:\(workload)"
        case .kilowattHoursPerMegatoken(let workload): "kwh/mtok:\(workload)"
        case .gramsCO2PerMegatoken(let workload): "gco2/mtok:\(workload)"
        case .roundTrip: "rtt"
        case .trust: "trust"
        case .age: "age"
        }
    }

    var workload: DecodeWorkload? {
        switch self {
        case .pricePerMegatoken(let workload), .kilowattHoursPerMegatoken(let workload),
            .gramsCO2PerMegatoken(let workload):
            workload
        case .price, .pricePerFP32, .pricePerFP16, .pricePerGB, .pricePerBandwidth, .roundTrip, .trust, .age: nil
        }
    }

    /// Keys without a workload, by their names.
    static let plain: [SearchSortKey] = [
        .price, .pricePerFP32, .pricePerFP16, .pricePerGB, .pricePerBandwidth, .roundTrip, .trust, .age,
    ]
}

/// Why a text is no sort key.
public struct SearchSortError: Error, Hashable, CustomStringConvertible {
    public let text: String
    /// The key that the text most likely meant.
    public let nearest: String?

    public var description: String {
        let keys = SearchSortKey.plain.map(\.description).joined(separator: ", ")
        let hint = nearest.map { "; did you mean '\($0)'?" } ?? "."
        return
            "'\(text)' is no sort key\(hint) The keys are \(keys), and price/mtok, kwh/mtok, gco2/mtok with a model behind"
            + " them such as price/mtok:7B:2 (parameters, bytes each)"
    }
}

/// A sort key and its direction: the sensible one, or the other with `-` in front.
public struct SearchSort: Hashable, Sendable, CustomStringConvertible {
    /// A sort key is typed by hand.
    static let byteCountMax = 64

    public let key: SearchSortKey
    public let isReversed: Bool

    public init(_ key: SearchSortKey, isReversed: Bool = false) {
        self.key = key
        self.isReversed = isReversed
    }

    /// Reads `price`, `-age`, `price/mtok:70B:1`.
    public init(text: String) throws(SearchSortError) {
        guard text.utf8.count <= Self.byteCountMax else {
            throw SearchSortError(text: String(text.prefix(Self.byteCountMax)), nearest: nil)
        }
        isReversed = text.hasPrefix("-")
        let name = text.dropFirst(isReversed ? 1 : 0).lowercased()
        if let key = SearchSortKey.plain.first(where: { $0.description == name }) {
            self.key = key
        } else if let key = Self.workloadKey(name) {
            self.key = key
        } else {
            let names = SearchSortKey.plain.map(\.description) + ["price/mtok:7B:2", "kwh/mtok:7B:2", "gco2/mtok:7B:2"]
            let head = name.split(separator: ":").first.map(String.init) ?? name
            let nearest = names.first { $0.hasPrefix(head + ":") } ?? Spelling.nearest(to: name, in: names)
            throw SearchSortError(text: text, nearest: nearest)
        }
    }

    private static func workloadKey(_ name: String) -> SearchSortKey? {
        let parts = name.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let workload = DecodeWorkload(text: parts[1]) else { return nil }
        return switch parts[0] {
        case "price/mtok": .pricePerMegatoken(workload)
        case "kwh/mtok": .kilowattHoursPerMegatoken(workload)
        case "gco2/mtok": .gramsCO2PerMegatoken(workload)
        default: nil
        }
    }

    /// Whether large values come first: trust by itself, everything else only reversed.
    var isDescending: Bool { (key == .trust) != isReversed }

    public var description: String { (isReversed ? "-" : "") + key.description }
}
