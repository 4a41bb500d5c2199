internal import Identity
internal import OrderedCollections

extension SearchField {
    /// The column of a field whose numbers are compared as they stand.
    var column: SearchTable.Column {
        switch self {
        case .count: .count
        case .min: .durationMin
        case .max: .durationMax
        case .power: .milliwatts
        case .disk: .disk
        case .ram: .ram
        case .cores: .cores
        case .down: .down
        case .up: .up
        case .gpu, .class, .vendor, .arch, .memory, .cuda, .bandwidth, .fp32, .fp16, .tdp, .price, .unit, .country,
            .continent, .city, .trust, .age, .live, .silent, .provider, .interruptible, .duration, .reach, .runtime,
            .machine, .offer:
            preconditionFailure("\(self) has no column of plain numbers")
        }
    }
}

extension MachineBody.Reach {
    var name: String {
        switch self {
        case .public: "public"
        case .punchable: "punchable"
        case .relayed: "relayed"
        }
    }
}

extension MarketClass {
    /// The second half of the class's name; `other` has none but itself.
    var gpuClass: GPUClass {
        switch self {
        case .other: .other
        case .nvidiaConsumer, .amdConsumer, .intelConsumer: .consumer
        case .nvidiaWorkstation, .amdWorkstation: .workstation
        case .nvidiaDatacenter, .amdDatacenter: .datacenter
        }
    }

    var vendor: GPUVendor? {
        switch self {
        case .other: nil
        case .nvidiaConsumer, .nvidiaWorkstation, .nvidiaDatacenter: .nvidia
        case .amdConsumer, .amdWorkstation, .amdDatacenter: .amd
        case .intelConsumer: .intel
        }
    }
}

extension SearchTable.Hardware {
    /// A field of the GPUs as a text; `nil` if it is not known.
    func text(_ field: SearchField, in catalogue: Catalogue) -> String? {
        let model = model.map { catalogue.models[$0] }
        return switch field {
        case .gpu: model?.id
        case .class: (model?.gpuClass ?? marketClass.gpuClass).rawValue
        case .vendor: (model?.vendor ?? marketClass.vendor)?.rawValue
        case .arch: model?.architecture
        default: nil
        }
    }

    /// A field of the GPUs as a number of the field's base unit; `nil` if it is not known.
    func number(_ field: SearchField, in catalogue: Catalogue) -> Int64? {
        let model = model.map { catalogue.models[$0] }
        let number: Int? =
            switch field {
            case .memory: memoryMebibytes(in: catalogue)
            case .cuda: (model?.computeCapability ?? computeCapability)?.ordinal
            case .bandwidth: model?.bandwidthGBps.map { $0 * 1_000 }
            case .fp32: model?.fp32TFLOPS?.count
            case .fp16: model?.fp16TFLOPS?.teraflops.count
            case .tdp: model?.tdpWatts.map { $0 * 1_000 }
            default: nil
            }
        return number.map(Int64.init)
    }
}

extension SearchTable {
    /// Time passed, never negative, whatever a clock or a record says.
    static func milliseconds(from earlier: Int64, to later: Int64) -> Int64 {
        let (passed, overflow) = later.subtractingReportingOverflow(earlier)
        return overflow ? (later > earlier ? .max : 0) : max(0, passed)
    }

    static func seconds(from earlier: Int64, to later: Int64) -> Int64 {
        milliseconds(from: earlier, to: later) / 1_000
    }

    /// What a row says of a field, in words: for the one row that an explanation shows.
    func text(of field: SearchField, row: Int, context: SearchContext) -> String {
        let unstated = "not stated"
        func number(_ value: Int64?) -> String {
            guard let value, value != Self.unknown, case .quantity(let quantity) = field.kind else { return unstated }
            return quantity.text(Int(value))
        }
        let listing = listings[row]
        let place = places[Int(value(.place, row))]
        switch field {
        case .gpu, .class, .vendor, .arch: return hardware(ofRow: row).text(field, in: catalogue) ?? unstated
        case .memory, .cuda, .bandwidth, .fp32, .fp16, .tdp:
            return number(hardware(ofRow: row).number(field, in: catalogue))
        case .country: return place.country.isEmpty ? unstated : place.country
        case .continent: return place.continent.isEmpty ? unstated : place.continent
        case .city: return place.city.isEmpty ? unstated : place.city
        case .price: return PriceUnit.text(micros: Int(value(.priceMicros, row)), unit: unit(ofRow: row))
        case .unit: return unit(ofRow: row)
        case .trust: return number(context.trust[listing.provider].map { Int64($0.count) })
        case .age: return number(Self.seconds(from: listing.heardAt, to: context.now))
        case .live: return "\(value(.liveness, row) > context.now)"
        case .silent:
            return "\(Self.milliseconds(from: listing.heardAt, to: context.now) > Listing.silenceMilliseconds)"
        case .interruptible: return "\(value(.isInterruptible, row) == 1)"
        case .provider: return PeerID(publicKey: listing.provider).description
        case .machine: return listing.offer.machine.description
        case .offer: return listing.offer.offer.description
        case .reach: return listing.machine?.network.reach?.name ?? unstated
        case .runtime:
            let names = runtimes[Int(value(.runtimes, row))]
            return names.isEmpty ? unstated : names.joined(separator: ", ")
        case .duration: return number(value(.durationMin, row)) + " to " + number(value(.durationMax, row))
        case .count, .min, .max, .power, .disk, .ram, .cores, .down, .up: return number(value(field.column, row))
        }
    }
}
