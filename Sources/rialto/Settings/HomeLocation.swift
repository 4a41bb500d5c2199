internal import Foundation

/// Where a node lives, and what its files are called.
enum HomeLocation {
    static let socketName = "api.sock"
    static let configName = "config.yaml"

    static func path(flag: String?) -> String {
        let environment = ProcessInfo.processInfo.environment
        let chosen = flag ?? environment["RIALTO_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        let path = chosen ?? (environment["HOME"] ?? NSHomeDirectory()) + "/.local/share/rialto"
        return URL(fileURLWithPath: path).path
    }
}
