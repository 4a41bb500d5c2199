internal import Foundation
internal import GRDB
internal import Market
internal import Node

/// What the network said, by record id.
enum RecordTable {
    static let name = "records"

    static func create(_ database: Database) throws {
        try database.execute(
            sql:
                "CREATE TABLE records (\(SubjectColumns.definition), \(RecordColumns.definition), PRIMARY KEY (id)) STRICT"
        )
    }

    static func put(_ database: Database, _ record: StoredRecord) throws {
        try database.run(
            "INSERT OR REPLACE INTO records (\(SubjectColumns.names), \(RecordColumns.names)) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            RecordColumns.arguments(record)
        )
    }

    static func delete(_ database: Database, _ id: RecordID) throws {
        try database.run("DELETE FROM records WHERE id = ?", [id.bytes.blob])
    }

    static func load(_ database: Database, countMax: Int) throws -> (elements: [StoredRecord], leftOutCount: Int) {
        try database.load(
            "SELECT \(SubjectColumns.names), \(RecordColumns.names) FROM records ORDER BY id LIMIT ?",
            countMax: countMax,
            make: RecordColumns.record
        )
    }
}
