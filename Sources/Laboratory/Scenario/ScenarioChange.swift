internal import Simulator
internal import Yams

/// A value put in place of what a scenario's file says: `network.loss=1%`, `churn.session={exponential: 1h}`.
public struct ScenarioChange: Hashable, Sendable, CustomStringConvertible {
    /// Keys from the root, separated by points.
    public let path: String
    /// YAML, as it would stand in the file.
    public let value: String

    public init(path: String, value: String) {
        (self.path, self.value) = (path, value)
    }

    /// Reads `path=value`; `nil` if one of them is missing.
    public init?(_ text: String) {
        guard let sign = text.firstIndex(of: "="), sign > text.startIndex else { return nil }
        (path, value) = (String(text[..<sign]), String(text[text.index(after: sign)...]))
        if value.isEmpty { return nil }
    }

    public var description: String { "\(path)=\(value)" }

    static func apply(
        _ changes: [ScenarioChange],
        to root: Yams.Node,
        path: String
    ) throws -> Yams.Node {
        var root = root
        for change in changes {
            let message = { (text: String) in ScenarioProblem(path: change.description, message: text) }
            let keys = change.path.split(separator: ".", omittingEmptySubsequences: false).map(
                String.init
            )
            guard keys.allSatisfy({ !$0.isEmpty }) else { throw message("a path is like network.loss") }
            let value: Yams.Node
            do {
                value = try YAMLText.root(of: change.value, path: change.description)
            } catch let problem as ScenarioProblem {
                throw message(problem.message)
            }
            guard let changed = replace(keys[...], in: root, by: value) else {
                throw message("the file has a list or a value where '\(change.path)' asks for a mapping")
            }
            root = changed
        }
        return root
    }

    /// The mapping with one value of it, or of a mapping in it, replaced or added.
    private static func replace(
        _ keys: ArraySlice<String>,
        in node: Yams.Node,
        by value: Yams.Node
    )
        -> Yams.Node?
    {
        guard let key = keys.first else { return value }
        guard var mapping = node.mapping else { return nil }
        let inner = mapping[Yams.Node(key)] ?? Yams.Node([(Yams.Node, Yams.Node)]())
        guard let changed = replace(keys.dropFirst(), in: inner, by: value) else { return nil }
        mapping[Yams.Node(key)] = changed
        return .mapping(mapping)
    }
}
