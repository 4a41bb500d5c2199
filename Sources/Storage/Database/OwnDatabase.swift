internal import Glibc
internal import GRDB
internal import Node

/// `node.sqlite`: what the node must not contradict after a crash.
///
/// Every commit waits for the disk.
struct OwnDatabase: Sendable {
    static let fileName = "node.sqlite"

    let file: DatabaseFile

    /// A damaged file is never replaced: with a new one the node would sign sequences twice.
    init(directory: String) throws(StoreFailure) {
        let path = directory + "/" + Self.fileName
        do throws(StoreFailure) {
            file = try DatabaseFile(path: path, durability: .full, migrator: Self.migrator)
        } catch .corrupt(let message) {
            throw .corrupt(
                """
                \(message). This file holds what the node signed and is never discarded. Restore it from a backup \
                in its place, start the node, then run `rialto key resume`; or move it away and use a new identity.
                """
            )
        }
    }

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try FactTable.create(database)
            try OwnRecordTable.create(database)
        }
        migrator.registerMigration("2") { database in
            let tables: [OwnTable] = [.awards, .leases, .leaseStates, .vouchers, .receipts, .credit]
            for table in tables { try RowTable(table).create(database) }
        }
        migrator.registerMigration("3") { database in
            try RowTable(.settlements).create(database)
        }
        return migrator
    }

    /// Copies the file while it is in use; what is at `path` must not exist yet.
    func backUp(to path: String) throws(StoreFailure) {
        guard unsafe access(path, F_OK) != 0 else { throw .inputOutput("\(path) exists; a backup overwrites nothing") }
        let draft = path + ".partial"
        for leftover in DatabaseFile.paths(of: draft) { _ = unsafe unlink(leftover) }
        defer { for leftover in DatabaseFile.paths(of: draft) { _ = unsafe unlink(leftover) } }
        let created = unsafe open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard created >= 0 else { throw .inputOutput("\(draft): " + systemMessage()) }
        defer { _ = close(created) }
        do {
            let copy = try DatabaseQueue(path: draft)
            try file.queue.backup(to: copy)
            // One file without a log beside it can be carried around.
            try copy.inDatabase { database in try database.execute(sql: "PRAGMA journal_mode = DELETE") }
            try copy.close()
        } catch {
            throw StoreFailure(error, path: draft)
        }
        // A link, unlike a rename, never takes the place of something that came meanwhile.
        guard fsync(created) == 0, unsafe link(draft, path) == 0 else {
            throw .inputOutput("\(path): " + systemMessage())
        }
        do throws(HomeError) {
            let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            try HomeDirectory.synchronize(folder.isEmpty ? "/" : folder)
        } catch {
            throw .inputOutput(error.description)
        }
    }
}
