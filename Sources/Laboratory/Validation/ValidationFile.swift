internal import Simulator
internal import Yams

/// Values that theory or a paper gives, and the computation that must show them.
public struct ValidationFile: Sendable {
    /// What a metric must be on average.
    public struct Expected: Hashable, Sendable {
        public let metric: String
        public let value: Double
        public let tolerance: Double
        /// Whether the tolerance is a share of the value.
        public let isRelative: Bool

        public func holds(_ found: Double) -> Bool {
            abs(found - value) <= (isRelative ? tolerance * abs(value) : tolerance)
        }

        public var text: String {
            let width = isRelative ? "\(JSONText.text(tolerance * 100))%" : JSONText.text(tolerance)
            return "\(JSONText.text(value)) ± \(width)"
        }
    }

    static let keys = ["validate", "purpose", "parameters", "expect", "seeds"]

    public let path: String
    public let name: String
    public let purpose: String
    public let parameters: [(name: String, value: Double)]
    public let expected: [Expected]
    public let seeds: [UInt64]

    /// Whether a file names a computation, and is not a scenario.
    public static func isValidation(path: String) -> Bool {
        guard let text = TextFile.read(path), let root = try? YAMLText.root(of: text, path: path) else { return false }
        return root.mapping?.keys.contains { $0.scalar?.string == "validate" } ?? false
    }

    public static func load(path: String) throws(ScenarioProblems) -> ValidationFile {
        guard let text = TextFile.read(path) else {
            throw ScenarioProblems([ScenarioProblem(path: path, message: "the file cannot be read")])
        }
        return try read(text, path: path)
    }

    static func read(_ text: String, path: String) throws(ScenarioProblems) -> ValidationFile {
        let problems = ProblemList(path: path)
        let file = problems.noting { () throws -> ValidationFile? in
            let place = YAMLPlace(node: try YAMLText.root(of: text, path: path), name: "", problems: problems)
            let fields = try place.fields(keys, example: "'validate: kad-hops'")
            let name = fields.required("validate") { try $0.word() }
            let purpose = fields.required("purpose") { try $0.word() }
            let parameters = fields.optional("parameters") { try numbers($0) } ?? []
            let expected = fields.required("expect") { try expectations($0) }
            let seeds = fields.optional("seeds") { try ScenarioReader.seeds($0) } ?? [1, 2, 3, 4, 5]
            guard let name, let purpose, let expected else { return nil }
            return ValidationFile(
                path: path,
                name: name,
                purpose: purpose,
                parameters: parameters,
                expected: expected,
                seeds: seeds
            )
        }
        try problems.check()
        guard let file, let file else { preconditionFailure("a file that is missing has a problem") }
        return file
    }

    private static func numbers(_ place: YAMLPlace) throws -> [(name: String, value: Double)] {
        try place.pairs("{nodes: 10000}").map { key, value in (key.name, try number(value)) }
    }

    private static func number(_ place: YAMLPlace) throws -> Double {
        try place.value("a number") { text in Double(text).flatMap { $0.isFinite ? $0 : nil } }
    }

    private static func expectations(_ place: YAMLPlace) throws -> [Expected] {
        let pairs = try place.pairs("{hops_mean: {value: 1.95, within: 0.03}}")
        guard !pairs.isEmpty else { throw place.problem("'expect' names at least one metric") }
        return try pairs.compactMap { key, place in
            let fields = try place.fields(["value", "within"], example: "{value: 1.95, within: 1.5%}")
            let value = fields.required("value") { try number($0) }
            let within = fields.required("within") { place in
                try place.value("a number or a share, like 0.03 or 1.5%") { text -> (Double, Bool)? in
                    let isRelative = text.hasSuffix("%")
                    guard let number = Double(isRelative ? text.dropLast() : text[...]), number >= 0, number.isFinite
                    else { return nil }
                    return (isRelative ? number / 100 : number, isRelative)
                }
            }
            guard let value, let within else { return nil }
            return Expected(metric: key.name, value: value, tolerance: within.0, isRelative: within.1)
        }
    }
}
