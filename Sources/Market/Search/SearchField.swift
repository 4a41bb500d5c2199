/// What a search can ask of an offer: the left side of every condition.
public enum SearchField: String, CaseIterable, Hashable, Sendable {
    case gpu
    case `class`
    case vendor
    case arch
    case count
    case memory
    case price
    case unit
    case country
    case continent
    case city
    case trust
    case age
    case live
    case provider
    case interruptible
    case duration
    case min
    case max
    case cuda
    case bandwidth
    case fp32
    case fp16
    case tdp
    case power
    case disk
    case ram
    case cores
    case down
    case up
    case reach
    case runtime
    case machine
    case offer
    case silent

    /// How the field's values are written and compared.
    enum Kind: Hashable {
        /// A catalogue id, an alias or a family of models.
        case model
        case choice([String])
        case text
        case country
        case continent
        /// An ISO 4217 code or another unit tag.
        case unit
        case flag
        /// The first letters of a text form, or the first digits of a hexadecimal id.
        case peerPrefix
        case idPrefix
        case quantity(Quantity)
        /// An amount per GPU-hour, in micros of a unit.
        case money
    }

    var kind: Kind {
        switch self {
        case .gpu: .model
        case .class: .choice(GPUClass.allCases.map(\.rawValue))
        case .vendor: .choice(GPUVendor.allCases.map(\.rawValue))
        case .arch, .city, .runtime: .text
        case .count, .cores: .quantity(.count)
        case .memory, .disk, .ram: .quantity(.size)
        case .price: .money
        case .unit: .unit
        case .country: .country
        case .continent: .continent
        case .trust: .quantity(.share)
        case .age, .duration, .min, .max: .quantity(.time)
        case .live, .silent, .interruptible: .flag
        case .provider: .peerPrefix
        case .cuda: .quantity(.capability)
        case .bandwidth: .quantity(.memoryRate)
        case .fp32, .fp16: .quantity(.computeRate)
        case .tdp, .power: .quantity(.power)
        case .down, .up: .quantity(.networkRate)
        case .reach: .choice(["public", "punchable", "relayed"])
        case .machine, .offer: .idPrefix
        }
    }

    /// Other names that people type for a field.
    static let synonyms: [(name: String, field: SearchField)] = [
        ("region", .city), ("architecture", .arch), ("gpus", .count), ("vram", .memory), ("cc", .cuda),
        ("min_duration", .min), ("max_duration", .max),
    ]

    init?(name: String) {
        let lowered = name.lowercased()
        if let field = SearchField(rawValue: lowered) {
            self = field
        } else if let synonym = SearchField.synonyms.first(where: { $0.name == lowered }) {
            self = synonym.field
        } else {
            return nil
        }
    }

    /// Whether `<` and its like make sense.
    var isOrdered: Bool {
        switch kind {
        case .quantity, .money: true
        case .model, .choice, .text, .country, .continent, .unit, .flag, .peerPrefix, .idPrefix: false
        }
    }

    /// What the field accepts, for an error that helps.
    var accepted: String {
        switch kind {
        case .model: "a GPU of the catalogue, such as rtx-4090 or a100"
        case .choice(let choices): "one of \(choices.joined(separator: ", "))"
        case .text: "a word, or a text in quotes"
        case .country: "a country code of two letters, such as DE"
        case .continent: "one of \(Continent.allCases.map(\.rawValue).joined(separator: ", "))"
        case .unit: "a unit, such as USD, EUR, sat, kWh or credit"
        case .flag: "true or false"
        case .peerPrefix: "a peer id or its beginning"
        case .idPrefix: "up to 32 hexadecimal digits"
        case .quantity(let quantity): quantity.accepted
        case .money: "an amount per GPU-hour, such as 0.40, $0.40 or 500sat"
        }
    }
}

/// Where a machine stands, by the two letters in use for continents.
public enum Continent: String, CaseIterable, Hashable, Sendable {
    case africa = "AF"
    case antarctica = "AN"
    case asia = "AS"
    case europe = "EU"
    case northAmerica = "NA"
    case oceania = "OC"
    case southAmerica = "SA"

    /// Reads the two letters or the English name, in any case.
    public init?(text: String) {
        let lowered = text.lowercased().filter { $0 != " " && $0 != "-" }
        guard
            let continent = Self.allCases.first(where: { $0.rawValue.lowercased() == lowered || $0.name == lowered })
        else { return nil }
        self = continent
    }

    private var name: String {
        switch self {
        case .africa: "africa"
        case .antarctica: "antarctica"
        case .asia: "asia"
        case .europe: "europe"
        case .northAmerica: "northamerica"
        case .oceania: "oceania"
        case .southAmerica: "southamerica"
        }
    }
}
