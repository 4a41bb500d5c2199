import GRDB

/// Changes a database behind the store's back.
enum Tampering {
    static func execute(_ sql: String, in path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.inDatabase { database in try database.execute(sql: sql) }
        try queue.close()
    }
}
