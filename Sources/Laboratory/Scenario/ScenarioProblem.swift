/// A word of a file that makes no sense, and where it stands.
public struct ScenarioProblem: Error, Hashable, Sendable, CustomStringConvertible {
    public let path: String
    /// From 1; 0 if the whole file is meant.
    public let line: Int
    public let column: Int
    public let message: String

    public init(path: String, line: Int = 0, column: Int = 0, message: String) {
        (self.path, self.line, self.column, self.message) = (path, line, column, message)
    }

    /// As compilers write it, so that editors jump to the place.
    public var description: String {
        line == 0 ? "\(path): \(message)" : "\(path):\(line):\(column): \(message)"
    }
}

/// Everything that is wrong with a file, in the order of its lines; never empty.
public struct ScenarioProblems: Error, Hashable, Sendable, CustomStringConvertible {
    public let list: [ScenarioProblem]

    public init(_ list: [ScenarioProblem]) {
        precondition(!list.isEmpty, "a file without a problem has no problems")
        self.list = list.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
    }

    public var description: String { list.map(\.description).joined(separator: "\n") }
}
