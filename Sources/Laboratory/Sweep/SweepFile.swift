internal import Cryptography
internal import Simulator
internal import Yams

/// A grid or a list of changes of one scenario; a scenario's own file is a sweep over its seeds.
public struct SweepFile: Sendable {
    /// A sweep of more runs is a mistake of a factor.
    public static let pairCountMax = 100_000
    private static let keys = ["scenario", "seeds", "grid", "list"]

    /// Whether a file is a sweep, and not a scenario.
    public static func isSweep(path: String) -> Bool {
        guard let text = TextFile.read(path), let root = try? YAMLText.root(of: text, path: path) else { return false }
        return isSweep(root)
    }

    private static func isSweep(_ root: Yams.Node) -> Bool {
        root.mapping?.keys.contains { $0.scalar?.string == "scenario" } ?? false
    }

    /// Every run, in the order of the file: variants outside, seeds inside.
    public let pairs: [SweepPair]

    /// Reads a sweep and every variant of its scenario: all are known to make sense before the first run.
    public static func load(path: String) throws(ScenarioProblems) -> SweepFile {
        guard let text = TextFile.read(path) else {
            throw ScenarioProblems([ScenarioProblem(path: path, message: "the file cannot be read")])
        }
        do {
            let root = try YAMLText.root(of: text, path: path)
            guard isSweep(root) else {
                return SweepFile(pairs: try pairs(of: path, variants: [[]], seeds: nil))
            }
            let problems = ProblemList(path: path)
            let place = YAMLPlace(node: root, name: "", problems: problems)
            let fields = try place.fields(keys, example: "'scenario: churn.yaml'")
            let name = fields.required("scenario") { try $0.word() }
            let seeds = fields.optional("seeds") { try ScenarioReader.seeds($0) }
            if fields.place("grid") != nil, fields.place("list") != nil {
                problems.add(place.problem("a sweep has a 'grid' or a 'list', not both"))
            }
            let variants =
                fields.optional("grid") { try grid($0) } ?? fields.optional("list") { try list($0) } ?? [[]]
            try problems.check()
            guard let name else { preconditionFailure("a missing scenario is a problem") }
            return SweepFile(pairs: try pairs(of: beside(path, name), variants: variants, seeds: seeds))
        } catch let problem as ScenarioProblem {
            throw ScenarioProblems([problem])
        } catch let problems as ScenarioProblems {
            throw problems
        } catch {
            preconditionFailure("only problems are thrown: \(error)")
        }
    }

    private static func beside(_ path: String, _ name: String) -> String {
        guard !name.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return name }
        return path[...slash] + name
    }

    private static func pairs(
        of path: String,
        variants: [[ScenarioChange]],
        seeds: [UInt64]?
    ) throws(ScenarioProblems) -> [SweepPair] {
        var pairs: [SweepPair] = []
        for changes in variants {
            let file = try ScenarioFile.load(path: path, changes: changes)
            for seed in seeds ?? file.scenario.seeds {
                guard pairs.count < pairCountMax else {
                    throw ScenarioProblems([
                        ScenarioProblem(path: path, message: "the sweep has more than \(pairCountMax) runs")
                    ])
                }
                pairs.append(SweepPair(file: file, seed: seed))
            }
        }
        return pairs
    }

    /// Every combination of the values of every key.
    private static func grid(_ place: YAMLPlace) throws -> [[ScenarioChange]] {
        var variants: [[ScenarioChange]] = [[]]
        for (key, values) in try place.pairs("{nodes: [100, 200], network.loss: [0%, 1%]}") {
            let changes = try values.list().map { ScenarioChange(path: key.name, value: FlowText.of($0.node)) }
            guard !changes.isEmpty, variants.count * changes.count <= pairCountMax else {
                throw values.problem("a grid has 1 to \(pairCountMax) combinations")
            }
            variants = variants.flatMap { variant in changes.map { variant + [$0] } }
        }
        return variants
    }

    private static func list(_ place: YAMLPlace) throws -> [[ScenarioChange]] {
        let places = try place.list()
        guard !places.isEmpty else { throw place.problem("'list' has at least one mapping") }
        return try places.map { place in
            try place.pairs("{nodes: 100, network.loss: 1%}")
                .map { ScenarioChange(path: $0.key.name, value: FlowText.of($0.value.node)) }
        }
    }
}

/// One scenario, changed or not, with one seed.
public struct SweepPair: Sendable {
    public let file: ScenarioFile
    public let seed: UInt64

    /// Sixteen digits that depend on nothing but the scenario's bytes, the changes and the seed.
    public let key: String

    public init(file: ScenarioFile, seed: UInt64) {
        (self.file, self.seed) = (file, seed)
        let material = ([file.hash] + file.changes.map(\.description) + ["\(seed)"]).joined(separator: "\n")
        let digest = SHA256.hash(Array(material.utf8))
        key = hexadecimal(digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// The directory of its result below the sweep's: readable, and of this pair alone.
    public var folder: String { "\(file.scenario.name)-\(seed)-\(key.prefix(8))" }

    /// Whether the pair belongs to the shard `index` of `count`, wherever it stands in a list.
    public func isIn(shard index: Int, of count: Int) -> Bool {
        precondition(count > 0, "there is at least one shard")
        return (UInt64(key, radix: 16) ?? 0) % UInt64(count) == UInt64(index)
    }

    /// Whether a line is the result of this pair by this very program, and need not be computed again.
    public func isAnswered(by line: ResultLine, programVersion: String, computesSignatures: Bool) -> Bool {
        isSubject(of: line, programVersion: programVersion, computesSignatures: computesSignatures)
            && line.verdict != Outcome.stopped.rawValue
    }

    /// Whether a line speaks of this pair as this very program runs it, be it that a limit stopped it.
    public func isSubject(of line: ResultLine, programVersion: String, computesSignatures: Bool) -> Bool {
        line.scenario == file.scenario.name && line.scenarioHash == file.hash && line.seed == seed
            && line.changes == file.changes.map(\.description) && line.programVersion == programVersion
            && line.signaturesComputed == computesSignatures
    }
}

/// `i/n`: the part of a sweep that one machine does.
public struct Shard: Hashable, Sendable {
    public let index: Int
    public let count: Int

    /// Reads `0/4` to `3/4`.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let index = parts[0], let count = parts[1],
            (1...SweepFile.pairCountMax).contains(count),
            (0..<count).contains(index)
        else { return nil }
        (self.index, self.count) = (index, count)
    }
}

/// A YAML node on one line.
enum FlowText {
    static func of(_ node: Yams.Node) -> String {
        if let scalar = node.scalar { return of(scalar) }
        if let mapping = node.mapping {
            return "{" + mapping.map { "\(of($0.key)): \(of($0.value))" }.joined(separator: ", ") + "}"
        }
        return "[" + (node.sequence?.map(of).joined(separator: ", ") ?? "") + "]"
    }

    /// As it was written, between quotes if it was.
    private static func of(_ scalar: Yams.Node.Scalar) -> String {
        let isPlain = scalar.style == .plain || scalar.style == .any
        if isPlain, !scalar.string.isEmpty { return scalar.string }
        return "'" + scalar.string.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }
}
