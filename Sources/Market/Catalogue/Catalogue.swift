internal import OrderedCollections

/// The GPU models that the market knows by name, in the table's order.
///
/// A model outside the catalogue can be offered and found too: its class is `other` and its figures are unknown.
public struct Catalogue: Sendable {
    /// The table that is part of this release.
    public static let standard: Catalogue = {
        do throws(CSVError) {
            return try Catalogue(csv: PackageResources.gpu_catalogue_csv)
        } catch {
            preconditionFailure("the catalogue of this release is broken: \(error)")
        }
    }()

    public let models: [GPUModel]
    private let indexByID: OrderedDictionary<String, Int>
    private let indicesBySpelling: OrderedDictionary<String, [Int]>
    private let indicesByDriverName: OrderedDictionary<DriverName, [Int]>

    /// Reads a table with the standard columns; the error names line and column.
    public init(csv source: [UInt8]) throws(CSVError) {
        let rows = try CSVReader.rows(of: source)
        guard let header = rows.first else {
            throw CSVError(line: 1, column: 1, reason: .header(found: "", expected: GPUModel.columns[0]))
        }
        try Self.check(header)
        var models: [GPUModel] = []
        var indexByID: OrderedDictionary<String, Int> = [:]
        for row in rows.dropFirst() {
            let model = try GPUModel(row: row)
            guard indexByID.updateValue(models.count, forKey: model.id) == nil else {
                throw row[0].error(.duplicate(id: model.id))
            }
            models.append(model)
        }
        self.models = models
        self.indexByID = indexByID
        (indicesBySpelling, indicesByDriverName) = Self.indices(of: models)
    }

    /// The model with exactly this catalogue id.
    public subscript(id: String) -> GPUModel? {
        indexByID[id].map { models[$0] }
    }

    /// The place in `models` of exactly this catalogue id.
    public func index(ofID id: String) -> Int? {
        indexByID[id]
    }

    /// The class of a catalogue id: `other` where the catalogue has no such model.
    public func gpuClass(ofID id: String) -> GPUClass {
        self[id]?.gpuClass ?? .other
    }

    /// Every model that a person may mean by a text, in the table's order; empty if nothing matches.
    ///
    /// The text is an id, a name or an alias in any case and with any punctuation, or the first words of ids (`a100` means
    /// all its variants).
    public func models(named text: String) -> [GPUModel] {
        indices(named: text).map { models[$0] }
    }

    func indices(named text: String) -> [Int] {
        guard text.utf8.count <= DriverName.byteCountMax else { return [] }
        if let index = indexByID[text.lowercased()] { return [index] }
        if let indices = indicesBySpelling[Self.spelling(text)] { return indices }
        let family = text.lowercased().split { $0 == "_" || $0 == " " }.joined(separator: "-") + "-"
        return models.indices.filter { models[$0].id.hasPrefix(family) }
    }

    /// The model of a device that a driver calls `name` and that reports `memoryMiB`; `nil` if no model fits both.
    ///
    /// Without a size the name alone must single out a model.
    public func model(driverName name: String, memoryMiB: Int?) -> GPUModel? {
        guard let key = DriverName(name), let indices = indicesByDriverName[key] else { return nil }
        let fitting = indices.map { models[$0] }.filter { model in
            memoryMiB.map { Self.fits(memoryMiB: $0, nominalGB: model.memoryGB) } ?? true
        }
        return fitting.count == 1 ? fitting[0] : nil
    }

    /// The catalogue id that a mistyped one most likely means.
    public func nearestID(to text: String) -> String? {
        Spelling.nearest(to: text, in: models.map(\.id))
    }

    /// Whether a driver's figure can be this nominal size: 90 % to 103 % of it.
    ///
    /// Measured against public listings: error correction takes a sixteenth (T4: 15,360 MiB of 16 GB, less 1.6 % on some
    /// drivers), and no driver reports more than the size.
    static func fits(memoryMiB: Int, nominalGB: Int) -> Bool {
        guard (1...GPUModel.figureMax * 1_024).contains(memoryMiB) else { return false }
        let nominal = nominalGB * 1_024
        return memoryMiB * 100 >= nominal * 90 && memoryMiB * 100 <= nominal * 103
    }

    private static func check(_ header: [CSVReader.Field]) throws(CSVError) {
        for (field, expected) in zip(header, GPUModel.columns) where field.text != expected {
            throw field.error(.header(found: field.text, expected: expected))
        }
        guard header.count == GPUModel.columns.count else {
            let last = header[header.count - 1]
            throw last.error(.fieldCount(found: header.count, expected: GPUModel.columns.count))
        }
    }

    private static func indices(
        of models: [GPUModel]
    ) -> (spellings: OrderedDictionary<String, [Int]>, driverNames: OrderedDictionary<DriverName, [Int]>) {
        var spellings: OrderedDictionary<String, [Int]> = [:]
        var driverNames: OrderedDictionary<DriverName, [Int]> = [:]
        for (index, model) in models.enumerated() {
            for text in [model.id, model.name] + model.aliases {
                let spelling = spelling(text)
                if spellings[spelling, default: []].last != index { spellings[spelling, default: []].append(index) }
                guard let driverName = DriverName(text) else { continue }
                if driverNames[driverName, default: []].last != index {
                    driverNames[driverName, default: []].append(index)
                }
            }
        }
        return (spellings, driverNames)
    }

    /// The letters and digits of a name in lower case: what is left when people disagree about blanks and dashes.
    private static func spelling(_ text: String) -> String {
        String(text.lowercased().filter { $0.isLetter || $0.isNumber })
    }
}
