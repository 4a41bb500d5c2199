/// How much a line of the log matters.
public enum LogLevel: String, CaseIterable, Comparable, Codable, Sendable {
    case debug, info, warning, error

    private var rank: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }

    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rank < right.rank }
}

/// How a line of the log is written.
public enum LogFormat: String, CaseIterable, Sendable {
    case text, json
}
