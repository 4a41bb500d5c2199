internal import Glibc
internal import GRDB
public import Node

/// Looks at the files of a store without changing them, also while a node uses them.
public struct StoreInspection: Sendable {
    public enum State: Sendable, Equatable {
        /// No node has run in this home.
        case missing
        /// Whole, with this schema.
        case good(schema: Int)
        case bad(StoreFailure)
    }

    public let own: State
    public let cache: State

    public init(directory: String) {
        own = Self.state(directory + "/" + OwnDatabase.fileName, known: OwnDatabase.migrator)
        cache = Self.state(directory + "/" + CacheDatabase.fileName, known: CacheDatabase.migrator)
    }

    private static func state(_ path: String, known: DatabaseMigrator) -> State {
        guard unsafe access(path, F_OK) == 0 else { return .missing }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? queue.close() }
            return try queue.inDatabase { database in
                let report = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "no answer"
                guard report == "ok" else { return .bad(.corrupt("\(path): \(report)")) }
                let applied = try known.appliedIdentifiers(database).compactMap { Int($0) }
                let newest = known.migrations.compactMap { Int($0) }.max() ?? 0
                guard let schema = applied.max() else { return .missing }
                return schema > newest ? .bad(.newerVersion(schema)) : .good(schema: schema)
            }
        } catch {
            return .bad(StoreFailure(error, path: path))
        }
    }
}
