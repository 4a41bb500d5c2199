internal import Glibc
internal import GRDB
internal import Node

/// One SQLite file: how it is opened, checked and brought to the present schema.
struct DatabaseFile: Sendable {
    /// When a commit returns: `full` waits for the disk, `normal` for the next checkpoint (SQLite, "PRAGMA synchronous").
    enum Durability: String {
        case full = "FULL"
        case normal = "NORMAL"
    }

    let path: String
    let queue: DatabaseQueue

    /// Opens or makes the file, checks every page and migrates it.
    init(path: String, durability: Durability, migrator: DatabaseMigrator) throws(StoreFailure) {
        self.path = path
        // Made here, so that its mode does not depend on the process; SQLite gives the mode to the log beside it.
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            if errno == EACCES || errno == EROFS { throw .readOnly }
            if errno == ENOSPC || errno == EDQUOT { throw .diskFull }
            throw .inputOutput("\(path): " + systemMessage())
        }
        _ = Glibc.close(descriptor)
        do {
            queue = try DatabaseQueue(path: path, configuration: Self.configuration(durability))
            try queue.inDatabase { database in
                let report = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "no answer"
                guard report == "ok" else { throw StoreFailure.corrupt("\(path): \(report)") }
                try Self.refuseNewer(database, migrator)
            }
            try migrator.migrate(queue)
        } catch {
            throw StoreFailure(error, path: path)
        }
    }

    private static func configuration(_ durability: Durability) -> Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = WAL")
            try database.execute(sql: "PRAGMA synchronous = \(durability.rawValue)")
            // A crafted file must not bring functions to life from its schema, nor lie about its cells.
            try database.execute(sql: "PRAGMA trusted_schema = OFF")
            try database.execute(sql: "PRAGMA cell_size_check = ON")
        }
        return configuration
    }

    /// Migrations are named by their number; one that we do not know was made by a newer version.
    private static func refuseNewer(_ database: Database, _ migrator: DatabaseMigrator) throws {
        let unknown = try migrator.appliedIdentifiers(database).subtracting(migrator.migrations)
        guard !unknown.isEmpty else { return }
        throw StoreFailure.newerVersion(unknown.compactMap { Int($0) }.max() ?? Int.max)
    }

    /// All of `body` or nothing of it.
    func transaction(_ body: (Database) throws -> Void) throws(StoreFailure) {
        do {
            try queue.write { database in try body(database) }
        } catch {
            throw StoreFailure(error, path: path)
        }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(StoreFailure) -> Value {
        do {
            return try queue.inDatabase { database in try body(database) }
        } catch {
            throw StoreFailure(error, path: path)
        }
    }

    /// SQLite's number of the durability: 1 for `NORMAL`, 2 for `FULL`.
    func synchronousLevel() throws(StoreFailure) -> Int {
        try read { database in try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? -1 }
    }

    /// The file grows to at most this many pages; never shrinks by it.
    func setPageCountMax(_ count: Int) throws(StoreFailure) {
        _ = try read { database in try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(count)") }
    }

    func close() {
        try? queue.close()
    }

    /// The file and what SQLite keeps beside it.
    static func paths(of path: String) -> [String] {
        [path, path + "-wal", path + "-shm"]
    }
}
